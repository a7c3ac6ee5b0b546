"""How the documents become a site (Sphinx): `make docs`. The source folder is the repository's own, so that a
link is right in the repository and on the site."""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

project = "Daypass"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "lab/README.md",
    "docs/**.md",
]
exclude_patterns = [
    ".*",
    "bench",
    "build",
    "changes",
    "collections",
    "dist",
    "orchestrator",
    "scripts",
    "tests",
]
nitpicky = True

myst_heading_anchors = 4  # links to headings, as code hosts make them

html_theme = "furo"
html_title = "Daypass"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False

LISTS = ("docs/index", "docs/adr/README")  # pages whose links are the site's contents
CAPTION = re.compile(r"^## (?P<caption>.+)$", re.MULTILINE)
PAGE = re.compile(r"\]\((?P<page>[\w./-]+)\.md\)")
FROM_ELSEWHERE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//")
TO_THE_FIRST_PAGE = (
    '<!doctype html><meta http-equiv="refresh" content="0; url=docs/index.html"><title>Daypass</title>'
)


def add_contents(_app: Sphinx, name: str, source: list[str]) -> None:
    """Make the lists of links of a page the site's contents: a page that none of them names is an error."""
    if name in LISTS:
        parts = CAPTION.split(source[0])
        sections = list(zip(parts[1::2], parts[2::2], strict=True)) or [("", parts[0])]
        source[0] += "".join(contents(caption, PAGE.findall(text)) for caption, text in sections)


def contents(caption: str, pages: list[str]) -> str:
    """The directive for the pages of one list, each once; empty without any."""
    if not pages:
        return ""
    named = [f":caption: {caption}"] if caption else []
    return "\n".join(["\n\n```{toctree}", ":hidden:", *named, "", *dict.fromkeys(pages), "```", ""])


def finish(app: Sphinx, error: Exception | None) -> None:
    """Put a first page at the top of the site, and make sure that it needs nobody else's."""
    if error is None:
        folder = Path(app.outdir)
        (folder / "index.html").write_text(TO_THE_FIRST_PAGE, encoding="utf-8")
        for page in folder.rglob("*.html"):
            if found := FROM_ELSEWHERE.search(page.read_text(encoding="utf-8")):
                logging.getLogger(__name__).warning("%s loads something from elsewhere: %s", page, found[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_contents)
    app.connect("build-finished", finish)
