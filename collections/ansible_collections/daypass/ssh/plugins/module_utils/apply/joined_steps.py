# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single steps on an account that was there before: groups one by one, and the checks around them.

Never usermod --groups: it writes the whole list, and a membership that its owner gets in between would be
lost. gpasswd(1) adds and takes one member, and leaves every other line as it is.
"""

from __future__ import annotations

from ..contract.document import REFUSE
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..facts import account_files
from . import account_steps

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from ..effects.system import System
    from ..plan.values import AccountPlan


def give_groups(system: System, login: str, groups: Sequence[str]) -> None:
    """Put the login into each of these groups."""
    for group in groups:
        if group not in account_steps.groups_of(system, login):
            system.change(["gpasswd", "--add", login, group])


def take_groups(system: System, login: str, groups: Sequence[str]) -> None:
    """Take the login out of each of these groups; one that fails doesn't keep it in the others.

    Raises:
        Refusal: `command_failed`: it is still in one.
    """
    for group in groups:
        if group in account_steps.groups_of(system, login):
            system.attempt(["gpasswd", "--delete", login, group])
    left = [group for group in groups if group in account_steps.groups_of(system, login)]
    if left:
        raise Refusal("command_failed", f"{login} is still in the group {', '.join(left)}")


def check_before(system: System, account: AccountPlan, groups: Sequence[str]) -> None:
    """Whether it is still the account that was planned with, and sshd will let its certificate in.

    Raises:
        Refusal: `uid_differs` or `sshd_overridden`.
    """
    from ..sshd import joined  # only a joining needs it

    entry = account_steps.read_entry(system, account.login)
    if entry is None or entry.uid != account.uid:
        raise Refusal("uid_differs", f"the account {account.login} was changed meanwhile")
    shadow = account_files.parse_shadow(system.read("/etc/shadow") or b"", [account.login])
    password = shadow[account.login].password if account.login in shadow else "!"
    need_log = account.joined is None or account.joined.kept.without_log == REFUSE
    found = joined.check_before(system, account.login, groups, password, need_log)
    joined.refuse(account.login, found)


def check_after(system: System, login: str) -> None:
    """Whether our key file is the one thing that is different for this login now.

    Raises:
        Refusal: `sshd_overridden`.
    """
    from ..sshd import joined

    joined.refuse(login, joined.check_after(system, login))


def actions(system: System, account: AccountPlan, value: Any) -> dict[str, Callable[[], None]]:
    """By the name of the step, what it does with its value."""
    login = account.login
    return {
        "join_check": lambda: check_before(system, account, value),
        "give_groups": lambda: give_groups(system, login, value),
        "take_groups": lambda: take_groups(system, login, value),
        "join_sshd": lambda: check_after(system, login),
    }
