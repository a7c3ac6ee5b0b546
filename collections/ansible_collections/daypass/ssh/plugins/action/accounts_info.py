# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a host for its report: by sources that are sent along, or by the module."""

from __future__ import annotations

import time

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.daypass.ssh.plugins.module_utils.contract.arguments import (
    INFO_ARGUMENTS,
    deep_seconds_of,
)
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.plugin_utils.program import python_for, read_code, send

CODE = read_code("report.entry")


class ActionModule(ActionBase):
    """The controller's side of `daypass.ssh.accounts_info`."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Ask, with the time of sending; the result comes without `invocation`, which holds the document."""
        super().run(tmp, task_vars)
        python = python_for(self, task_vars or {})
        checked = ArgumentSpecValidator(INFO_ARGUMENTS).validate(dict(self._task.args))
        if python is None or checked.error_messages:  # Ansible itself says what is wrong
            return self._module(task_vars)
        try:
            deep_seconds = deep_seconds_of(checked.validated_parameters)
        except Refusal as refusal:
            return {"failed": True, "msg": refusal.sentence, "code": refusal.code}
        document = checked.validated_parameters["document"]
        request = {
            "document": None if document is None else str(document),
            "deep_seconds": deep_seconds,
            "controller_time": time.time(),
        }
        return send(self, python, request, CODE)

    def _module(self, task_vars):
        result = self._execute_module(
            module_name="daypass.ssh.accounts_info",
            module_args=dict(self._task.args, controller_time=time.time()),
            task_vars=task_vars,
        )
        result.pop("invocation", None)
        return result
