# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our code without Ansible: a request comes in, a result goes out, the same as the module's.

The program on the host begins here too: with a request over the connection, or with a word from its units.
"""

from __future__ import annotations

import sys

from ..contract import json_text
from ..contract.typed import TYPE_CHECKING
from ..effects.system import System
from ..program.start import MARK

if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

MOST_NAMED = 5  # accounts in the sentence for people; all are in the answer


def run(
    system: System, opaque: str, *, controller_time: float | None, check: bool, verified: str | None = None
) -> dict[str, Any]:
    """Converge and shape the result as an Ansible module's: `changed`, `failed`, `answer`, `diff`, `msg`.

    Args:
        verified: See `installing.look`.
    """
    from ..program.installing import look
    from .converge import converge

    program = look(verified)
    result = converge(
        system, opaque, now=system.clock(), controller_time=controller_time, check=check, program=program
    )
    if result["answer"]["program"] is None:  # refused before anything was looked at
        result["answer"]["program"] = program.shown()
    if result["failed"]:
        result["msg"] = _sentence(result["answer"])
    return result


def _accounts(system: System, request: Mapping[str, Any], verified: str | None) -> dict[str, Any]:
    """`document`: str, `controller_time`: float, `check`: bool."""
    return run(
        system,
        request["document"],
        controller_time=request["controller_time"],
        check=request["check"],
        verified=verified,
    )


# What a request can ask for. Each imports what it needs by itself: imports are most of a short run.
OPERATIONS: dict[str, Callable[[System, Mapping[str, Any], str | None], dict[str, Any]]] = {
    "accounts": _accounts,
}


def main(line: bytes, verified: str | None) -> None:
    """Do one request (`operation`, and what that takes) and print its result.

    Args:
        line: The request as JSON.
        verified: See `installing.look`.
    """
    request = json_text.loads(line.decode("utf-8"))
    result = OPERATIONS[request.get("operation", "accounts")](System(), request, verified)
    tell(result)


def tell(result: Mapping[str, Any]) -> None:
    """Print a result as the controller looks for it."""
    sys.stdout.write(MARK + json_text.dumps(result) + "\n")


def command() -> int:
    """What the units on the host run: `daypass-host.pyz tick`. The exit code."""
    if sys.argv[1:] == ["tick"]:
        from . import tick

        return tick.main()
    sys.stderr.write("usage: daypass-host.pyz tick\n")
    return 2


def _sentence(answer: Mapping[str, Any]) -> str:
    """Why the run failed: the refusal of the document, or the first accounts that did not go through."""
    if answer["message"]:
        return f"{answer['message']} ({answer['code']})"
    bad = [(login, one) for login, one in sorted(answer["accounts"].items()) if one["code"]]
    shown = "; ".join(f"{login}: {one['message']} ({one['code']})" for login, one in bad[:MOST_NAMED])
    return f"{shown}; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else shown
