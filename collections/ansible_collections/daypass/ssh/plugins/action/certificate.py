# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signs a user certificate on the controller, with the orchestrator's own profile and code."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta, timezone

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

try:
    from daypass.ca.public_keys import check_public_key
    from daypass.ca.signer import LocalSigner, sign_checked
    from daypass.ca.spec import build_spec
    from daypass.domain.secrets import Secret
    from daypass.domain.windows import Window
    from daypass.errors import DaypassError

    MISSING = ""
except ImportError as error:  # the collection alone doesn't bring the signing code
    MISSING = str(error)

MAX_FILE_BYTES = 64 * 1024  # far above any key; a wrong path must not read a disk image into memory

ARGUMENTS = {
    "public_key": {"type": "str"},
    "public_key_file": {"type": "path"},
    "ca_key": {"type": "str", "no_log": True},
    "ca_key_file": {"type": "path"},
    "login": {"type": "str", "required": True},
    "grant_id": {"type": "str", "required": True},
    "number": {"type": "int", "default": 1},
    "flow": {"type": "str", "default": "direct"},
    "valid_for": {"type": "int"},
    "not_before": {"type": "str"},
    "not_after": {"type": "str"},
    "critical_options": {"type": "dict", "default": {}},
    "extensions": {"type": "list", "elements": "str", "default": ["permit-pty"]},
    "serial": {"type": "int"},
}


class ActionModule(ActionBase):
    """One task, one certificate; nothing happens on a host."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        """Sign, and give back the certificate with the fields that went into it."""
        result = super().run(tmp, task_vars)
        del tmp
        _outcome, given = self.validate_argument_spec(
            argument_spec=ARGUMENTS,
            mutually_exclusive=[["valid_for", "not_after"]],
            required_one_of=[
                ["public_key", "public_key_file"],
                ["ca_key", "ca_key_file"],
                ["valid_for", "not_after"],
            ],
        )
        if MISSING:
            raise AnsibleActionFail(
                "daypass.ssh.certificate signs with the Python package daypass, which isn't there on the "
                f"controller ({MISSING}); install it into the environment that runs Ansible."
            )
        now = datetime.now(timezone.utc)
        try:
            result.update(sign(given, now=now, serial=given["serial"] or secrets.randbits(63) or 1))
        except (DaypassError, ValueError, OSError) as error:
            code = getattr(error, "code", "certificate_arguments")
            result.update(failed=True, code=code, msg=_sentence(error))
        return result


def sign(given, *, now: datetime, serial: int) -> dict:
    """Build the spec, sign and check it.

    Args:
        given: Options as in ARGUMENTS.
        serial: 1 to 2**63 - 1; outside the orchestrator nobody reserves it, chance keeps it unique.
    """
    key = check_public_key(
        given["public_key"] or _read(given["public_key_file"], "public key").decode("utf-8")
    )
    ca_text = given["ca_key"].encode() if given["ca_key"] else _read(given["ca_key_file"], "CA key")
    signer = LocalSigner(Secret(ca_text))
    spec = build_spec(
        public_key=key,
        serial=serial,
        login=given["login"],
        grant_id=given["grant_id"],
        flow=given["flow"],
        number=given["number"],
        window=window_of(given, now),
        critical_options={name: str(value) for name, value in given["critical_options"].items()},
        extensions=tuple(given["extensions"]),
    )
    return {
        "changed": False,
        "certificate": sign_checked(signer, spec),
        "serial": spec.serial,
        "key_id": spec.key_id,
        "principal": spec.principal,
        "valid_after": _text(spec.valid_after),
        "valid_before": _text(spec.valid_before),
        "fingerprint": key.fingerprint,
        "ca_public_key": signer.public_key,
    }


def window_of(given, now: datetime) -> Window:
    """The window that was asked for, in whole seconds; it begins now unless `not_before` says otherwise."""
    begin = _moment(given["not_before"], "not_before") if given["not_before"] else now.replace(microsecond=0)
    if given["not_after"]:
        return Window(begin, _moment(given["not_after"], "not_after"))
    return Window(begin, begin + timedelta(seconds=given["valid_for"]))


def _moment(text: str, option: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ValueError(f"{option} is {text!r}; only a form like 2026-11-22T11:00:00Z is allowed") from None


def _text(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: str, what: str) -> bytes:
    with open(os.path.expanduser(path), "rb") as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"{path} has more than {MAX_FILE_BYTES} bytes, so it isn't a {what}")
    return content


def _sentence(error: Exception) -> str:
    hint = getattr(error, "hint", "")
    return f"{error} ({hint})" if hint else str(error)
