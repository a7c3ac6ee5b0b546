# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of a key file or of sudoers while nothing may open: what is there may end earlier, or go. Pure.

The ledger may say of more lines that they are in place than the host has: somebody took one out by hand, or
an ending couldn't be recorded on a full disk. Only a run that may open puts such a line back.
"""

from __future__ import annotations

from ..contract.words import Seldom

# The end as `key_lines` and `sudo_rules` write it.
END = Seldom(r'NOTAFTER=(\d{14})Z |,expiry-time="(\d{14})Z"')
NEVER = "9" * 14


def only_present(wanted: str | None, present: str | None) -> str:
    """The lines of `wanted` that `present` has too, with the same end or a later one; "" for none."""
    ends: dict[str, str] = {}
    for line in (present or "").splitlines():
        body, end = _split(line)
        ends[body] = max(end, ends.get(body, ""))
    kept = []
    for line in (wanted or "").splitlines(True):
        body, end = _split(line.rstrip("\n"))
        if end <= ends.get(body, ""):
            kept.append(line)
    return "".join(kept)


def at_most(wanted: str | None, present: str | None) -> str:
    """The lines that both have, each with the earlier end: what closings may leave. Openings add the rest."""
    there: dict[str, list[str]] = {}
    for line in (present or "").splitlines(True):
        there.setdefault(_split(line)[0], []).append(line)
    kept = []
    for line in (wanted or "").splitlines(True):
        alike = there.get(_split(line)[0])
        if alike:
            kept.append(min(line, max(alike, key=_end), key=_end))
    return "".join(kept)


def _end(line: str) -> str:
    return _split(line)[1]


def loses_lines(before: str | None, after: str | None) -> bool:
    """Whether a line goes for good; one whose end only moves takes nothing from a session."""
    kept = {_split(line)[0] for line in (after or "").splitlines()}
    return any(_split(line)[0] not in kept for line in (before or "").splitlines())


def _split(line: str) -> tuple[str, str]:
    """A line without its end, and the end."""
    match = END.search(line)
    if match is None:
        return line, NEVER
    return line[: match.start()] + line[match.end() :], match.group(1) or match.group(2)
