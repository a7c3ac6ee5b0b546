"""What the operator's guide says that people see is what the code says."""

from __future__ import annotations

import re

from ansible_collections.daypass.ssh.plugins.module_utils.report.findings import KINDS, PERSON
from tests.documents import ROOT

CODES = (ROOT / "orchestrator", ROOT / "collections")
FIRST_CELL = re.compile(r"^\| (.+?) \|", re.MULTILINE)
WORDS = re.compile(r"`([^`]+)`")
BETWEEN_QUOTES = re.compile(r"\"\s*\n\s*f?\"")  # a text that goes on in the next line


def test_every_message_in_what_to_do_when_is_one_of_the_codes():
    """A message that nobody gets helps nobody; `…` stands for what differs from case to case."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8").partition("## What to do when")[2]
    said = [words for cell in FIRST_CELL.findall(text) for words in WORDS.findall(cell)]
    code = "".join(
        BETWEEN_QUOTES.sub("", path.read_text(encoding="utf-8"))
        for folder in CODES
        for path in folder.rglob("*.py")
        if "tests" not in path.parts
    )
    missing = [words for words in said if not all(part in code for part in words.split("…"))]
    assert len(said) > 20
    assert missing == []


def test_every_finding_that_only_a_person_can_put_right_is_explained():
    """What a report leaves to the operator, the guide says what to do about."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    assert [code for code, (_, who) in KINDS.items() if who == PERSON and f"`{code}`" not in text] == []
