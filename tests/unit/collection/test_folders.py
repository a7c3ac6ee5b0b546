"""The folders of the code for hosts, and the one direction between them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ansible_collections.daypass.ssh.plugins.plugin_utils.program import SOURCES

ARCHITECTURE = Path(__file__).parents[3] / "docs" / "architecture.md"


def folders_in_order() -> list[str]:
    """The folders as the table in docs/architecture.md has them, from what all import to what nobody does."""
    text = ARCHITECTURE.read_text(encoding="utf-8").split("| folder of `module_utils` |")[1]
    return re.findall(r"^\| `(\w+)/` \|", text.split("\n\n")[0], re.MULTILINE)


def folders_imported(path: Path) -> set[str]:
    """Other folders that a module imports from, for types too."""
    imports = [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.ImportFrom)]
    return {str(node.module).split(".")[0] for node in imports if node.level == 2}


def test_every_module_stands_in_a_folder_that_the_architecture_names():
    """Who looks for a place finds it in the table, and nothing lies beside the folders."""
    assert {path.parent.name for path in SOURCES.rglob("*.py")} == set(folders_in_order())
    assert list(SOURCES.glob("*.py")) == []


def test_modules_import_only_from_folders_above_their_own():
    """The folders have one direction: what a lower one needs never leads back to it."""
    order = folders_in_order()
    wrong = [
        f"{path.relative_to(SOURCES)} imports {folder}/"
        for path in sorted(SOURCES.rglob("*.py"))
        for folder in sorted(folders_imported(path))
        if order.index(folder) >= order.index(path.parent.name)
    ]
    assert wrong == []
