# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Telling a person that access ends: on his terminals, a while ahead and once more shortly before.

What is due is decided under the lock, where it is also noted as given; the writing happens without the lock,
and never waits for a terminal: whoever stops his (^S) misses the text and holds up nobody.
"""

from __future__ import annotations

import os
import stat
import time

from ..contract import json_text
from ..contract.names import RUN_FOLDER
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..contract.words import Seldom

if TYPE_CHECKING:
    from typing import Iterable

    from ..effects.system import System
    from ..record.ledger import Ledger, LedgerGrant

GIVEN_PATH = RUN_FOLDER + "/warned.json"
LAST_SECONDS = 60  # the second warning
TERMINALS = "/dev/pts"  # these accounts have no password, so nobody sits at another kind of terminal
TERMINALS_MAX = 32  # of one person: he may open thousands
UNPRINTABLE = Seldom(r"[^ -~]")


class Notice(NamedTuple):
    """A warning that is due."""

    login: str
    uid: int
    grant_id: str
    not_after: int
    seconds: int


def leads(grant: LedgerGrant) -> tuple[int, ...]:
    """How many seconds before its end a grant's person is warned; none where nobody wants it."""
    if grant.warn_before <= 0:
        return ()
    return tuple(sorted({grant.warn_before, min(grant.warn_before, LAST_SECONDS)}, reverse=True))


def due(ledger: Ledger, now: int, given: Iterable[str]) -> tuple[tuple[Notice, ...], frozenset[str]]:
    """The warnings to give now, and the marks of all that were or are given and still count.

    Args:
        given: Marks of earlier warnings. A grant that was extended has another end, so other marks.
    """
    before, marks, notices = set(given), set(), []
    for login, account in sorted(ledger.accounts.items()):
        for key, grant in sorted(account.grants.items()):
            rest = grant.not_after - now
            passed = {f"{key} {grant.not_after} {lead}" for lead in leads(grant) if 0 < rest <= lead}
            marks |= passed
            if grant.live and passed - before:
                notices.append(Notice(login, account.uid, key, grant.not_after, rest))
    return tuple(notices), frozenset(marks)


def claim(system: System, ledger: Ledger, now: int) -> tuple[Notice, ...]:
    """The warnings to give now, noted as given. The caller holds the lock."""
    before = _read_given(system)
    notices, marks = due(ledger, now, before)
    if notices:
        try:
            system.make_folder(RUN_FOLDER, 0o700)
            system.write(GIVEN_PATH, json_text.dumps(sorted(marks)).encode("ascii"), 0o600)
        except OSError:
            pass  # given again each minute then: better than not at all
    return notices


def give(system: System, notice: Notice) -> int:
    """Write to all terminals of the person; how many took it."""
    text = render(notice, os.uname().nodename).encode("ascii")
    paths = list(_terminals(system, notice.uid))[:TERMINALS_MAX]
    return sum(system.write_terminal(path, notice.uid, text) for path in paths)


def render(notice: Notice, host: str) -> str:
    """The text: when access ends, what happens then, and how to go on."""
    left = f"{notice.seconds} s" if notice.seconds < 120 else f"{notice.seconds // 60} minutes"
    moment = time.strftime("%H:%M:%S UTC", time.gmtime(notice.not_after))
    lines = [
        f"Daypass: your access to {UNPRINTABLE.sub('?', host)[:64]} by grant {notice.grant_id}",
        f"ends in {left}, at {moment}. Your sessions end then; save your work.",
        f"To go on: daypass access extend {notice.grant_id} --for 30m",
        f"(an operator: daypass extend {notice.grant_id} --for 30m)",
    ]
    return "\a\r\n" + "".join(f"{line}\r\n" for line in lines)  # a terminal in raw mode adds no return


def _terminals(system: System, uid: int) -> Iterable[str]:
    for name in system.names(TERMINALS):
        path = f"{TERMINALS}/{name}"
        status = system.status(path) if name.isdigit() else None
        if status is not None and stat.S_ISCHR(status.st_mode) and status.st_uid == uid:
            yield path


def _read_given(system: System) -> frozenset[str]:
    """Marks of warnings that were given since the host came up; what can't be read counts as none."""
    try:
        found = json_text.loads((system.read(GIVEN_PATH) or b"[]").decode("utf-8"))
    except (OSError, ValueError):
        return frozenset()
    return frozenset(one for one in found if isinstance(one, str)) if isinstance(found, list) else frozenset()
