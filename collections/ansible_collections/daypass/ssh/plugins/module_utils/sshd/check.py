# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sshd check: a grant counts only when sshd itself says that our block holds for the account."""

from __future__ import annotations

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Callable

    from ..effects.system import System


def check_sshd(system: System, ahead: bool = False) -> Callable[[str, tuple[str, ...]], None]:
    """A check of (login, all its groups) that looks for the listening sshd once.

    The check raises Refusal `sshd_overridden` with directive, value and file of what is in the way.

    Args:
        ahead: Somebody will be checked: look for it at once, beside what comes next.
    """
    found: list[tuple] = []

    def look() -> None:
        # Only an opening needs these; a closing must not wait for their import.
        from .dropin import check_account  # noqa: F401 - loaded for the check
        from .listeners import find_listeners

        found.append(tuple(find_listeners()))

    looked = system.beside(look, at_once=False) if ahead else look

    def check(login: str, groups: tuple[str, ...]) -> None:
        if not found:
            looked()
        from .dropin import check_account

        wrong = check_account(system, login, groups, found[0])
        if wrong:
            sentences = "; ".join(one.sentence() for one in wrong[:5])
            raise Refusal(
                "sshd_overridden",
                f"sshd doesn't do for {login} what it must: {sentences}",
                "change that line, or onboard the host again",
            )

    return check
