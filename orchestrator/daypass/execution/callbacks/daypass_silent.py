"""An Ansible output plugin that prints nothing.

Events come from files (`event_folder`), and of the output only Ansible's own last words are ever shown. The
usual plugins print warnings and errors as the server sent them, escape sequences and all.
"""

from __future__ import annotations

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: daypass_silent
type: stdout
short_description: Print nothing
description:
  - Prints nothing; for playbooks whose events are collected by ansible-runner.
extends_documentation_fragment:
  - default_callback
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # Ansible ships no types
    """Takes every event and says nothing; what happened is in the events themselves."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "daypass_silent"
