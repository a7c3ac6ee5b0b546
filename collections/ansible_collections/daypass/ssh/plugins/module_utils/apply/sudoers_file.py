# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file below sudoers.d for all accounts: written only when visudo accepts it."""

from __future__ import annotations

from ..contract import names, sudo_rules
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..plan.shortening import only_present

if TYPE_CHECKING:
    from typing import Callable, Mapping

    from ..effects.system import System
    from ..facts.sudo_program import SudoProgram

    Rules = Mapping[str, list]  # login -> [(SudoRule, not_after), …]

NO_ANSWER = (124, 127)  # `system.Completed`: time is up, not found


class SudoersFile:
    """Our sudoers file: what it holds, and how it changes.

    Args:
        content: What it holds now, None where it isn't there.
    """

    def __init__(self, system: System, sudo: SudoProgram, content: str | None) -> None:
        self._system = system
        self._sudo = sudo
        self.content = content
        self._asked: Callable[[], str] | None = None  # gives a text that visudo accepts, "" for none

    @property
    def ends_by_itself(self) -> bool:
        """Whether each rule in it ends without us; with no rule it does."""
        return not self.content or sudo_rules.NOTAFTER in self.content

    def check_ahead(self, rules: Rules) -> None:
        """Begin to ask visudo about the file that these rules would make, beside what comes next.

        Its yes counts for exactly this text; after any other answer `put` asks again, with the file in place.
        """
        before = self.content
        self._asked = self._system.beside(lambda: self._accepted(rules, before), at_once=False)

    def _accepted(self, rules: Rules, before: str | None) -> str:
        text = _text(rules)
        if not text or text == before or self._sudo.is_rs:
            return ""
        return text if self._system.query(["visudo", "-cf", "-"], text).rc == 0 else ""

    def put(self, rules: Rules, may_open: bool = True) -> bool:
        """Make the file say exactly this; False when it did already.

        Raises:
            Refusal: `sudoers_broken`: visudo accepts neither form; `command_failed`: it didn't answer. The
                file is as it was.
            OSError: It couldn't be written.
        """
        kept = (lambda text: text) if may_open else self._only_present
        with_end = kept(_text(rules))
        if (self.content or "") == with_end:  # as in most runs
            return False
        without = kept(_text(rules, with_end=False))
        if (self.content or "") == without:
            return False
        if self._sudo.is_rs or not with_end:
            self._replace(without)
            return True
        try:
            self._replace(with_end)
        except Refusal as refusal:
            if refusal.code != "sudoers_broken":
                raise  # visudo said nothing about NOTAFTER: rules without an end are no answer to that
            self._replace(without)  # a sudo before 1.8.20
        return True

    def reduce(self, rules: Rules, logins: set[str], may_open: bool = True) -> bool:
        """As `put`, for closings: where visudo doesn't help, or the disk is full, lines of these logins go
        all the same.

        Args:
            may_open: False where no line may come back that somebody took away.

        Raises:
            OSError: The file couldn't be changed. All of it is gone then, if that was possible.
        """
        try:
            return self.put(rules, may_open)
        except Refusal:
            return self.drop(logins)
        except OSError as error:
            return self._blank(_lines(rules), logins, error)

    def drop(self, logins: set[str]) -> bool:
        """Take the lines of these logins out unasked: what is left was accepted before. False = none."""
        lines = (self.content or "").splitlines(True)
        kept = [line for line in lines if line.split(" ")[0] not in logins]
        if kept == lines:
            return False
        try:
            self._store("".join(kept) if any(not line.startswith("#") for line in kept) else "")
        except OSError as error:
            return self._blank(set(), logins, error)
        return True

    def _only_present(self, text: str) -> str:
        kept = only_present(text, self.content)
        return kept if any(not line.startswith("#") for line in kept.splitlines()) else ""

    def _blank(self, kept: set[str], logins: set[str], error: OSError) -> bool:
        """Without room for another file: these logins' lines become comments, except those that stay."""

        def gone(line: bytes) -> bool:
            text = line.decode("utf-8", "surrogateescape")
            return text.split(" ")[0] in logins and text not in kept

        if self.content is None:
            raise error
        try:
            self._system.blank_lines(names.SUDOERS_PATH, gone)
            content = self._system.read(names.SUDOERS_PATH) or b""
        except OSError:
            self._system.remove(names.SUDOERS_PATH)
            raise error from None
        before, self.content = self.content, content.decode("utf-8", "surrogateescape")
        return self.content != before

    def _replace(self, text: str) -> None:
        accepted = self._asked is not None and text == self._asked()
        self._store(text, None if accepted else self._check)

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


def _text(rules: Rules, with_end: bool = True) -> str:
    return sudo_rules.render_sudoers(rules, with_end)


def _lines(rules: Rules) -> set[str]:
    """All that may stand in the file: each rule with its end, and without."""
    return {line for with_end in (True, False) for line in _text(rules, with_end).splitlines(True)}
