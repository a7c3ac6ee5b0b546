# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that Daypass puts on a host, beside people's accounts and homes: the one list. Pure.

The report looks at each, off-boarding takes each away in the order of its stage, and a test compares a host
before and after. Whatever writes a new thing to a host adds it here.
"""

from __future__ import annotations

import os

from ..contract import names
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..deadline import units
from ..program.start import PROGRAM_PATH

if TYPE_CHECKING:
    from typing import Collection

# Stages of off-boarding. The record goes last: until then a run that was cut off knows what is left.
TRUST, TIMERS, FILES, RECORD = "trust", "timers", "files", "record"
STAGES = (TRUST, TIMERS, FILES, RECORD)

TIMER_LINK = f"{units.UNIT_FOLDER}/timers.target.wants/{units.TIMER}"
# The name that the state folder has while it goes: it disappears as a whole, so that nobody who waits for the
# lock in it finds half of it.
GOING_FOLDER = "/var/lib/.daypass-going"


class Trace(NamedTuple):
    """One file or folder of ours.

    Attributes:
        tree: A folder that goes with all that is in it.
        mode: Its permission bits, None where nobody promises them.
    """

    path: str
    stage: str
    mode: int | None
    tree: bool = False


TRACES = (
    Trace(names.SSHD_DROPIN, TRUST, 0o644),
    Trace(TIMER_LINK, TIMERS, None),
    Trace(f"{units.UNIT_FOLDER}/{units.TIMER}", TIMERS, 0o644),
    Trace(f"{units.UNIT_FOLDER}/{units.SERVICE}", TIMERS, 0o644),
    Trace(units.CRON_PATH, TIMERS, 0o644),
    Trace(names.SUDOERS_PATH, FILES, 0o440),
    Trace(names.KEYS_FOLDER, FILES, 0o711, tree=True),
    Trace(names.TRUST_FOLDER, FILES, 0o755, tree=True),
    Trace(PROGRAM_PATH, FILES, 0o600),
    Trace(os.path.dirname(PROGRAM_PATH), FILES, 0o755, tree=True),
    Trace(names.RUN_FOLDER, FILES, None, tree=True),
    Trace(names.LEDGER_PATH, RECORD, 0o600),
    Trace(names.STATE_FOLDER, RECORD, 0o700, tree=True),
    Trace(GOING_FOLDER, RECORD, None, tree=True),
)
GROUPS = (names.GROUP_CREATED, names.GROUP_JOINED)


def at(stage: str) -> tuple[Trace, ...]:
    """The traces of one stage, in the order in which they go."""
    return tuple(trace for trace in TRACES if trace.stage == stage)


def found_before(
    folders: Collection[str], groups: Collection[str], made: Collection[str] = ()
) -> tuple[str, ...]:
    """What a host had before its onboarding, of all that may be there without us; the ledger keeps it.

    Args:
        folders, groups: Those that are there now.
        made: What an onboarding that was cut off has made of it.
    """
    there = [name for name in names.SHARED_FOLDERS if name in folders]
    there += [name for name in GROUPS if name in groups]
    return tuple(name for name in there if name not in made)


def folders_to_remove(found: Collection[str]) -> tuple[str, ...]:
    """Shared folders that weren't there before; each goes if nobody else has put something into it."""
    return tuple(name for name in names.SHARED_FOLDERS if name not in found)


def groups_to_remove(found: Collection[str]) -> tuple[str, ...]:
    """Groups of ours that weren't there before."""
    return tuple(name for name in GROUPS if name not in found)
