# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tick says in the host's log: one line a thing that happened, for people."""

from __future__ import annotations

import json

from ..contract.fields import show_moment
from ..contract.names import RUN_FOLDER
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Iterator, Sequence

    from ..apply.applied import Applied
    from ..deadline.warning import Notice
    from ..effects.system import System
    from ..plan.values import AccountPlan, Plan
    from ..record.ledger import Ledger, LedgerAccount

SAID_PATH = RUN_FOLDER + "/said.json"
SHOWN = 10


def told(planned: Plan, applied: Applied, current: Ledger, now: int) -> Iterator[tuple[str, bool]]:
    """(line, whether it is a problem) for each account."""
    for login, account in sorted(planned.accounts.items()):
        if not account.close:
            continue
        reasons = [failure.sentence for failure in applied.failures.get(login, [])]
        if login in applied.stuck:
            yield f"{login} isn't closed yet: {'; '.join(reasons) or 'no reason given'}; tried again", True
        else:
            why = _why(account, current.accounts[login], now)
            left = " ".join(sorted(account.end))
            if left:
                yield f"ended sessions of {login}: {why}; what is left: {left}", False
            else:
                yield f"closed {login}: {why}; no access is left", False
        for warning in (*account.warnings, *applied.warnings.get(login, [])):
            yield f"{login}: {warning}", True


def _why(account: AccountPlan, known: LedgerAccount, now: int) -> str:
    ended = [
        f"grant {key} ended at {show_moment(grant.not_after)}"
        if grant.not_after <= now
        else f"grant {key} was taken back before its end"
        for key, grant in sorted(known.grants.items())
        if key not in account.end
    ]
    return ", ".join(ended) or "it was closed before and something was open or running again"


def swept(login: str, left: bool) -> str:
    """A removed account's processes."""
    if left:
        return f"processes of {login} are left; tried again"
    return f"ended processes of {login}"


def warned(notice: Notice, terminals: int) -> str:
    """A warning that was given."""
    place = f"on {terminals} terminals" if terminals else "no terminal took it"
    return (
        f"warned {notice.login}: grant {notice.grant_id} ends at {show_moment(notice.not_after)} "
        f"({notice.seconds} s ahead; {place})"
    )


def strangers(logins: Sequence[str]) -> str | None:
    """Accounts that bear our mark and aren't ours."""
    if not logins:
        return None
    shown = " ".join(ascii(login)[1:-1] for login in logins[:SHOWN])
    return f"in the group daypass or daypass-join, and not through Daypass: {shown}; look why"


def say_once(system: System, key: str, text: str | None) -> None:
    """Log a lasting problem when it comes, not each minute; None when all is well.

    Args:
        key: What it is about: one text is remembered for each, until the next boot.
    """
    before = _said(system)
    if before.get(key) == text:
        return
    if text is not None:
        system.log(text, problem=True)
    after = {**before, key: text} if text is not None else {k: v for k, v in before.items() if k != key}
    try:
        system.make_folder(RUN_FOLDER, 0o700)
        system.write(SAID_PATH, json.dumps(after, sort_keys=True).encode("ascii"), 0o600)
    except OSError:
        pass  # said again each minute then; closing goes on


def _said(system: System) -> dict[str, str]:
    try:
        found = json.loads(system.read(SAID_PATH) or b"{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
