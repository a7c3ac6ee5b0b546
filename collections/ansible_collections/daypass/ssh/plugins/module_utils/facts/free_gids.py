# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers for groups that we make: of our own range, so that the number proves a group to be ours. Pure.

They are taken from the range's end, for the orchestrator gives people's uids from its beginning.
"""

from __future__ import annotations

from ..contract import names
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Collection, Iterable, Sequence

    from .nss import Known

SPARE = 8  # more than are needed: a directory may hold some


def some(
    wanted: Collection[str], taken: Collection[int], ranges: Sequence[tuple[str, int, int]]
) -> tuple[int, ...]:
    """Numbers that no file of the host names, none where no group is to be made.

    Args:
        taken: Held, or not to be given for another reason.
        ranges: Subordinate ids as (owner, first, last).
    """
    if not wanted:
        return ()
    found: list[int] = []
    for number in range(names.UID_MAX, names.UID_MIN, -1):
        if number not in taken and not any(first <= number <= last for _owner, first, last in ranges):
            found.append(number)
            if len(found) == len(wanted) + SPARE:
                break
    return tuple(found)


def unknown(numbers: Iterable[int], known: Known | None) -> tuple[int, ...]:
    """Those that nobody holds by any source of the host; none where that can't be told."""
    if known is None:
        return ()
    return tuple(one for one in numbers if one not in known.uids and one not in known.gids)
