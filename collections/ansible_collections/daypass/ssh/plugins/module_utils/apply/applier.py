# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carry out a plan: all closings of all accounts first, then openings, removals last.

Opening is all or nothing: any failure takes that account's opening back. Closing goes on past every failure,
tries each step and reports what failed. One account's failure never stops another's.
"""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..effects.system import CommandFailed
from ..facts.sudo_program import SudoProgram
from ..record import rights
from ..removal import leftovers
from ..removal.unfinished import Unfinished
from .actions import Steps
from .applied import Applied, Failure
from .patience import WHOLE, Patience
from .sudoers_file import SudoersFile
from .taken_back import TakenBack

if TYPE_CHECKING:
    from typing import Any, Callable, Mapping

    from ..effects.system import System
    from ..facts.host import Facts
    from ..plan.steps import Step
    from ..plan.values import AccountPlan, Plan
    from ..sessions.setid_files import Lost
    from .joined_ending import JoinedEnded


GIVING = ("groups", "give_groups")
FIRST_STAGE = ("create_group", "create_user", "old_rights", "join_check", "make_groups", *GIVING)
LAST_STAGE = ("sshd", "join_sshd", "ageing", "unlock", "key_file")


class Applier:
    """One run over one plan; `run` is called once.

    Args:
        now: Seconds since 1970, for the names of archives.
        check_sshd: Gives what keeps sshd's block from holding for (login, groups); raises Refusal.
        patience: How long to go on with processes and files that one person has many of.
    """

    def __init__(
        self,
        system: System,
        plan: Plan,
        facts: Facts,
        now: int,
        check_sshd: Callable[[str, tuple[str, ...]], None],
        patience: Patience = WHOLE,
    ) -> None:
        self._system = system
        self._plan = plan
        self._facts = facts
        self._patience = patience
        sudo = SudoProgram(system)
        if facts.sudo and any(account.open for account in plan.accounts.values()):
            sudo.ask_ahead()
        self._sudoers = SudoersFile(system, sudo, facts.sudoers)
        self._steps = Steps(system, facts, now, check_sshd, sudo if facts.sudo else None, self._warn)
        self._taken_back = TakenBack(system, facts)
        self._failures: dict[str, list[Failure]] = {}
        self._warnings: dict[str, list[str]] = {}
        self._undone: set[str] = set()
        self._stuck: set[str] = set()
        self._unremoved: dict[str, Unfinished] = {}
        self._changed = False
        self._unfinished: Mapping[int, Lost] = {}
        self._own_keys: Mapping[str, str] = {}

    def run(self) -> Applied:
        """Apply everything."""
        accounts = list(self._plan.accounts.values())
        self._close(accounts)
        self._open([account for account in accounts if account.open])
        self._remove([account for account in accounts if account.remove])
        return Applied(
            self._failures,
            self._warnings,
            frozenset(self._undone),
            frozenset(self._stuck),
            self._changed,
            self._unfinished,
            not self._sudoers.ends_by_itself,
            self._unremoved,
            own_keys=self._own_keys,
        )

    # --- closing --------------------------------------------------------------------------------------------
    def _close(self, accounts: list[AccountPlan]) -> None:
        for name in ("undo_create", "key_file", "lock", "park"):
            self._each(accounts, name)
        self._reduce_sudo(accounts)
        self._each(accounts, "groups")
        self._each(accounts, "take_groups")
        ending = [one for one in accounts if _step(one.close, "sessions")]
        if not ending:
            return
        from . import joined_ending  # most runs end nothing, and load nothing for it

        joined = joined_ending.begin(self._system, ending, self._plan.keys.ca_keys)
        self._end_sessions([one for one in ending if one.joined is None])
        self._joined_ended(joined_ending.finish(self._system, joined, self._patience))

    def _each(self, accounts: list[AccountPlan], name: str) -> None:
        for account in accounts:
            step = _step(account.close, name)
            if step is not None and not self._try(account, step):
                self._stuck.add(account.login)

    def _reduce_sudo(self, accounts: list[AccountPlan]) -> None:
        rules = self._rules(opened=())
        closing = [one for one in accounts if one.close]
        try:
            if self._plan.emergency:
                done = self._sudoers.drop({one.login for one in closing})
            else:
                logins = {one.login for one in closing}
                done = self._sudoers.reduce(rules, logins, self._plan.may_open)
            self._changed = done or self._changed
        except OSError as error:
            self._all_stuck(closing, error)

    def _end_sessions(self, accounts: list[AccountPlan]) -> None:
        if not accounts:
            return
        from . import ending

        self._changed = True
        try:
            ended = ending.end_sessions(self._system, accounts, self._facts, self._patience)
        except OSError as error:
            self._all_stuck(accounts, error)
            return
        self._unfinished = ended.unfinished
        for account in accounts:
            self._warn(account, ended.warnings.get(account.login, []))
            if account.login in ended.problems:
                self._all_stuck([account], ended.problems[account.login])

    def _joined_ended(self, ended: JoinedEnded) -> None:
        self._changed = self._changed or bool(ended.accounts)
        self._own_keys = ended.own_keys
        for login in ended.accounts:
            account = self._plan.accounts[login]
            self._warn(account, ended.warnings.get(login, []))
            if login in ended.problems:
                self._all_stuck([account], ended.problems[login])

    def _all_stuck(self, accounts: list[AccountPlan], error: Exception) -> None:
        for account in accounts:
            self._fail(account, error)
            self._stuck.add(account.login)

    # --- opening --------------------------------------------------------------------------------------------
    def _open(self, accounts: list[AccountPlan]) -> None:
        # Nothing is built on a closing that failed.
        self._undone.update(one.login for one in accounts if one.login in self._stuck)
        going = [one for one in accounts if one.login not in self._stuck]
        if going:
            self._sudoers.check_ahead(self._rules([one.login for one in going]))
        going = self._stage(going, FIRST_STAGE)
        self._steps.check_ahead(going)
        going = self._open_sudo(going)
        self._stage(going, LAST_STAGE)
        if self._undone:
            self._sudo_of_survivors()
            self._end_taken_back()

    def _stage(self, accounts: list[AccountPlan], stage: tuple[str, ...]) -> list[AccountPlan]:
        """Run some steps of each account; one that fails is taken back and left out."""
        survivors = []
        for account in accounts:
            steps = [step for step in account.open if step.name in stage]
            if any(step.name in GIVING for step in steps):
                self._taken_back.gives(account.login)
            if all(self._try(account, step) for step in steps):
                survivors.append(account)
            else:
                self._undo(account)
        return survivors

    def _open_sudo(self, accounts: list[AccountPlan]) -> list[AccountPlan]:
        """The rules of all at once; if that fails, of each alone, so that one bad rule hurts one account."""
        if not accounts:
            return accounts
        logins = [account.login for account in accounts]
        if self._put_sudo(logins) is None:
            return accounts
        survivors: list[AccountPlan] = []
        for account in accounts:
            error = self._put_sudo([*(one.login for one in survivors), account.login])
            if error is None:
                survivors.append(account)
            else:
                self._fail(account, error)
                self._undo(account)
        return survivors

    def _put_sudo(self, opened: list[str]) -> Exception | None:
        self._taken_back.gives(*opened)
        try:
            self._changed = self._sudoers.put(self._rules(opened)) or self._changed
        except (Refusal, OSError) as error:
            return error
        return None

    def _sudo_of_survivors(self) -> None:
        opened = [one.login for one in self._plan.accounts.values() if one.login not in self._undone]
        try:
            self._sudoers.reduce(self._rules(opened), self._undone)
        except OSError as error:
            self._all_stuck([self._plan.accounts[login] for login in self._undone], error)

    def _rules(self, opened: Any) -> dict[str, list]:
        """login -> sudo rules: at their end for those that are open, else as the closings left them."""
        rules = {}
        for login, account in self._plan.accounts.items():
            grants = account.end if login in opened or not account.open else account.middle
            found = rights.sudo_of(grants)
            if found:
                rules[login] = found
        return rules

    def _undo(self, account: AccountPlan) -> None:
        """Take an opening back to what the account had before it."""
        self._undone.add(account.login)
        self._taken_back.undone(account)
        actions = self._steps.undoing(account, self._plan.keys.render(account.middle))
        for action in actions:
            if not self._attempt(account, action):
                self._stuck.add(account.login)

    def _end_taken_back(self) -> None:
        try:
            ended = self._taken_back.end(self._patience)
        except OSError as error:
            self._all_stuck([self._plan.accounts[login] for login in self._undone], error)
            return
        for login in {*ended.problems, *ended.warnings}:
            account = self._plan.accounts[login]
            self._warn(account, ended.warnings.get(login, []))
            if login in ended.problems:
                self._all_stuck([account], ended.problems[login])

    # --- removal --------------------------------------------------------------------------------------------
    def _remove(self, accounts: list[AccountPlan]) -> None:
        going = [account for account in accounts if account.login not in self._stuck]
        self._changed = self._changed or bool(going)
        for account, error in leftovers.in_turn(self._system, going, self._steps.do):
            self._stuck.add(account.login)
            if isinstance(error, Unfinished):
                self._unremoved[account.login] = error
            else:
                self._fail(account, error)

    # --- steps ----------------------------------------------------------------------------------------------
    def _try(self, account: AccountPlan, step: Step) -> bool:
        self._changed = True
        return self._attempt(account, lambda: self._steps.do(account, step))

    def _attempt(self, account: AccountPlan, action: Callable[[], None]) -> bool:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - no surprise with one account stops another's closing
            self._fail(account, error)
            return False
        return True

    def _fail(self, account: AccountPlan, error: Exception) -> None:
        if isinstance(error, Refusal):
            failure = Failure(error.code, error.sentence, error.hint)
        else:
            expected = isinstance(error, (CommandFailed, OSError))
            failure = Failure(
                "command_failed", str(error) if expected else f"{type(error).__name__}: {error}"
            )
        self._failures.setdefault(account.login, []).append(failure)

    def _warn(self, account: AccountPlan, warnings: list[str]) -> None:
        if warnings:
            self._warnings.setdefault(account.login, []).extend(warnings)


def _step(steps: tuple[Step, ...], name: str) -> Step | None:
    return next((step for step in steps if step.name == name), None)
