# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file below sudoers.d for all accounts: written only when visudo accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping

from . import names, sudo_rules
from .names import Refusal
from .shortening import only_present

if TYPE_CHECKING:
    from .system import System

NO_ANSWER = (124, 127)  # `system.Completed`: time is up, not found
Rules = Mapping[str, list]  # login -> [(SudoRule, not_after), …]


class SudoersFile:
    """Our sudoers file: what it holds, and how it changes.

    Args:
        content: What it holds now, None where it isn't there.
    """

    def __init__(self, system: System, content: str | None) -> None:
        self._system = system
        self.content = content

    def put(self, rules: Rules, may_open: bool = True) -> bool:
        """Make the file say exactly this; False when it did already.

        Raises:
            Refusal: `sudoers_broken`: visudo accepts neither form; `command_failed`: it didn't answer. The
                file is as it was.
            OSError: It couldn't be written.
        """
        texts = _texts(rules)
        if not may_open:
            texts = tuple(self._only_present(text) for text in texts)
        if (self.content or "") in texts:
            return False
        complaint = ""
        for text in texts:
            try:
                self._replace(text)
                return True
            except Refusal as refusal:
                if refusal.code != "sudoers_broken":
                    raise  # visudo said nothing about NOTAFTER: rules without an end are no answer to that
                complaint = refusal.sentence
        raise Refusal("sudoers_broken", complaint)

    def reduce(self, rules: Rules, logins: set[str], may_open: bool = True) -> bool:
        """As `put`, for closings: where visudo doesn't help, the lines of these logins go all the same.

        Args:
            may_open: False where no line may come back that somebody took away.
        """
        try:
            return self.put(rules, may_open)
        except Refusal:
            return self.drop(logins)

    def drop(self, logins: set[str]) -> bool:
        """Take the lines of these logins out unasked: what is left was accepted before. False = none."""
        lines = (self.content or "").splitlines(True)
        kept = [line for line in lines if line.split(" ")[0] not in logins]
        if kept == lines:
            return False
        self._store("".join(kept) if any(not line.startswith("#") for line in kept) else "")
        return True

    def _only_present(self, text: str) -> str:
        kept = only_present(text, self.content)
        return kept if any(not line.startswith("#") for line in kept.splitlines()) else ""

    def _replace(self, text: str) -> None:
        self._store(text, self._check)

    def _store(self, text: str, check=None) -> None:
        if text:
            self._system.write(names.SUDOERS_PATH, text.encode("ascii"), 0o440, validate=check)
        elif self.content is not None:
            self._system.remove(names.SUDOERS_PATH)
        self.content = text or None

    def _check(self, path: str) -> None:
        """Ours alone: another administrator's file with an odd mode would fail the whole (visudo(8))."""
        done = self._system.query(["visudo", "-cf", path])
        if done.rc in NO_ANSWER:
            raise Refusal("command_failed", f"visudo doesn't answer: {done.stderr}")
        if done.rc != 0:
            words = " ".join((done.stderr + " " + done.stdout).split())[-200:]
            raise Refusal("sudoers_broken", f"visudo refuses the rules: {words}")


def others_rights(system: System, login: str) -> None:
    """Refuse when sudo gives this login anything; called while none of our rules name it.

    Raises:
        Refusal: `old_rights`, or `sudoers_broken` when sudo doesn't give a clear answer.
    """
    done = system.query(["sudo", "-l", "-U", login])
    text = done.stdout + done.stderr
    if "may run the following" in text:
        rules = " ".join(text.partition("may run the following")[2].split()[1:])[:120]
        raise Refusal(
            "old_rights",
            f"sudo gives {login} rights that aren't ours: {rules}",
            "the host's administrator clears that",
        )
    unclear = "syntax error" in text or "parse error" in text
    if unclear or "is not allowed to run sudo" not in text:
        words = " ".join(text.split())[-200:]
        raise Refusal(
            "sudoers_broken", f"sudo doesn't say what {login} may do: {words}", "run visudo -c on the host"
        )


def _texts(rules: Rules) -> tuple[str, str]:
    return sudo_rules.render_sudoers(rules, True), sudo_rules.render_sudoers(rules, False)
