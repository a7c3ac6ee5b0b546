# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proves that somebody can log in now, by a connection of its own.

Ansible's own connection proves nothing after sshd was reloaded: it may be open since before.
"""

from __future__ import annotations

import shlex
import subprocess
import time

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

ARGUMENTS = {
    "login": {"type": "str"},
    "certificate_file": {"type": "path"},
    "key_file": {"type": "path"},
    "timeout_seconds": {"type": "int", "default": 15},
    "tries": {"type": "int", "default": 3},
}
PAUSE_SECONDS = 1  # between tries: sshd closes its port for a moment while it reloads

# A new connection that asks nobody anything. ssh takes the first value it sees, so these stand in front.
OWN_OPTIONS = (
    "ControlMaster=no",
    "ControlPath=none",
    "BatchMode=yes",
    "PreferredAuthentications=publickey",
    "PermitLocalCommand=no",
    "ForwardAgent=no",
    "LogLevel=ERROR",
)
# The connector's identity must not be offered for somebody else: each refused key counts as a failed login.
IDENTITY = ("identityfile", "certificatefile", "user")


class ActionModule(ActionBase):
    """Log in by ssh, run `id -un`, compare."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        """Give rc, user and what ssh complained about; failed unless the login worked as that user."""
        result = super().run(tmp, task_vars)
        del tmp
        _outcome, given = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if self._connection.transport not in ("ssh", "ansible.builtin.ssh"):
            raise AnsibleActionFail(
                "daypass.ssh.login proves logins by ssh; this host has another connection."
            )
        login = given["login"] or self._option("remote_user") or self._play_context.remote_user
        if not login or login.startswith("-"):
            raise AnsibleActionFail(
                f"The login to prove is {login!r}; give option login, or set ansible_user."
            )
        argv = self._command(given, login)
        result.update(prove(argv, login, given["timeout_seconds"], given["tries"]))
        return result

    def _command(self, given, login):
        """The ssh command: our options, the identity, then what the wave's own connections use."""
        inherited = []
        for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
            inherited += shlex.split(self._option(name) or "")
        identity = self._identity(given)
        if given["login"]:
            inherited = without(inherited, IDENTITY)
        options = list(OWN_OPTIONS) + identity + [f"ConnectTimeout={given['timeout_seconds']}"]
        if not self._option("host_key_checking"):
            options.append("StrictHostKeyChecking=no")
        port = self._option("port")
        address = self._option("host") or self._play_context.remote_addr
        return [
            self._option("ssh_executable") or "ssh",
            *(word for option in options for word in ("-o", option)),
            *inherited,
            *(("-p", str(port)) if port else ()),
            "-l",
            login,
            "--",
            address,
            "id",
            "-un",
        ]

    def _identity(self, given):
        """The keys to offer: the named ones for a named login, the connection's own for the connector."""
        key = given["key_file"] or (None if given["login"] else self._option("private_key_file"))
        options = ["IdentitiesOnly=yes"] if given["login"] else []
        if key:
            options.append(f"IdentityFile={_quoted(key)}")
        if given["certificate_file"]:
            options.append(f"CertificateFile={_quoted(given['certificate_file'])}")
        return options

    def _option(self, name):
        try:
            return self._connection.get_option(name)
        except KeyError:
            return None


def _quoted(path: str) -> str:
    """A path as ssh_config(5) reads it: quoted for blanks, percent signs doubled."""
    if '"' in path or "\n" in path:
        raise AnsibleActionFail(f"{path!r} can't be given to ssh: no quote or newline is allowed in it.")
    return '"{}"'.format(path.replace("%", "%%"))


def without(words: list[str], names: tuple[str, ...]) -> list[str]:
    """Leave out `-o NAME=…` for these names (lower case), `-i FILE` and `-l USER`, however they are spelt."""
    kept: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        letter = word[:2]
        value = word[2:] or (words[position + 1] if position + 1 < len(words) else "")
        taken = 1 if word[2:] or letter not in ("-o", "-i", "-l") else 2
        name = value.replace("=", " ").split(" ")[0].lower() if letter == "-o" else ""
        if not (name in names or letter in ("-i", "-l")):
            kept += words[position : position + taken]
        position += taken
    return kept


def prove(argv: list[str], login: str, timeout_seconds: int, tries: int) -> dict:
    """Run the login, again only when nobody answered: sshd penalises the repetition of a refused one."""
    outcome = {}
    for left in range(max(1, tries), 0, -1):
        outcome = attempt(argv, login, timeout_seconds)
        if not outcome["failed"] or not outcome["unanswered"] or left == 1:
            break
        time.sleep(PAUSE_SECONDS)
    outcome.pop("unanswered")
    return outcome


def attempt(argv: list[str], login: str, timeout_seconds: int) -> dict:
    """One login; `unanswered` says that no sshd was there to refuse it."""
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_seconds + 5, check=False
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        return _outcome(login, -1, "", type(error).__name__, unanswered=True)
    complaint = " ".join(done.stderr.decode("utf-8", "replace").split())[-500:]
    user = done.stdout.decode("utf-8", "replace").strip()[:64]
    unanswered = done.returncode == 255 and "Permission denied" not in complaint
    return _outcome(login, done.returncode, user, complaint, unanswered=unanswered)


def _outcome(login: str, code: int, user: str, complaint: str, *, unanswered: bool) -> dict:
    works = code == 0 and user == login
    outcome = {"changed": False, "failed": not works, "rc": code, "user": user, "unanswered": unanswered}
    if not works:
        found = complaint or (f"id -un said {user!r}" if code == 0 else f"ssh ended with code {code}")
        outcome.update(code="login_failed", msg=f"A new login of {login} failed: {found}")
    return outcome
