"""Results: medians, what was measured with, a table, and JSON in a folder that isn't committed."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def middle(values: Sequence[float]) -> float:
    """The median, rounded for reading."""
    return round(statistics.median(values), 3)


def conditions() -> dict[str, object]:
    """What the numbers depend on."""
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    packages = ("ansible-core", "ansible-runner", "cryptography")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load_at_start": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "kernel": platform.release(),
        "ssh": (ssh.stderr or ssh.stdout).strip(),
        **{name: importlib.metadata.version(name) for name in packages},
    }


def show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows that have the same columns."""
    print(f"\n{title}")
    columns = list(rows[0])
    texts = [columns, *([str(row[column]) for column in columns] for row in rows)]
    widths = [max(len(text[at]) for text in texts) for at in range(len(columns))]
    for text in texts:
        first, *others = (cell.ljust(width) for cell, width in zip(text, widths, strict=True))
        print("  ".join([first, *(cell.strip().rjust(len(cell)) for cell in others)]))


def save(name: str, result: Mapping[str, object]) -> Path:
    """Write a measurement as JSON; the last one of each name is kept."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"conditions": conditions(), **result}, indent=2) + "\n")
    return path
