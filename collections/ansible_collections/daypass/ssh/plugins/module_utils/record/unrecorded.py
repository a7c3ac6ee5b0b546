# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a run had come whose ledger couldn't be written: which document it followed, and when.

Closings go on where nothing can be recorded, so the ledger may still name what they took: the document from
before, sent once more, or a clock that goes back, would open it again. A small file that was made while there
was room is overwritten in place, which needs none. Of accounts it says nothing: the next run that can write
puts the ledger right.
"""

from __future__ import annotations

from ..contract import json_text, names
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ..effects.system import System
    from .ledger import Ledger

SIZE = 512  # one block of any disk: a power cut leaves the old content or the new
FIELDS = ("host_id", "orchestrator_id", "sequence", "digest", "last_seen")


def make_room(system: System) -> None:
    """Have the file, where it isn't there yet; a disk that takes nothing leaves it for a later run."""
    if system.exists(names.UNRECORDED_PATH):
        return
    try:
        system.write(names.UNRECORDED_PATH, _fixed({}), 0o600)
    except OSError:
        return


def note(system: System, ledger: Ledger) -> None:
    """Remember what this ledger, which couldn't be written, knows of the order of things.

    Raises:
        OSError: There is no such file, or it can't be written either (a read-only disk).
    """
    fields = {name: getattr(ledger, name) for name in FIELDS}
    system.overwrite(names.UNRECORDED_PATH, _fixed(fields))


def with_unrecorded(system: System, ledger: Ledger) -> Ledger:
    """The ledger with what is noted beside it, where that is of this host and goes further."""
    found = _read(system)
    if (found.get("host_id"), found.get("orchestrator_id")) != (ledger.host_id, ledger.orchestrator_id):
        return ledger
    sequence, seen = found.get("sequence"), found.get("last_seen")
    if isinstance(sequence, int) and sequence > ledger.sequence:
        ledger = ledger._replace(sequence=sequence, digest=found.get("digest"))
    return ledger._replace(last_seen=max(ledger.last_seen, seen)) if isinstance(seen, int) else ledger


def _fixed(fields: dict[str, Any]) -> bytes:
    text = json_text.dumps(fields)
    return text.ljust(SIZE - 1).encode("ascii") + b"\n"


def _read(system: System) -> dict[str, Any]:
    """What is noted; nothing where it can't be read: it only ever adds to what the ledger says."""
    try:
        found = json_text.loads((system.read(names.UNRECORDED_PATH) or b"{}").decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
