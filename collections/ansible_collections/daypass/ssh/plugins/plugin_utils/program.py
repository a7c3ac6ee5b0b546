# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of the program on the host, which needs none of Ansible's own code there.

A host that has the program in the right version gets the request alone. Else the sources follow over a second
connection, and the run puts the program on the host for the next time.
"""

from __future__ import annotations

import json
import re
import shlex
import zlib
from pathlib import Path
from typing import Any, Mapping, NamedTuple

from ansible import constants
from ansible.module_utils.common.text.converters import to_text

from ansible_collections.daypass.ssh.plugins.module_utils.program.packing import ENTRY, closure
from ansible_collections.daypass.ssh.plugins.module_utils.program.start import (
    MARK,
    SOURCES_WANTED,
    joined,
    version_of,
)

SOURCES = Path(__file__).parent.parent / "module_utils"
RESULT_KEYS = {
    "changed": bool,
    "failed": bool,
    "msg": str,
    "answer": dict,
    "report": dict,
    "diff": (dict, list),
}
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._+-]{1,200}")

# All that sudo logs. Isolated (-I -S), so that nothing of the host's own Python packages or of anybody's
# environment is loaded.
COMMAND = ["-I", "-S", "-c", "import sys; exec(sys.stdin.buffer.readline())"]

# Half a start is none, where a connection broke.
START_LINE = (
    "_start = sys.stdin.buffer.read({length}); "
    "exec(_start) if len(_start) == {length} else sys.exit('the start was cut off')\n"
)


class Code(NamedTuple):
    """Our code for hosts.

    Attributes:
        start: Text of program/start.py and the call that begins a run: what a host reads first.
        sources: All modules of the program, joined.
    """

    start: str
    version: str
    sources: bytes

    def packed(self) -> bytes:
        """The sources as the program unpacks them; made when a host wants them, which few do."""
        return zlib.compress(self.sources, 6)


def read_code(entry: str = ENTRY) -> Code:
    """The code as this installation of the collection has it: a module and all that it imports."""
    sources = closure(lambda name: (SOURCES / (name.replace(".", "/") + ".py")).read_bytes(), entry)
    text = joined(sources)
    version = version_of(text)
    start = sources["program.start"].decode("utf-8") + f"\nstart({entry!r}, {version!r})\n"
    return Code(start, version, text)


# Ansible loads an action once before it forks a worker for each host: they all have it from there.
CODE = read_code()


def render_input(request: Mapping[str, Any], *, with_sources: bool, code: Code = CODE) -> bytes:
    """What a host's Python reads: the start, the request (see `start.start`), the sources or nothing."""
    start = code.start.encode("utf-8")
    head = START_LINE.format(length=len(start)).encode("ascii")
    line = json.dumps(request).encode("ascii") + b"\n"
    return head + start + line + (code.packed() if with_sources else b"")


def python_for(action: Any, task_vars: Mapping[str, Any]) -> str | None:
    """The host's Python where the program can be used, else None: the module knows all the other cases.

    Args:
        action: The ActionBase of the task.
    """
    task = action._task
    if action._connection.transport != "ssh" or any(task.environment or ()) or task.delegate_to:
        return None
    python = constants.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
    if isinstance(python, str) and python.startswith("auto"):
        facts = task_vars.get("ansible_facts") or {}
        python = facts.get("discovered_interpreter_python")  # None before the first module on this host
    return str(python) if isinstance(python, str) and PLAIN_PATH.fullmatch(python) else None


def send(action: Any, python: str, request: Mapping[str, Any], code: Code | None = None) -> dict[str, Any]:
    """Have the host do a request (see `run.entry.OPERATIONS`); its result, or a failure.

    Args:
        code: Send this along, whatever program the host has.
    """
    command = " ".join(shlex.quote(word) for word in (python, *COMMAND))
    for with_sources in (False, True) if code is None else (True,):
        stdin = render_input(request, with_sources=with_sources, code=code or CODE)
        # Ansible's default, `sudoable=True`: with False it would leave the become method out, and the host's
        # program would run as the connector, who may read and write none of our files.
        done = action._low_level_execute_command(command, in_data=stdin)
        found = _printed(done)
        if found != json.loads(SOURCES_WANTED):
            break
    return _result(done, found)


def _printed(done: Mapping[str, Any]) -> Any:
    line = done["stdout"].rpartition(MARK)[2].strip() if MARK in done["stdout"] else ""
    try:
        return json.loads(line)
    except ValueError:
        return None


def _result(done: Mapping[str, Any], found: Any) -> dict[str, Any]:
    """What was printed, by name and type alone: whoever holds root there writes what he likes.

    Where there is no result, a failure shaped as Ansible's for a module that died.
    """
    if not isinstance(found, dict) or not isinstance(found.get("failed"), bool):
        return {
            "failed": True,
            "msg": "the host gave no result; see module_stderr",
            "module_stdout": to_text(done["stdout"]),
            "module_stderr": to_text(done["stderr"]),
            "rc": done["rc"],
        }
    return {name: found[name] for name, kind in RESULT_KEYS.items() if isinstance(found.get(name), kind)}
