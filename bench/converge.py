"""What converging costs a host: without a change with fifty accounts, and with one new account.

The program runs on the host as a wave starts it, there without ssh and sudo. Its commands are timed from
within, by what it waits for them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.daypass.ssh.plugins.plugin_utils import program
from bench import report
from bench.contenders import ContenderFailed
from bench.crowd import give_unsent
from bench.site import Site, prepare
from daypass.execution.ansible_settings import TARGET_PYTHON
from daypass.wiring.opening import Daypass
from daypass.workflow.waves import DOCUMENT, converge
from daypass.workflow.waves import prepare as prepare_wave

CROWD = 50
UNCHANGED_SECONDS_MOST = 0.15  # the demands
COMMANDS_RATIO_MOST = 1.5
HOST_SCRIPT = Path(__file__).with_name("on_host.py")

# Runs before the start of a run, in its process: tells at its end what it waited for.
TIMED = """
_entered, _exit, _waited = entered, os._exit, []
def entered(*more):
    main = _entered(*more)
    import time
    children = sys.modules[PACKAGE + ".effects.children"]
    run = children.run
    def timed(argv, *more):
        began = time.perf_counter()
        try:
            return run(argv, *more)
        finally:
            _waited.append([argv[0], time.perf_counter() - began])
    children.run = timed
    return main
def _tell(code):
    sys.stderr.write(sys.modules[PACKAGE + ".contract.json_text"].dumps(_waited))
    sys.stderr.flush()
    _exit(code)
os._exit = _tell
"""


def run(arguments: Sequence[str]) -> bool:
    """Measure; whether both demands are met."""
    parser = argparse.ArgumentParser(prog="python -m bench converge", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(arguments)
    site = prepare(1, 1, prefix="full", light=False)
    with site.opened() as daypass:
        _fill(site, daypass, CROWD - options.rounds // 2)  # half of the new ones come to fewer, half to more
        opened = [_open_one(site, daypass) for _ in range(options.rounds)]
        _fill(site, daypass, CROWD)
        unchanged = _on_host(site, _document(site, daypass), rounds=options.rounds + 1)[1:]
    return _report(unchanged, opened)


def _fill(site: Site, daypass: Daypass, crowd: int) -> None:
    """Have so many accounts or more in the ledger; a host that an earlier bench left has more."""
    text = site.lab.exec(site.hosts[0], ["cat", "/var/lib/daypass/ledger.json"]).stdout
    missing = crowd - len(json.loads(text)["accounts"])
    if missing > 0:
        give_unsent(site, daypass, missing)
    converge(daypass.seams, site.hosts)  # the program is there, and what was left is told


def _document(site: Site, daypass: Daypass) -> str:
    plans, refused = prepare_wave(daypass.seams, site.hosts, {})
    if refused:
        raise ContenderFailed(str(refused))
    return plans[site.hosts[0]][1].variables[DOCUMENT]


def _on_host(site: Site, document: str, rounds: int = 1) -> list[dict[str, Any]]:
    """Run the program with this document on the host so many times; each as on_host.py and `waited` for."""
    code = program.CODE._replace(start=program.CODE.start.replace("\nstart(", f"{TIMED}\nstart("))
    request = {"document": document, "controller_time": None, "check": False}
    stdin = program.render_input(request, with_sources=False, code=code).decode("utf-8")
    wish = {"argv": [TARGET_PYTHON, *program.COMMAND], "input": stdin, "rounds": rounds}
    argv = [TARGET_PYTHON, "-c", HOST_SCRIPT.read_text()]
    runs: list[dict[str, Any]] = json.loads(
        site.lab.exec(site.hosts[0], argv, input=json.dumps(wish), timeout_seconds=300).stdout
    )
    for one in runs:
        found = json.loads(one["out"].partition(program.MARK)[2] or "{}")
        if found.get("failed") is not False:
            raise ContenderFailed(f"{one['out'][:2000]} {one['err'][-2000:]}")
        one["changed"] = found["changed"]
        one["waited"] = json.loads(one["err"])
    return runs


def _open_one(site: Site, daypass: Daypass) -> dict[str, Any]:
    give_unsent(site, daypass, 1)
    (one,) = _on_host(site, _document(site, daypass))
    if not one["changed"]:
        raise ContenderFailed("nothing was opened")
    return one


def _report(unchanged: Sequence[Mapping[str, Any]], opened: Sequence[Mapping[str, Any]]) -> bool:
    if any(one["changed"] for one in unchanged):
        raise ContenderFailed("a run without a change changed something")
    still = [one["wall"] for one in unchanged]
    ratios = [one["wall"] / sum(seconds for _name, seconds in one["waited"]) for one in opened]
    rows: list[dict[str, object]] = [
        {
            "run": f"no change, {CROWD} accounts",
            "ms": _ms(still),
            "CPU ms": _ms([one["cpu"] for one in unchanged]),
            "wanted": f"<= {UNCHANGED_SECONDS_MOST * 1000:.0f} ms",
        },
        {
            "run": "one new account",
            "ms": _ms([one["wall"] for one in opened]),
            "CPU ms": _ms([one["cpu"] for one in opened]),
            "wanted": f"<= {COMMANDS_RATIO_MOST} times its commands: {report.middle(ratios):.2f}",
        },
    ]
    report.show(f"Converge on a host, {len(unchanged)} runs, median (lowest to highest)", rows)
    report.show("Commands of a run with one new account", _command_rows(opened))
    reached = report.middle(still) <= UNCHANGED_SECONDS_MOST and report.middle(ratios) <= COMMANDS_RATIO_MOST
    result = {
        "unchanged": [{"wall": one["wall"], "cpu": one["cpu"]} for one in unchanged],
        "opened": [{"wall": one["wall"], "cpu": one["cpu"], "waited": one["waited"]} for one in opened],
        "ratios": ratios,
        "reached": reached,
    }
    print(f"{'reached' if reached else 'MISSED'}; {report.save('converge', result)}")
    return reached


def _command_rows(opened: Sequence[Mapping[str, Any]]) -> list[dict[str, object]]:
    """The commands by name, as the first run had them; some run beside each other, in any order."""
    runs = [sorted(one["waited"], key=lambda pair: str(pair[0])) for one in opened]
    names = [name for name, _seconds in runs[0]]
    alike = [waited for waited in runs if [name for name, _ in waited] == names]
    return [
        {"command": name, "ms": _ms([waited[at][1] for waited in alike])} for at, name in enumerate(names)
    ]


def _ms(seconds: Sequence[float]) -> str:
    low, high = min(seconds) * 1000, max(seconds) * 1000
    return f"{report.middle(seconds) * 1000:.0f} ({low:.0f} to {high:.0f})"
