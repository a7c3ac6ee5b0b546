# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a document to a host: stamp the controller's clock, and keep the document out of the result.

There are two ways with the same code and the same answer. An opaque document goes over the connection with
the sources of converge, as one program. Everything else goes as the module, which brings Ansible's own code
along: to load that costs a host more than all of converge.
"""

from __future__ import annotations

import json
import re
import shlex
import time
import zlib
from functools import lru_cache
from pathlib import Path

from ansible import constants
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase

SOURCES = Path(__file__).parent.parent / "module_utils"
MARK = "daypass-result:"  # module_utils/program.py; nothing is imported from there on the controller
RESULT_KEYS = {"changed": bool, "failed": bool, "msg": str, "answer": dict, "diff": (dict, list)}
PLAIN_PATH = re.compile(r"/[A-Za-z0-9/._+-]{1,200}")

# All that sudo logs. Isolated (-I -S), so that nothing of the host's own Python packages or of anybody's
# environment is loaded.
COMMAND = ["-I", "-S", "-c", "import sys, json; exec(json.loads(sys.stdin.buffer.readline()))"]
# The first line of the input: reads the request, the second, and makes a package of the sources behind it.
START = """
import zlib
from importlib.machinery import ModuleSpec
request = json.loads(sys.stdin.buffer.readline())
sources = json.loads(zlib.decompress(sys.stdin.buffer.read()))
class Sent:
    def find_spec(name, path=None, target=None):
        return ModuleSpec(name, Sent, is_package=name == "daypass_host") if name in sources else None
    def create_module(spec):
        return None
    def exec_module(module):
        exec(compile(sources[module.__name__], module.__name__, "exec"), module.__dict__)
sys.meta_path.insert(0, Sent)
from daypass_host.program import main
main(request)
"""


@lru_cache(maxsize=1)
def packed_sources() -> bytes:
    """The sources of converge, as the program unpacks them."""
    sources = {"daypass_host." + path.stem: path.read_text("utf-8") for path in SOURCES.glob("*.py")}
    sources["daypass_host"] = ""
    return zlib.compress(json.dumps(sources, sort_keys=True).encode("ascii"), 6)


def render_input(request):
    """What the program reads: its start, the request (see `program.main`), the sources."""
    lines = [json.dumps(START), json.dumps(request), ""]
    return "\n".join(lines).encode("ascii") + packed_sources()


class ActionModule(ActionBase):
    """The controller's side of `daypass.ssh.accounts`."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Converge the host, with the time of sending: inventory is minutes old in a long wave.

        Returns:
            The module's result without `invocation`, which would carry the document into every artifact.
        """
        super().run(tmp, task_vars)
        arguments = dict(self._task.args, controller_time=time.time())
        python = self._python(task_vars or {})
        if python is not None:
            return self._send_program(python, arguments)
        result = self._execute_module(
            module_name="daypass.ssh.accounts", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result

    def _python(self, task_vars):
        """The host's Python if the program's way is open, else None: the module knows all the other cases."""
        opaque = set(self._task.args) == {"document"} and isinstance(self._task.args["document"], str)
        plain = self._connection.transport == "ssh" and not any(self._task.environment or ())
        if not (opaque and plain):
            return None
        python = constants.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        return python if isinstance(python, str) and PLAIN_PATH.fullmatch(python) else None

    def _send_program(self, python, arguments):
        request = {
            "document": str(arguments["document"]),
            "controller_time": arguments["controller_time"],
            "check": bool(self._task.check_mode),
        }
        command = " ".join(shlex.quote(word) for word in (python, *COMMAND))
        return read_result(self._low_level_execute_command(command, in_data=render_input(request)))


def read_result(done):
    """What the program printed, by name and type alone: whoever holds root there writes what he likes.

    Args:
        done: `rc`, `stdout`, `stderr` of the command.

    Returns:
        The result; where there is none, a failure shaped as Ansible's for a module that died.
    """
    line = done["stdout"].rpartition(MARK)[2].strip() if MARK in done["stdout"] else ""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("failed"), bool):
        return {
            "failed": True,
            "msg": "the host gave no result; see module_stderr",
            "module_stdout": to_text(done["stdout"]),
            "module_stderr": to_text(done["stderr"]),
            "rc": done["rc"],
        }
    return {name: found[name] for name, kind in RESULT_KEYS.items() if isinstance(found.get(name), kind)}
