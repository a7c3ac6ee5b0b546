# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a document to a host: stamp the controller's clock, and keep the document out of the result.

There are two ways with the same code and the same answer: the program on the host, and the module, which
brings Ansible's own code along: to load that costs a host more than all of converge.
"""

from __future__ import annotations

import json
import time

from ansible.plugins.action import ActionBase

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.plugin_utils.program import python_for, send


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
        python = python_for(self, task_vars or {})
        if python is not None:
            try:
                document = opaque_of(self._task.args)
            except Refusal as refusal:
                return {"failed": True, "msg": refusal.sentence, "code": refusal.code}
            if document is not None:
                return self._send(python, document)
        return self._module(task_vars)

    def _send(self, python, document):
        check = bool(self._task.check_mode)
        request = {"operation": "accounts", "document": document, "check": check}
        return send(self, python, dict(request, controller_time=time.time()))

    def _module(self, task_vars):
        result = self._execute_module(
            module_name="daypass.ssh.accounts",
            module_args=dict(self._task.args, controller_time=time.time()),
            task_vars=task_vars,
        )
        result.pop("invocation", None)
        return result


def opaque_of(arguments):
    """The document that the task's arguments make; None where only the module can tell.

    That is: where the arguments are wrong, so that Ansible itself says how, where they hold what JSON has no
    word for (a date, a secret), and where a path means something on the host alone (`~`, `$HOME`).

    Raises:
        Refusal: The arguments are in order for Ansible, and make no document.
    """
    if set(arguments) == {"document"} and isinstance(arguments["document"], str):
        return str(arguments["document"])
    try:
        plain = json.loads(json.dumps(dict(arguments)))
    except (TypeError, ValueError):
        return None
    return _structured(plain)


def _structured(plain):
    """The document of structured options.

    The orchestrator's waves don't come here, so they needn't load what it takes: Ansible keeps no bytecode of
    collections, and compiles whatever is imported.
    """
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    from ansible_collections.daypass.ssh.plugins.module_utils.contract.arguments import (
        ARGUMENTS,
        RULES,
        document_of,
    )

    shells = [str(one.get("shell")) for one in plain.get("accounts") or () if isinstance(one, dict)]
    checked = ArgumentSpecValidator(ARGUMENTS, **RULES).validate(plain)
    if checked.error_messages or any(sign in shell for shell in shells for sign in "~$"):
        return None
    return document_of(checked.validated_parameters)
