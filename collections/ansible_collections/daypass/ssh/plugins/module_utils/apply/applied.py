# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a plan. Pure values."""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Mapping

    from ..removal.unfinished import Unfinished
    from ..sessions.setid_files import Lost


class Failure(NamedTuple):
    """A step that didn't succeed."""

    code: str
    sentence: str
    hint: str = ""


class Applied(NamedTuple):
    """What became of the accounts.

    Attributes:
        failures, warnings: By login.
        undone: Logins whose opening was taken back, or not begun.
        own_keys: login -> digest of a joined person's own authorized_keys after our access ended.
        stuck: Logins where something that should be gone may still be there: the next run goes on.
        unfinished: uid -> where setuid and setgid copies weren't all looked for, as time was up.
        sudo_by_deadline: There are sudo rules, and this host's sudo doesn't end them by itself.
        unremoved: Removals that had no time, or that something is in the way of, by login.
    """

    failures: Mapping[str, list[Failure]]
    warnings: Mapping[str, list[str]]
    undone: frozenset[str]
    stuck: frozenset[str]
    changed: bool
    unfinished: Mapping[int, Lost] = {}
    sudo_by_deadline: bool = False
    unremoved: Mapping[str, Unfinished] = {}
    own_keys: Mapping[str, str] = {}
