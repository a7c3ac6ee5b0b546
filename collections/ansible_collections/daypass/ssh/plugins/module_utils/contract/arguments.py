# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the module `accounts`, and the document that they make. Pure."""

from __future__ import annotations

from . import constraints, document, names
from .names import Refusal
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Mapping

SUDO = {
    "run_as": {"type": "str", "default": "root"},
    "commands": {"type": "raw", "required": True},
}
GRANT = {
    "id": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "principals": {"type": "list", "elements": "str"},
    "groups": {"type": "list", "elements": "str"},
    "create_groups": {"type": "list", "elements": "str"},
    "warn_before": {"type": "int"},
    "sudo": {"type": "list", "elements": "dict", "options": SUDO},
    "not_after": {"type": "str"},
    "extensions": {"type": "list", "elements": "str", "choices": list(constraints.EXTENSIONS)},
    "critical_options": {"type": "dict"},
}
ACCOUNT = {
    "name": {"type": "str", "required": True},
    "uid": {"type": "int", "required": True},
    "comment": {"type": "str", "required": True},
    "shell": {"type": "path", "default": "/bin/bash"},
    "existing": {"type": "str", "choices": ["refuse", "join"], "default": "refuse"},
    "join_without_log": {"type": "str", "choices": ["refuse", "end_all"], "default": "refuse"},
    "home_on_removal": {"type": "str", "choices": ["archive", "delete", "keep"], "default": "archive"},
    "user_cleanup_days": {"type": "int"},
    "remove": {"type": "bool", "default": False},
    "grants": {"type": "list", "elements": "dict", "default": [], "options": GRANT},
}
ARGUMENTS = {
    "document": {"type": "str"},
    "accounts": {"type": "list", "elements": "dict", "options": ACCOUNT},
    "ca_keys": {"type": "list", "elements": "str", "no_log": False},  # public keys
    "exclusive": {"type": "bool"},
    "host_id": {"type": "str"},
    "orchestrator_id": {"type": "str"},
    "sequence": {"type": "int"},
    "controller_time": {"type": "float"},
}
STRUCTURED = ("accounts", "ca_keys", "exclusive", "host_id", "orchestrator_id", "sequence")
# What else Ansible checks, by the names of its own parameters.
RULES = {
    "mutually_exclusive": [("document", option) for option in STRUCTURED],
    "required_one_of": [("document", "accounts")],
}


def document_of(params: Mapping[str, Any]) -> str:
    """The opaque document: as it came, or built from the structured options.

    Raises:
        Refusal: The structured options make no document; see `document.parse`.
    """
    if params["document"] is not None:
        return str(params["document"])
    mapping = {
        "version": names.DOCUMENT_VERSION,
        "exclusive": bool(params["exclusive"]),
        "ca_keys": params["ca_keys"] or [],
        "accounts": [_account(account) for account in params["accounts"]],
    }
    for key in ("host_id", "orchestrator_id", "sequence"):
        mapping[key] = params[key]
    return document.build(mapping)[0]


def _account(account: Mapping[str, Any]) -> dict[str, Any]:
    return dict(account, grants=[_grant(grant) for grant in account["grants"]])


def _grant(grant: Mapping[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in grant.items() if value is not None}
    if grant["state"] == document.ABSENT:
        if set(given) - {"id", "state"}:
            raise Refusal("document_invalid", f"the grant {grant['id']} is absent and has more than its id")
        return given
    given["sudo"] = [dict(rule) for rule in given.get("sudo", [])]
    return given


# --- accounts_info ------------------------------------------------------------------------------------------
DEEP_SECONDS = (1, 3600)
INFO_ARGUMENTS = {
    "document": {"type": "str"},
    "deep": {"type": "bool", "default": False},
    "deep_seconds": {"type": "int", "default": 60},
    "controller_time": {"type": "float"},
}


def deep_seconds_of(params: Mapping[str, Any]) -> int:
    """How long a report looks for setuid files, 0 = not at all.

    Raises:
        Refusal: `deep_seconds_invalid`.
    """
    least, most = DEEP_SECONDS
    if not least <= params["deep_seconds"] <= most:
        raise Refusal("deep_seconds_invalid", f"deep_seconds may be {least} to {most}")
    return int(params["deep_seconds"]) if params["deep"] else 0
