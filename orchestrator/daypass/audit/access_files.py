"""Rows of an export as bytes: JSON lines, or CSV that a spreadsheet takes for text alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from daypass.audit.access_rows import FIELDS, Row

# A cell that begins with one of these is a formula for some spreadsheet, or hides one behind a character that
# it drops (OWASP ASVS 5.0, 1.2.10; CWE-1236); it gets an apostrophe in front. One that begins with an
# apostrophe gets another, so that whoever takes one away from each cell has what was recorded.
GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "'")
GUARD = "'"


def json_line(row: Row) -> bytes:
    """One object on one line, ASCII alone: no character in it ends a line for any reader."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def csv_line(row: Row) -> bytes:
    """One record of RFC 4180, every cell in quotes."""
    return _csv([guarded(cell(field, row[field])) for field in FIELDS])


def csv_header() -> bytes:
    """The names of the columns."""
    return _csv(FIELDS)


def _csv(cells: Iterable[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")


def guarded(text: str) -> str:
    """The text with an apostrophe in front where a spreadsheet could take it for a formula."""
    return GUARD + text if text.startswith(GUARDED) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return text.removeprefix(GUARD)


def cell(field: str, value: Any) -> str:
    """A value of a row as one text, for people; empty where there is nothing."""
    if value is None:
        return ""
    if field in CELLS:
        return CELLS[field](value)
    return str(value)


def _words(names: list[str]) -> str:
    return " ".join(names)


def _servers(servers: list[Mapping[str, str]]) -> str:
    return " ".join("=".join(filter(None, (s["name"], s.get("status"), s.get("code")))) for s in servers)


def _approvers(votes: list[Mapping[str, Any]]) -> str:
    return "; ".join(_vote(vote) for vote in votes)


def _vote(vote: Mapping[str, Any]) -> str:
    shorter = vote["shortened_to_seconds"]
    told = [vote["person"], vote["answer"], vote["at"], f"({shorter} s)" if shorter else "", vote["reason"]]
    return " ".join(filter(None, told))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _review(review: Mapping[str, Any]) -> str:
    if review["closed_at"] is None:
        return "open"
    return f"closed {review['closed_at']} by {review['closed_by']}: {review['reason']}"


CELLS: Mapping[str, Callable[[Any], str]] = {
    "integrations": _words,
    "servers": _servers,
    "groups": _words,
    "approvers": _approvers,
    "custom_fields": _json,
    "reasons": _json,
    "review": _review,
}
LINES: Mapping[str, tuple[Callable[[], bytes], Callable[[Row], bytes]]] = {
    "jsonl": (bytes, json_line),
    "csv": (csv_header, csv_line),
}
FORMATS = tuple(LINES)
