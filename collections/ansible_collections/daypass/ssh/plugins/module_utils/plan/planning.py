# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From ledger, wanted state and facts to the changes of one run. Pure, golden-tested.

Every account goes from what it has now over `middle` (what it has now and keeps) to `end`. Closings lead to
the middle, openings from there to the end: whatever happens between, nobody has more than is wanted.
"""

from __future__ import annotations

from ..contract.document import JOIN
from ..contract.names import Refusal
from ..facts.host import Facts
from ..record import rights
from ..record.ledger import Ledger, LedgerAccount
from ..record.merge import RefusedGrant, Wanted, WantedAccount
from . import root_equivalent
from .identity import ABSENT, FOREIGN, PARTIAL, identity
from .key_lines import EXPIRY_Z_SINCE
from .made_groups import GroupsPlan, plan_groups
from .others import kept_home, plan_failed, plan_foreign, plan_gone, plan_new
from .ours import plan_ours
from .steps import Keys, Step
from .values import AccountPlan, Context, Plan


def plan(ledger: Ledger, wanted: Wanted, facts: Facts, now: int, may_open: bool = True) -> Plan:
    """Plan one run.

    Args:
        now: Seconds since 1970, not before the ledger's last time.
        may_open: False when only closings may happen (the clocks differ too much); a stale document implies
        it.
    """
    context = Context(
        ledger=ledger,
        facts=facts,
        now=now,
        may_open=may_open and not wanted.stale,
        keys=Keys(wanted.ca_keys, ledger.sshd_version >= EXPIRY_Z_SINCE),
    )
    accounts = {}
    for login in sorted(wanted.accounts):
        want = wanted.accounts[login]
        if not wanted.stale and not may_open:
            want = _without_growth(want, ledger.accounts.get(login))
        try:
            accounts[login] = _with_root(_plan_account(want, context), facts)
        except Exception as error:  # noqa: BLE001 - no surprise with one account stops another's closing
            accounts[login] = plan_failed(want, context, error)
    accounts, groups = plan_groups(accounts, wanted, context)
    return Plan(accounts, context.keys, may_open=context.may_open, groups=groups)


def _with_root(account: AccountPlan, facts: Facts) -> AccountPlan:
    """Say what is as good as root: of such a grant the host's own reports prove nothing."""
    found = root_equivalent.reasons(account.end, facts)
    if not found:
        return account
    return account._replace(root_equivalent=found, warnings=(*account.warnings, *found))


def only_closings(planned: Plan, refusal: Refusal) -> Plan:
    """The plan without what needs a record: openings are refused, removals wait."""
    accounts = dict(planned.accounts)
    for login, account in planned.accounts.items():
        if account.open or account.remove:
            growing = [key for key, grant in account.end.items() if account.middle.get(key) != grant]
            refused = [RefusedGrant(key, refusal.code, refusal.sentence, refusal.hint) for key in growing]
            state = "active" if account.middle else "closed"
            accounts[login] = account._replace(
                open=(),
                remove=(),
                end=account.middle,
                done=account.undone,  # what isn't opened isn't recorded as open
                refused=(*account.refused, *refused),
                state=state,
            )
    return planned._replace(accounts=accounts, may_open=False, groups=GroupsPlan())


def _without_growth(want: WantedAccount, known: LedgerAccount | None) -> WantedAccount:
    """Only what is live and stays; each grant that would open or grow is refused, and no removal begins.

    A controller far in the future would end every cleanup window at once, and a home doesn't come back.
    """
    before = {} if known is None else known.grants
    refused = [
        RefusedGrant(key, "clock_drift", "the clocks of host and controller differ by more than 5 minutes")
        for key, grant in want.grants.items()
        if key not in before or not before[key].live or rights.narrowed(before[key], grant) != grant
    ]
    live = {key: grant for key, grant in before.items() if grant.live}
    return want._replace(
        grants=rights.common(live, want.grants),
        refused=(*want.refused, *refused),
        remove=want.remove and known is not None and known.pending == "remove",
    )


def _plan_account(want: WantedAccount, context: Context) -> AccountPlan:
    known = context.ledger.accounts.get(want.name)
    account = context.facts.accounts[want.name]
    if want.existing == JOIN if known is None else known.joined is not None:
        from .joined import plan_joined  # most hosts have no such account

        return plan_joined(want, known, account, context)
    if known is None:
        return plan_new(want, None, (), context)
    found = identity(known, account)
    if found == FOREIGN:
        return plan_foreign(want, known, account, context)
    if found == PARTIAL:
        return plan_new(want, known, (Step("undo_create", not kept_home(want, known, context)),), context)
    if found == ABSENT and known.pending == "create":
        return plan_new(want, known, (), context)
    if found == ABSENT:
        return plan_gone(want, known, account, context)
    return plan_ours(want, known, account, context)
