"""The threat model and the architecture name what there is."""

from __future__ import annotations

import re
from pathlib import Path

from tests.documents import ROOT

NAMED_TEST = re.compile(r"`([a-z0-9_/]+\.py)::(test_\w+)`")
FOLDER_ROW = re.compile(r"^\| `([a-z_]+(?:/|\.py))` \|", re.MULTILINE)


def test_every_test_that_the_threat_model_names_exists():
    """A limit is proven by a test that is there, not by one that was renamed or dropped."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    named = NAMED_TEST.findall(text)
    gone = [f"{file}::{name}" for file, name in named if f"def {name}(" not in source(file)]
    assert named
    assert gone == []


def test_every_line_of_the_threat_model_names_a_test():
    """What no test holds is a hope; it doesn't stand among the limits."""
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what |")]
    assert len(lines) > 60
    assert [line for line in lines if not NAMED_TEST.search(line.split(" | ")[-1])] == []


def source(file: str) -> str:
    """The text of a test file below tests/, empty when there is none."""
    path = ROOT / "tests" / file
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def folders(package: Path) -> set[str]:
    """Its packages, as the tables write them."""
    return {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}


def test_architecture_names_every_part_of_the_package():
    """Each folder of the package and of `cli` has its line, and no line is about a folder that is gone."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    package = ROOT / "orchestrator" / "daypass"
    of_package, of_cli = text.split("Around it:")[0].split("| folder of `cli` |")
    parts = folders(package) | {path.name for path in package.glob("*.py") if path.name != "__init__.py"}
    assert set(FOLDER_ROW.findall(of_package)) == parts
    assert set(FOLDER_ROW.findall(of_cli)) == folders(package / "cli")


def test_every_decision_is_in_the_list_of_decisions():
    """A decision that nobody finds is taken again."""
    folder = ROOT / "docs" / "adr"
    listed = set(re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text()))
    there = [path.name for path in folder.glob("[0-9]*.md")]
    assert listed == set(there)
    assert len({name[:4] for name in there}) == len(there), "two decisions have one number"
