# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The word for a removal that isn't complete. Pure."""

from __future__ import annotations

IN_WORK = "in_work"  # goes on with the next run


class Unfinished(Exception):
    """A removal that isn't complete: `IN_WORK`, or the code of what is in its way; and a sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
