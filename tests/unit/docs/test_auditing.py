"""The page for auditors names what an export holds."""

from __future__ import annotations

import re

from daypass.audit.access_rows import FIELDS
from tests.documents import ROOT


def test_every_field_of_an_export_is_explained_in_its_order():
    """Whoever gets a file finds each column."""
    text = (ROOT / "docs/auditing.md").read_text(encoding="utf-8").partition("## Fields")[2]
    assert tuple(re.findall(r"^\| `([a-z_]+)` \|", text, flags=re.MULTILINE)) == FIELDS
