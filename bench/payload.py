"""What a wave sends: the size of the packed module, and module runs a host, for one person and for fifty."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest import mock

from bench import report
from bench.contenders import ContenderFailed
from bench.crowd import give_unsent
from bench.site import Site, prepare
from daypass.domain.outcomes import OutcomeKind
from daypass.execution import runner
from daypass.execution.event_folder import take_events
from daypass.wiring.opening import Daypass
from daypass.workflow.waves import converge

MODULE = "daypass.ssh.accounts"
PING = "ansible.builtin.ping"
CROWD = 50
HOSTS = 2
RESULTS = ("runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped")


def packed_sizes(names: Sequence[str]) -> dict[str, int]:
    """Module name, `program`, `program, first time` to bytes as sent, without options and document."""
    argv = [sys.executable, "-m", "bench.packed_module", *names]
    found: dict[str, int] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    return found


def run(arguments: Sequence[str]) -> bool:
    """Measure; whether one module run a host and wave was enough for everybody."""
    argparse.ArgumentParser(prog="python -m bench payload", description=__doc__).parse_args(arguments)
    sizes = packed_sizes([MODULE, PING])
    site = prepare(HOSTS, HOSTS, prefix="crowd")
    with site.opened() as daypass:
        runs = {people: _module_runs(site, daypass, people) for people in (1, CROWD)}
    rows: list[dict[str, object]] = [{"what": name, "bytes": size} for name, size in sizes.items()]
    report.show("Sent to a host: modules as Ansible packs them, and the program that a wave sends", rows)
    rows = [{"new people": n, "hosts": HOSTS, "module runs a host": _range(c)} for n, c in runs.items()]
    report.show("Module runs in one wave", rows)
    reached = all(len(counts) == HOSTS and set(counts.values()) == {1} for counts in runs.values())
    report.save("payload", {"bytes": sizes, "module_runs": runs, "reached": reached})
    return reached


def _range(counts: Mapping[str, int]) -> str:
    return "-".join(str(n) for n in sorted(set(counts.values())))


def _module_runs(site: Site, daypass: Daypass, people: int) -> dict[str, int]:
    """Results by host in the events of one wave that brings so many new people."""
    give_unsent(site, daypass, people)
    counts: Counter[str] = Counter()

    def counting(folder: Path, take: Callable[[object, object], None]) -> None:
        """Counts what the wave takes as results, event by event."""

        def counted(name: object, details: object) -> None:
            if name in RESULTS and isinstance(details, dict):
                counts[details["host"]] += 1
            take(name, details)

        take_events(folder, counted)

    with mock.patch.object(runner, "take_events", counting):
        outcomes = converge(daypass.seams, site.hosts)
    for name, outcome in outcomes.items():
        if outcome.kind is not OutcomeKind.APPLIED:
            raise ContenderFailed(f"{name}: {outcome}")
    return dict(counts)
