# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mounted where, as this process sees it."""

from __future__ import annotations

from ..contract.words import Seldom

OCTAL = Seldom(r"\\([0-7]{3})")


def read_mounts() -> list[tuple[str, str]]:
    """(mount point, type) of all mounts of this process (proc(5), mountinfo); escapes are octal."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        lines = file.read().split("\n")  # only that: a person may name a mount point as he likes
    found = []
    for line in filter(None, lines):
        head, _dash, tail = line.partition(" - ")
        point = head.split(" ")[4]
        if "\\" in point:
            point = OCTAL.sub(lambda match: chr(int(match.group(1), 8)), point)
        found.append((point, tail.split(" ")[0]))
    return found
