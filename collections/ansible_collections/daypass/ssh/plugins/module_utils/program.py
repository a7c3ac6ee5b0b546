# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Converge as a program without Ansible: a request comes in, a result goes out, the same as the module's."""

from __future__ import annotations

import json
import sys
from typing import Any, Mapping

from .converge import converge
from .system import System

MARK = "daypass-result:"  # begins the one line that counts; a login's banner may stand before it
MOST_NAMED = 5  # accounts in the sentence for people; all are in the answer


def run(system: System, opaque: str, *, controller_time: float | None, check: bool) -> dict[str, Any]:
    """Converge and shape the result as an Ansible module's: `changed`, `failed`, `answer`, `diff`, `msg`."""
    result = converge(system, opaque, now=system.clock(), controller_time=controller_time, check=check)
    if result["failed"]:
        result["msg"] = _sentence(result["answer"])
    return result


def main(request: Mapping[str, Any]) -> None:
    """Do one request (`document`: str, `controller_time`: float, `check`: bool) and print its result."""
    result = run(
        System(), request["document"], controller_time=request["controller_time"], check=request["check"]
    )
    sys.stdout.write(MARK + json.dumps(result) + "\n")


def _sentence(answer: Mapping[str, Any]) -> str:
    """Why the run failed: the refusal of the document, or the first accounts that did not go through."""
    if answer["message"]:
        return f"{answer['message']} ({answer['code']})"
    bad = [(login, one) for login, one in sorted(answer["accounts"].items()) if one["code"]]
    shown = "; ".join(f"{login}: {one['message']} ({one['code']})" for login, one in bad[:MOST_NAMED])
    return f"{shown}; and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else shown
