"""Prints one JSON object a task result, and one with the counts at the end."""

from __future__ import annotations

import json

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = (
    "name: lines\ntype: stdout\nshort_description: one JSON object a line\ndescription: For tests.\n"
)


class CallbackModule(CallbackBase):
    """What tests read."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "lines"

    def _say(self, outcome, result):
        fields = {key: value for key, value in result._result.items() if not key.startswith("_ansible")}
        line = {"outcome": outcome, "task": result._task.name, "host": result._host.name, "result": fields}
        self._display.display(json.dumps(line, default=str))

    def v2_runner_on_ok(self, result):
        self._say("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._say("failed", result)

    def v2_runner_on_unreachable(self, result):
        self._say("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        counts = {host: stats.summarize(host) for host in stats.processed}
        self._display.display(json.dumps({"stats": counts}))
