# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host's own sudo: which one it is, and what it says of a login.

Two programs have that name: sudo (sudo.ws), and sudo-rs, which knows less (no NOTAFTER, no wildcards in
arguments) and words its answers differently.
"""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable

    from ..effects.system import System

FOLDERS = ("/usr/bin", "/usr/sbin", "/bin", "/sbin")  # the PATH of every program that we start
HARMLESS = ("unknown defaults", "unknown setting", "unable to resolve host")  # gives nobody a right


class SudoProgram:
    """sudo as it is installed; asked as root, in English whatever the host's language."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._version: Callable[[], str] | None = None
        self._is_rs: bool | None = None

    @property
    def is_rs(self) -> bool:
        """Whether it is sudo-rs; asked once."""
        if self._is_rs is None:
            self._is_rs = "sudo-rs" in (self._version or self._ask_version)()
        return self._is_rs

    def ask_ahead(self) -> None:
        """Begin to ask which one it is, for somebody who will want to know."""
        self._version = self._system.beside(self._ask_version, at_once=False)

    def _ask_version(self) -> str:
        done = self._system.query(["sudo", "--version"])
        return str(done.stdout + done.stderr)

    def check_no_rights(self, login: str) -> None:
        """Refuse when sudo gives this login anything; called while none of our rules name it.

        Raises:
            Refusal: `old_rights`, or `sudoers_broken` when sudo doesn't give a clear answer.
        """
        done = self._system.query(["sudo", "-l", "-U", login])
        lines = done.stdout.splitlines() + done.stderr.splitlines()
        rights = _rights(lines, login)
        if rights:
            raise Refusal(
                "old_rights",
                f"sudo gives {login} rights that aren't ours: {' '.join(rights)[:120]}",
                "the host's administrator clears that",
            )
        complaints = [line for line in lines if "sudoers" in line and not _harmless(line)]
        if complaints or not any(line.startswith(self._denied(login)) for line in lines):
            words = " ".join(" ".join(complaints or lines).split())[-200:]
            raise Refusal(
                "sudoers_broken",
                f"sudo doesn't say what {login} may do: {words}",
                "run visudo -c on the host",
            )

    def _denied(self, login: str) -> tuple[str, ...]:
        """How a line begins that denies it.

        Some sudo-rs say the other one's sentence of anybody, true or not, where root has no rule.
        """
        if self.is_rs:
            words = f"Sorry, user root is not allowed to execute 'list' as {login} on "
            return f"sudo: {words}", f"sudo-rs: {words}"
        return (f"User {login} is not allowed to run sudo on ",)


def _harmless(line: str) -> bool:
    return any(words in line for words in HARMLESS)


def installed(system: System) -> bool:
    """Whether sudo and visudo are there, where our children look for programs."""
    return all(any(system.exists(f"{folder}/{name}") for folder in FOLDERS) for name in ("sudo", "visudo"))


def _rights(lines: list[str], login: str) -> list[str]:
    """What is listed below "may run the following commands", without blanks around."""
    begin = f"User {login} may run the following"
    for number, line in enumerate(lines):
        if line.startswith(begin):
            return [one.strip() for one in lines[number + 1 :] if one.startswith((" ", "\t")) and one.strip()]
    return []
