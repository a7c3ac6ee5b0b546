# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a document to a host: stamp the controller's clock, and keep the document out of the result."""

from __future__ import annotations

import time

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The controller's side of `daypass.ssh.accounts`."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        """Run the module with the time of sending: inventory is minutes old in a long wave.

        Returns:
            The module's result without `invocation`, which would carry the document into every artifact.
        """
        super().run(tmp, task_vars)
        arguments = dict(self._task.args, controller_time=time.time())
        result = self._execute_module(
            module_name="daypass.ssh.accounts", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result
