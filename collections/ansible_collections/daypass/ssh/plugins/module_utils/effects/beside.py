# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked beside other work, in a thread of its own."""

from __future__ import annotations

import sys
from _thread import allocate_lock, start_new_thread  # threading alone takes longer to import than all of ours

from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable

# How long a thread computes while another one wants to: a program that ended is not to wait for 5 ms.
SWITCH_SECONDS = 0.0005


class Beside:
    """A question that changes nothing.

    Args:
        ask: What gives the answer.
    """

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._begun = False
        # The program that it begins beside may itself run in such a thread.
        self._beginning = allocate_lock()
        self._answering = allocate_lock()  # held while it is asked
        self._told: Any = None
        self._raised: Exception | None = None

    def begin(self) -> None:
        """Ask now; once is enough. Where no thread is to be had, it is asked here."""
        with self._beginning:
            if self._begun:
                return
            self._begun = True
            self._answering.acquire()
        sys.setswitchinterval(SWITCH_SECONDS)
        try:
            start_new_thread(self._run, ())
        except RuntimeError:
            self._run()

    def wait(self) -> Any:
        """The answer, or what asking raised."""
        self.begin()
        with self._answering:
            pass
        if self._raised is not None:
            raise self._raised
        return self._told

    def _run(self) -> None:
        try:
            self._told = self._ask()
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer gets it
            self._raised = error
        finally:
            self._answering.release()
