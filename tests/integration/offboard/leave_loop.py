"""Runs on a lab host: kill an off-boarding at every effect, repeat it, and look whether anything is left.

Standard input: {"host_id", "orchestrator_id"}; with "once" it runs once, and what it did or said is printed.
The host has a ledger, a drop-in and one account. Prints {"kills", "failures": [text, …],
"effects": [[kind, detail], …]}.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH103, PTH123, SIM115
from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import cheaper
import driver
import kill_loop
from daypass_host.contract import names
from daypass_host.deadline import units
from daypass_host.effects import system as host_system
from daypass_host.onboarding import footprint, leaving, trust, way_back

SNAPSHOT = "/opt/daypass-test/onboarded"
ACCOUNT_FILES = [f"/etc/{name}" for name in ("passwd", "shadow", "group", "gshadow")]


def places() -> list[str]:
    """All that an off-boarding takes away beside account files, as the outermost paths."""
    paths = sorted(trace.path for trace in footprint.TRACES)
    return [*(path for path in paths if not any(path.startswith(other + "/") for other in paths)), "/home"]


def save() -> cheaper.Kept:
    shutil.rmtree(SNAPSHOT, ignore_errors=True)
    os.makedirs(SNAPSHOT)
    there = [path for path in places() if os.path.lexists(path)]
    subprocess.run(["cp", "-a", "--parents", *there, SNAPSHOT], check=True)
    return cheaper.Kept(ACCOUNT_FILES)


def restore(kept: cheaper.Kept) -> None:
    subprocess.run(["rm", "-rf", *places()], check=True)
    subprocess.run(["cp", "-a", f"{SNAPSHOT}/.", "/"], check=True)
    kept.give_back()


def leave(system, wanted: trust.Wanted) -> None:
    """What the role does, without the login between."""
    if leaving.is_clear(system):
        return
    system.make_folder(names.STATE_FOLDER, 0o700)
    with system.lock(way_back.LOCK, 5):
        leaving.withdraw(system, wanted, os.urandom(8).hex(), False)
    with system.lock(way_back.LOCK, 5):
        leaving.clear(system)


def run(wanted: trust.Wanted, kill: dict | None) -> list | str | None:
    """One off-boarding in a child: its effects, what it said when it was refused, None when it was killed."""

    def work() -> list | str:
        told = driver.Told(kill, None)
        try:
            leave(told, wanted)
        except (names.Refusal, host_system.CommandFailed, OSError) as error:
            return f"{type(error).__name__}: {error}"
        return told.effects

    return driver.in_a_child(work)[0]


def problems(before: dict[str, str]) -> list[str]:
    """What isn't as it was before the host was onboarded."""
    found = [trace.path for trace in footprint.TRACES if os.path.lexists(trace.path)]
    found += [path for path, text in before.items() if open(path).read() != text]
    checked = subprocess.run(["/usr/sbin/sshd", "-t"], capture_output=True, text=True, check=False)
    return found + ([checked.stderr] if checked.returncode else [])


def main() -> None:
    wish = json.load(sys.stdin)
    cheaper.begin()
    way_back.start_timer = lambda system, run_id, seconds: None  # the tests of the way back see it fire
    units.scheduler = lambda system: None
    wanted = trust.Wanted(
        host_id=wish["host_id"],
        orchestrator_id=wish["orchestrator_id"],
        machine_id=None,
        connector="apono",
        canary="dp-canary",
        way_back_seconds=60,
        take_over=False,
        local_deadline="if_possible",
    )
    if wish.get("once"):
        print(json.dumps(run(wanted, None)))
        return
    kept = save()
    effects = run(wanted, None)
    before = {path: open(path).read() for path in ACCOUNT_FILES}
    failures = [] if isinstance(effects, list) else [f"without a kill: {effects}"]
    failures += [f"without a kill: {one}" for one in problems(before)]
    kills = 0
    for kill in kill_loop.points(effects, 0) if isinstance(effects, list) else ():
        restore(kept)
        kills += run(wanted, kill) is None
        said = run(wanted, None)
        where = f"{kill['when']} {effects[kill['effect']]}"
        if isinstance(said, str):
            failures.append(f"{where}: {said}")
        failures += [f"{where}: {one} is left" for one in problems(before)]
    restore(kept)
    print(json.dumps({"kills": kills, "failures": failures, "effects": effects}))


if __name__ == "__main__":
    main()
