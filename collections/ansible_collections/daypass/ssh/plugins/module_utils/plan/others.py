# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plans of logins behind which no account of ours stands (any more). Pure."""

from __future__ import annotations

from ..contract import names
from ..facts.host import AccountFacts, Facts
from ..record import entries
from ..record.ledger import LedgerAccount, Retired
from ..record.merge import RefusedGrant, WantedAccount
from . import refusals
from .changes import with_changes
from .ours import possible
from .steps import Leaving, Step, opening_steps
from .values import AccountPlan, Context, for_joined


def plan_new(
    want: WantedAccount, known: LedgerAccount | None, before: tuple[Step, ...], context: Context
) -> AccountPlan:
    """Create and open; `before` clears what a creation that was cut off (`known`) has left."""
    plain = AccountPlan(
        want.name,
        want.uid if known is None else known.uid,
        close=before,
        intent=known,
        refused=want.refused,
        changes=_cleared(before),
    )
    warnings = () if before else _untouched(want, context)
    if not want.grants or not context.may_open:
        return plain._replace(warnings=warnings)
    facts = _as_if_cleared(context.facts, want.name) if before else context.facts
    reason = refusals.why_not_create(want, facts, context.ledger)
    if reason is not None:
        refused = [RefusedGrant(key, *reason) for key in want.grants]
        return plain._replace(refused=(*want.refused, *refused))
    end, refused = possible(want, want.grants, {}, context._replace(facts=facts))
    if not end:
        return plain._replace(refused=(*want.refused, *refused))
    entry = entries.intended(want, facts.accounts[want.name].home, end, "create", None)
    return with_changes(
        plain._replace(
            open=opening_steps(want, facts.accounts[want.name], {}, end, context.keys, new=True),
            end=end,
            intent=entries.unproven(entry, {}),
            done=entries.proven(entry, end),
            state="active",
            refused=(*want.refused, *refused),
        )
    )


def _untouched(want: WantedAccount, context: Context) -> tuple[str, ...]:
    if want.listed and not want.grants and context.facts.accounts[want.name].passwd is not None:
        return (f"an account {want.name} exists and isn't ours; it was not touched",)
    return ()


def _cleared(before: tuple[Step, ...]) -> tuple[tuple[str, str, str], ...]:
    return (("creation", "cut off", "cleared"),) if before else ()


def _as_if_cleared(facts: Facts, login: str) -> Facts:
    """The facts as they'll be once the rest of our own creation is gone; what others left stays."""
    account = facts.accounts[login]._replace(
        passwd=None, shadow=None, private=None, groups=(), key_file=None, home_owner=None, subordinate=False
    )
    number = {name: tuple(one for one in names_ if one != login) for name, names_ in facts.uid_names.items()}
    known = facts.known
    if known is not None:
        known = known._replace(users={one: uid for one, uid in known.users.items() if one != login})
    return facts._replace(accounts={**facts.accounts, login: account}, uid_names=number, known=known)


def plan_gone(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    """The ledger names it and it isn't there: somebody deleted it, or our removal was cut off."""
    traces = account.shadow is not None or bool(account.groups)
    free = not context.facts.uid_names.get(known.uid)
    close = []
    if account.key_file is not None:
        close.append(Step("key_file", None))
    if free:
        close.append(Step("sessions"))
    clearing = [Step("purge")] if traces and known.pending == "remove" else []
    if account.private is not None and account.private.gid == known.uid and not account.private.members:
        clearing.append(Step("delete_group"))
    # A grant that is wanted opens with the next run, when nothing is left that could wait for the name.
    retired = Retired(known.uid, want.name, known.comment, context.now, _left_home(account, known))
    refused = [
        RefusedGrant(
            key, "account_deleted", f"somebody deleted the account {want.name}; the next run makes it again"
        )
        for key in want.grants
    ]
    return AccountPlan(
        want.name,
        known.uid,
        close=tuple(close),
        remove=tuple(clearing),
        intent=known._replace(pending="remove", grants={}),
        retired=retired,
        state_before="closed",
        state="removed",
        refused=(*want.refused, *refused),
        changes=(("account", "closed", "removed"),),
    )


def _left_home(account: AccountFacts, known: LedgerAccount) -> str:
    return account.home if account.home_owner == known.uid else ""


def plan_foreign(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    """The name is somebody else's account now: ours is gone, so our files go, and theirs isn't touched."""
    close = [] if account.key_file is None else [Step("key_file", None)]
    if known.pending != "create" and not context.facts.uid_names.get(known.uid):
        close.append(Step("sessions"))
    sentence = f"{want.name} is another account now; it was not touched"
    retired = None
    if known.pending != "create":
        retired = Retired(known.uid, want.name, known.comment, context.now, "")
    return AccountPlan(
        want.name,
        known.uid,
        close=tuple(close),
        intent=known._replace(grants={}),
        retired=retired,
        state_before="closed",
        state="removed",
        refused=(*want.refused, *(RefusedGrant(key, "account_exists", sentence) for key in want.grants)),
        warnings=(sentence,),
        changes=(("account", "ours", "foreign"),),
    )


def plan_failed(want: WantedAccount, context: Context, error: Exception) -> AccountPlan:
    """An account that can't be planned for a reason nobody thought of: shut, if it is ours, and reported."""
    known = context.ledger.accounts.get(want.name)
    sentence = f"{want.name} can't be planned, which is a defect: {type(error).__name__}: {error}"
    refused = tuple(RefusedGrant(key, "plan_failed", sentence) for key in want.grants)
    if known is None:
        return AccountPlan(want.name, want.uid, refused=(*want.refused, *refused))
    account = context.facts.accounts[want.name]
    steps = [Step("key_file", None)]
    if known.joined is not None:
        mark = names.GROUP_JOINED
        steps += [Step("take_groups", (*known.groups, mark)), Step("sessions")]
    elif account.passwd is not None and account.passwd.uid == known.uid:
        steps += [
            Step("lock"),
            Step("groups", _not_ours(account, known)),
            Step("sessions", Leaving(park=True)),
        ]
    entry = known._replace(pending="close", grants={}, closed_at=known.closed_at or context.now)
    return AccountPlan(
        want.name,
        known.uid,
        close=tuple(steps),
        joined=for_joined(known, account, {}, context),
        intent=entry,
        done=entry._replace(pending="", groups=()),
        undone=entry,
        state_before="active",
        state="closed",
        refused=(*want.refused, *refused),
        warnings=(sentence,),
        changes=(("account", "active", "closed"),),
    )


def _not_ours(account: AccountFacts, known: LedgerAccount) -> tuple[str, ...]:
    return tuple(group for group in account.groups if group not in known.groups)


def kept_home(want: WantedAccount, known: LedgerAccount, context: Context) -> bool:
    """Whether the home was there before: kept when the same person's account was removed."""
    identity_ = (known.uid, want.name, known.comment, known.home)
    return any(
        (entry.uid, entry.login, entry.comment, entry.home) == identity_ for entry in context.ledger.retired
    )
