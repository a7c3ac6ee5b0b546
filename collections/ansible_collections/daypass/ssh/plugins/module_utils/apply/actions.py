# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each step of a plan does on the host, by its name, and what takes an opening back."""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING
from ..removal import leftovers
from . import account_steps, joined_steps, made_groups
from .taken_back import given

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from ..effects.system import System
    from ..facts.host import Facts
    from ..facts.sudo_program import SudoProgram
    from ..plan.steps import Step
    from ..plan.values import AccountPlan
    from ..record.ledger import LedgerAccount


class Steps:
    """The steps of one run; each raises what went wrong, and tells warnings.

    Args:
        now: Seconds since 1970, for the names of archives.
        check_sshd: Gives what keeps sshd's block from holding for (login, groups); raises Refusal.
        sudo: The host's sudo, to be asked for the rights of others; None where there is none.
        warn: Takes an account's warnings.
    """

    def __init__(
        self,
        system: System,
        facts: Facts,
        now: int,
        check_sshd: Callable[[str, tuple[str, ...]], None],
        sudo: SudoProgram | None,
        warn: Callable[[AccountPlan, list[str]], None],
    ) -> None:
        self._system = system
        self._facts = facts
        self._now = now
        self._check_sshd = check_sshd
        self._sudo = sudo
        self._warn = warn
        self._ahead: dict[str, Callable[[], None]] = {}

    def do(self, account: AccountPlan, step: Step) -> None:
        """Do one step."""
        system, login, uid, value = self._system, account.login, account.uid, step.value
        actions: dict[str, Callable[[], Any]] = {
            "create_group": lambda: account_steps.create_group(system, login, uid),
            "create_user": lambda: account_steps.create_user(system, login, _entry(account), bool(value)),
            "undo_create": lambda: self._undo_create(account, bool(value)),
            "old_rights": lambda: self._old_rights(account),
            "make_groups": lambda: made_groups.make(system, value),
            "groups": lambda: account_steps.set_groups(system, login, value),
            "sshd": lambda: self._sshd(login, value),
            "ageing": lambda: account_steps.no_ageing(system, login),
            "unlock": lambda: account_steps.unlock(system, login, *value),
            "lock": lambda: account_steps.lock(system, login),
            "park": lambda: leftovers.park(system, login, value),
            "key_file": lambda: self._key_file(account, step),
            **joined_steps.actions(system, account, value),
            "leftovers": lambda: self._leftovers(account),
            "home": lambda: self._home(account, value),
            "delete_user": lambda: account_steps.delete_user(system, login, uid),
            "delete_group": lambda: account_steps.delete_group(system, login, uid),
            "purge": lambda: account_steps.purge(system, login, uid),
        }
        actions[step.name]()

    def check_ahead(self, accounts: Sequence[AccountPlan]) -> None:
        """Begin sshd's check of the first account, beside its sudo rules: its groups are as they will be.

        One at a time, for the host has other work.
        """
        steps = ((one.login, step) for one in accounts for step in one.open if step.name == "sshd")
        first = next(steps, None)
        if first is not None:
            login, groups = first[0], (*first[1].value, first[0])
            self._ahead[login] = self._system.beside(lambda: self._check_sshd(login, groups))

    def _sshd(self, login: str, groups: Sequence[str]) -> None:
        begun = self._ahead.pop(login, None)
        if begun is None:
            self._check_sshd(login, (*groups, login))
        else:
            begun()

    def _key_file(self, account: AccountPlan, step: Step) -> None:
        if any(step is one for one in account.close):
            self._narrow_keys(account, step.value)
        else:
            account_steps.write_keys(self._system, account.login, account.gid, step.value)

    def _narrow_keys(self, account: AccountPlan, content: str | None) -> None:
        warning = account_steps.narrow_keys(self._system, account.login, account.gid, content)
        self._warn(account, [warning] if warning else [])

    def _leftovers(self, account: AccountPlan) -> None:
        facts = self._facts.accounts[account.login]
        paths = (*facts.jobs, *facts.mail)
        self._warn(account, leftovers.remove_leftovers(self._system, account.login, account.uid, paths))

    def _home(self, account: AccountPlan, policy: str) -> None:
        home = _entry(account).home
        kept = leftovers.remove_home(self._system, account.login, account.uid, home, policy, self._now)
        self._warn(account, [kept] if kept else [])

    def undoing(self, account: AccountPlan, content: str | None) -> list[Callable[[], None]]:
        """What takes an opening back to what the account had before it, in its order.

        Args:
            content: The key file as it was to stay.
        """
        steps = {step.name: step for step in account.open}
        system, login = self._system, account.login
        actions: list[Callable[[], None]] = []
        if "create_user" in steps:
            actions.append(lambda: self._undo_create(account, bool(steps["create_user"].value)))
        elif "key_file" in steps:
            actions.append(lambda: self._narrow_keys(account, content))
        if not account.middle and "create_user" not in steps and account.joined is None:
            actions.append(lambda: account_steps.lock(system, login))
        if "give_groups" in steps:
            actions.append(lambda: joined_steps.take_groups(system, login, steps["give_groups"].value))
        if "groups" in steps and "create_user" not in steps:
            before = tuple(one for one in steps["groups"].value if one not in given(account))
            actions.append(lambda: account_steps.set_groups(system, login, before))
        return actions

    def _old_rights(self, account: AccountPlan) -> None:
        account_steps.check_old_rights(self._system, account.login, account.uid, self._sudo)

    def _undo_create(self, account: AccountPlan, made_home: bool) -> None:
        account_steps.undo_create(self._system, account.login, _entry(account), made_home)


def _entry(account: AccountPlan) -> LedgerAccount:
    if account.intent is None:
        raise ValueError(f"no intent for {account.login}")
    return account.intent
