# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report without Ansible: always by code that was sent for it, so that the program on the host can be
judged by another.
"""

from __future__ import annotations

from ..contract import json_text
from ..contract.typed import TYPE_CHECKING
from ..effects.system import System
from ..program.installing import look
from ..run.entry import tell
from .reporting import make_report

if TYPE_CHECKING:
    from typing import Any


def run(
    system: System, opaque: str | None, *, controller_time: float | None, deep_seconds: float
) -> dict[str, Any]:
    """Report, shaped as an Ansible module's result: `changed`, `failed`, `report`, `msg`."""
    return make_report(
        system,
        opaque,
        now=system.clock(),
        controller_time=controller_time,
        deep_seconds=deep_seconds,
        program=look(),
    )


def main(line: bytes, verified: str | None) -> None:
    """Do one request and print its result.

    Args:
        line: The request as JSON: `document`: str or None, `controller_time`: float, `deep_seconds`: number.
        verified: Nothing to go by here.
    """
    request = json_text.loads(line.decode("utf-8"))
    tell(
        run(
            System(),
            request["document"],
            controller_time=request["controller_time"],
            deep_seconds=request["deep_seconds"],
        )
    )
