"""Definitions in, configuration out: one folder a case in `cases/`, all through this driver.

A case holds `sources/` (what the other product prints), `options.json` (what whoever imports decided), and
`expected/`: the files that must come out, and `findings.json`.
`DAYPASS_GOLDEN_UPDATE=1` writes what came out into the case, for a person to read before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from daypass.importing import writing
from tests.importing_cases import CASES, findings_of, translated

UPDATE = os.environ.get("DAYPASS_GOLDEN_UPDATE") == "1"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_definitions_become_what_is_expected(case: Path):
    """The same definitions make the same files and the same findings."""
    found = translated(case)
    texts = {**found.files, "findings.json": json.dumps(findings_of(found), indent=1) + "\n"}
    folder = case / "expected"
    if UPDATE:
        folder.mkdir(exist_ok=True)
        for file in folder.iterdir():
            file.unlink()
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert texts == {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_written_loads_without_problems(case: Path):
    """Our own loaders take every file, and each says what was meant."""
    found = translated(case)
    writing.check_loads(found.files, found.meant)
