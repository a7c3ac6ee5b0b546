"""Write what documents repeat of the code: `scripts/references [--check]`.

A block of docs/*.md between `<!-- settings: MODULE.MODEL -->` or `<!-- commands -->` and `<!-- end -->` is
made from the models and from the help. With --check nothing is written; exit code 1 names what is old.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import commands
import settings

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r"(?P<head><!-- (?P<kind>settings|commands)(?:: (?P<what>[\w.]+))? -->\n).*?<!-- end -->", re.DOTALL
)


def filled(block: re.Match[str]) -> str:
    """A block with what the code says now."""
    if block["kind"] == "commands":
        return f"{block['head']}\n{commands.reference()}\n<!-- end -->"
    module, _, name = block["what"].rpartition(".")
    return (
        f"{block['head']}\n{settings.table(getattr(importlib.import_module(module), name))}\n\n<!-- end -->"
    )


def main() -> None:
    old = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        new = BLOCK.sub(filled, text)
        if new != text:
            old.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv[1:]:
                path.write_text(new, encoding="utf-8")
    if old and "--check" in sys.argv[1:]:
        sys.exit(f"older than the code: {', '.join(old)}; `make references` writes them")


main()
