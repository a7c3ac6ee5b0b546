"""Exports of the record: how long a row takes, proven and not, and that memory doesn't grow with the rows.

`python -m bench records [--grants 100000] [--rounds 3]`: SQLite, whole commands.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.process import measured
from bench.report import middle, save, show
from bench.store import DAYPASS, ENVIRONMENT, site

WANTED_GROWTH = 1.2  # peak memory of ten times as many rows, against that of a tenth
FORMATS = ("jsonl", "csv")


def run(arguments: Sequence[str] | None = None) -> bool:
    """Print the table; False when memory grows with the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("grants", 100_000), ("people", 10_000), ("servers", 1000), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args(arguments)
    options.logged = None
    few = options.grants // 10
    with site("sqlite", few, options) as small, site("sqlite", options.grants, options) as large:
        rows = [
            _row(f"{form}{' unverified' if unverified else ''}", small, large, options, form, unverified)
            for form in FORMATS
            for unverified in (False, True)
        ]
    show(f"exports of {options.grants} grants with six events each, against {few}", rows)
    save("records", {"options": vars(options), "rows": rows})
    return all(float(str(row["peak / that of a tenth"])) <= WANTED_GROWTH for row in rows)


def _row(
    what: str, small: Path, large: Path, options: argparse.Namespace, form: str, unverified: bool
) -> dict[str, object]:
    more = ("--unverified",) if unverified else ()
    words = (DAYPASS, "audit", "export", "--format", form, *more)
    pairs = [
        (measured(*words, cwd=large, env=ENVIRONMENT), measured(*words, cwd=small, env=ENVIRONMENT))
        for _ in range(options.rounds)
    ]
    for one, _ in pairs:
        assert one.out.count("\n") >= options.grants, what
    return {
        "export": what,
        "CPU s": middle([one.cpu_seconds for one, _ in pairs]),
        "rows a CPU s": round(options.grants / middle([one.cpu_seconds for one, _ in pairs])),
        "peak MB": middle([one.peak_bytes / 10**6 for one, _ in pairs]),
        "peak / that of a tenth": middle([one.peak_bytes / tenth.peak_bytes for one, tenth in pairs]),
    }
