# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local deadline's tick: what the units on the host run each minute."""

from __future__ import annotations


def main() -> int:
    """Nothing yet.

    Returns:
        The exit code.
    """
    return 0
