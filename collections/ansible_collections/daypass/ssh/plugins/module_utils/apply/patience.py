# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a run goes on with processes and files that one person has many of."""

from __future__ import annotations

from ..contract.typed import NamedTuple


class Patience(NamedTuple):
    """Limits for what one person may make slow; None where only each place has its own."""

    processes_seconds: float
    files_seconds: float | None


# A wave: everything is done when it answers. What is left after 15 s is reported, and the next run goes on.
WHOLE = Patience(15.0, None)
# A tick: the next person's deadline may be a second away. What is left is done without the lock, or later.
BRIEF = Patience(4.0, 1.0)
