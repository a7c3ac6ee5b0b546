# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From ledger, wanted state and facts to the changes of one run. Pure, golden-tested.

Every account goes from what it has now over `middle` (what it has now and keeps) to `end`. Closings lead to the
middle, openings from there to the end: whatever happens between, nobody has more than is wanted.
"""

from __future__ import annotations

from typing import Mapping, NamedTuple

from . import ledger as ledgers
from . import names, refusals, rights
from .facts import AccountFacts, Facts
from .key_lines import EXPIRY_Z_SINCE
from .ledger import Ledger, LedgerAccount, LedgerGrant, Retired, Tombstone
from .merge import RefusedGrant, Wanted, WantedAccount
from .names import Refusal
from .steps import CLOSED_PASSWORD, Keys, Step, closing_steps, is_closed, opening_steps, removal_steps

# What the host says about a login that the ledger names.
ABSENT = "absent"  # nobody has the name
OURS = "ours"
PARTIAL = "partial"  # a creation was cut off before the account was ours
FOREIGN = "foreign"  # somebody else's account has the name


class AccountPlan(NamedTuple):
    """The way of one account.

    Attributes:
        close, open, remove: Steps in their order.
        middle, end: Grants in effect after the closings, and after all of it.
        intent: Ledger entry while the run is under way, None where the ledger has none.
        done: Ledger entry when all went well, None where the account is gone.
        undone: Ledger entry when its opening failed and was taken back.
        retired: What the ledger keeps of an account that is gone.
        state_before, state: `absent`, `active`, `closed`, `removed`.
        stones: Grants that end for a reason other than the document.
    """

    login: str
    uid: int
    close: tuple[Step, ...] = ()
    open: tuple[Step, ...] = ()
    remove: tuple[Step, ...] = ()
    middle: Mapping[str, LedgerGrant] = {}
    end: Mapping[str, LedgerGrant] = {}
    intent: LedgerAccount | None = None
    done: LedgerAccount | None = None
    undone: LedgerAccount | None = None
    retired: Retired | None = None
    state_before: str = ABSENT
    state: str = ABSENT
    refused: tuple[RefusedGrant, ...] = ()
    warnings: tuple[str, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()
    stones: Mapping[str, Tombstone] = {}


class Plan(NamedTuple):
    """All accounts of one run; in an `emergency` (no ledger to go by) sudo rules are dropped line by line."""

    accounts: Mapping[str, AccountPlan]
    keys: Keys
    emergency: bool = False


class Context(NamedTuple):
    """What is the same for all accounts of a run."""

    ledger: Ledger
    facts: Facts
    now: int
    may_open: bool
    keys: Keys


def plan(ledger: Ledger, wanted: Wanted, facts: Facts, now: int, may_open: bool = True) -> Plan:
    """Plan one run.

    Args:
        now: Seconds since 1970, not before the ledger's last time.
        may_open: False when only closings may happen (the clocks differ too much); a stale document implies it.
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
        accounts[login] = _plan_account(want, context)
    return Plan(accounts, context.keys)


def only_closings(planned: Plan, refusal: Refusal) -> Plan:
    """The plan without what needs a record: openings are refused, removals wait."""
    accounts = {}
    for login, account in planned.accounts.items():
        if account.open or account.remove:
            growing = [key for key, grant in account.end.items() if account.middle.get(key) != grant]
            refused = [RefusedGrant(key, refusal.code, refusal.sentence, refusal.hint) for key in growing]
            state = "active" if account.middle else "closed"
            account = account._replace(
                open=(), remove=(), end=account.middle, refused=(*account.refused, *refused), state=state
            )
        accounts[login] = account
    return planned._replace(accounts=accounts)


def _without_growth(want: WantedAccount, known: LedgerAccount | None) -> WantedAccount:
    """Only what is live and stays; each grant that would open or grow is refused."""
    before = {} if known is None else known.grants
    refused = [
        RefusedGrant(key, "clock_drift", "the clocks of host and controller differ by more than 5 minutes")
        for key in want.grants
        if key not in before or not before[key].live
    ]
    live = {key: grant for key, grant in before.items() if grant.live}
    return want._replace(grants=rights.common(live, want.grants), refused=(*want.refused, *refused))


def identity(known: LedgerAccount, account: AccountFacts) -> str:
    """Whose account has the name: the uid proves an established one, an intent needs the comment too.

    The comment alone proves nothing against us: its owner may change it (chfn), and must not escape closing so.
    """
    entry = account.passwd
    if known.pending == "create" and not _established(known, account):
        if entry is None:
            traces = account.private is not None or account.shadow is not None or account.groups
            return PARTIAL if traces else ABSENT
        return PARTIAL if (entry.uid, entry.comment) == (known.uid, known.comment) else FOREIGN
    if entry is None:
        return ABSENT
    return OURS if entry.uid == known.uid else FOREIGN


def _established(known: LedgerAccount, account: AccountFacts) -> bool:
    """A creation that was cut off after the account had passed its checks: they come before the unlocking."""
    unlocked = account.shadow is not None and account.shadow.password != CLOSED_PASSWORD
    same = account.passwd is not None and (account.passwd.uid, account.passwd.comment) == (
        known.uid,
        known.comment,
    )
    return same and (unlocked or account.key_file is not None)


def _plan_account(want: WantedAccount, context: Context) -> AccountPlan:
    known = context.ledger.accounts.get(want.name)
    account = context.facts.accounts[want.name]
    if known is None:
        return _plan_new(want, None, (), context)
    found = identity(known, account)
    if found == FOREIGN:
        return _plan_foreign(want, known, account, context)
    if found == PARTIAL:
        return _plan_new(want, known, (Step("undo_create", not _kept_home(want, known, context)),), context)
    if found == ABSENT and known.pending == "create":
        return _plan_new(want, known, (), context)
    if found == ABSENT:
        return _plan_gone(want, known, account, context)
    return _plan_ours(want, known, account, context)


def _kept_home(want: WantedAccount, known: LedgerAccount, context: Context) -> bool:
    """Whether the home was there before: kept when the same person's account was removed."""
    identity_ = (known.uid, want.name, known.comment, known.home)
    return any(
        (entry.uid, entry.login, entry.comment, entry.home) == identity_ for entry in context.ledger.retired
    )


# --- accounts that don't exist ------------------------------------------------------------------------------
def _plan_new(
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
    end, refused = _possible(want.grants, {}, facts)
    if not end:
        return plain._replace(refused=(*want.refused, *refused))
    entry = _entry(want, facts.accounts[want.name].home, end, "create", None)
    return _with_changes(
        plain._replace(
            open=opening_steps(want, facts.accounts[want.name], {}, end, context.keys, new=True),
            end=end,
            intent=_unproven(entry, {}),
            done=_proven(entry, end),
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
    """The facts as they'll be once the rest of our own creation is gone. What others left there stays a fact."""
    account = facts.accounts[login]._replace(
        passwd=None, shadow=None, private=None, groups=(), key_file=None, home_owner=None, subordinate=False
    )
    number = {name: tuple(one for one in names_ if one != login) for name, names_ in facts.uid_names.items()}
    known = facts.known
    if known is not None:
        known = known._replace(users={one: uid for one, uid in known.users.items() if one != login})
    return facts._replace(accounts={**facts.accounts, login: account}, uid_names=number, known=known)


def _plan_gone(
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


def _plan_foreign(
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


# --- our own accounts ---------------------------------------------------------------------------------------
def _plan_ours(
    want: WantedAccount, known: LedgerAccount, account: AccountFacts, context: Context
) -> AccountPlan:
    live = {key: grant for key, grant in known.grants.items() if grant.live}
    warnings: tuple[str, ...] = ()
    stones: dict[str, Tombstone] = {}
    refused = list(want.refused)
    grants = dict(want.grants)
    if live and not known.pending and names.GROUP_CREATED not in account.groups:
        sentence = f"{want.name} was taken out of the group {names.GROUP_CREATED}; it was closed"
        refused += [RefusedGrant(key, "membership_lost", sentence) for key in grants]
        ends = {
            **{key: grant.not_after for key, grant in live.items()},
            **{k: g.not_after for k, g in grants.items()},
        }
        stones = {key: Tombstone(end, ledgers.CAUSE_MEMBERSHIP) for key, end in ends.items()}
        warnings, grants = (sentence,), {}
    middle = rights.common(live, grants)
    shrinks = rights.less_than(middle, live) or known.pending == "close"
    _steps, cleared = closing_steps(known, account, middle, shrinks, context.keys)
    end, more = _growth(want, grants, middle, cleared, context)
    refused += more
    shrinks = shrinks or bool(known.pending and set(known.grants) - set(end))
    sessions = shrinks or not (end or is_closed(account.shadow))
    close, after = closing_steps(known, account, middle, sessions, context.keys)
    opening: tuple[Step, ...] = ()
    if end:
        opening = opening_steps(want, after, middle, end, context.keys)
    remove = removal_steps(want) if want.remove and not end else ()
    pending = "remove" if remove else "close" if sessions else "open"
    entry = _entry(want, account.home, end, pending, known, context.now)
    entry = entry._replace(groups=tuple(sorted(rights.groups_of(end))))
    held = tuple(sorted(set(known.groups) | rights.groups_of(end)))
    state_before = "active" if live else "closed"
    return _with_changes(
        AccountPlan(
            want.name,
            known.uid,
            close=close,
            open=opening,
            remove=remove,
            middle=middle,
            end=end,
            intent=_unproven(entry, middle)._replace(groups=held),
            done=None if remove else _proven(entry, end),
            undone=_undone(entry, middle, known, context.now),
            retired=_retired(want, known, account, context.now) if remove else None,
            state_before=state_before,
            state="removed" if remove else "active" if end else "closed",
            refused=tuple(refused),
            warnings=(*warnings, *_extra_groups(account, known, end)),
            stones=stones,
        ),
        live,
        account,
    )


def _growth(
    want: WantedAccount,
    grants: Mapping[str, LedgerGrant],
    middle: Mapping[str, LedgerGrant],
    account: AccountFacts,
    context: Context,
) -> tuple[dict[str, LedgerGrant], list[RefusedGrant]]:
    """What will be in effect at the end, and the grants that won't; `account` is as the closings leave it."""
    if not context.may_open:
        return dict(middle), []
    if all(middle.get(key) == grant for key, grant in grants.items()):
        return dict(grants), []
    if middle:
        reason = refusals.why_not_grow(want, account, context.facts)
    else:
        reason = refusals.why_not_open(want, account, context.facts, context.ledger)
    if reason is not None:
        growing = [key for key, grant in grants.items() if middle.get(key) != grant]
        return dict(middle), [RefusedGrant(key, *reason) for key in growing]
    return _possible(grants, middle, context.facts)


def _possible(
    grants: Mapping[str, LedgerGrant], middle: Mapping[str, LedgerGrant], facts: Facts
) -> tuple[dict[str, LedgerGrant], list[RefusedGrant]]:
    """The grants that this host can give; one that can't grow keeps what it has."""
    growing = {key: grant for key, grant in grants.items() if middle.get(key) != grant}
    refused = refusals.refused_grants(growing, facts)
    lost = {refusal.id for refusal in refused}
    end = {}
    for key, grant in grants.items():
        if key not in lost:
            end[key] = grant
        elif key in middle:
            end[key] = middle[key]
    return end, refused


def _extra_groups(
    account: AccountFacts, known: LedgerAccount, end: Mapping[str, LedgerGrant]
) -> tuple[str, ...]:
    ours = {names.GROUP_CREATED, *known.groups, *rights.groups_of(end)}
    extra = [group for group in account.groups if group not in ours]
    roots = sorted(rights.groups_of(end) & names.ROOT_EQUIVALENT_GROUPS)
    found = [f"also in the group {group}, not through us" for group in extra]
    return (*found, *(f"the group {group} is root-equivalent" for group in roots))


# --- ledger entries -----------------------------------------------------------------------------------------
def _entry(
    want: WantedAccount,
    home: str,
    grants: Mapping[str, LedgerGrant],
    pending: str,
    known: LedgerAccount | None,
    now: int = 0,
) -> LedgerAccount:
    closed_at = None if grants or known is None else known.closed_at or now
    return LedgerAccount(
        uid=want.uid if known is None else known.uid,
        comment=want.comment if known is None else known.comment,
        shell=want.shell,
        home=home,
        home_on_removal=want.home_on_removal,
        user_cleanup_days=want.user_cleanup_days,
        pending=pending,
        grants=dict(grants),
        groups=tuple(sorted(rights.groups_of(grants))),
        closed_at=closed_at,
    )


def _proven(entry: LedgerAccount, grants: Mapping[str, LedgerGrant]) -> LedgerAccount:
    return entry._replace(
        pending="", grants={key: grant._replace(live=True) for key, grant in grants.items()}
    )


def _unproven(entry: LedgerAccount, middle: Mapping[str, LedgerGrant]) -> LedgerAccount:
    grants = {key: grant._replace(live=key in middle) for key, grant in entry.grants.items()}
    return entry._replace(grants=grants)


def _undone(
    entry: LedgerAccount, middle: Mapping[str, LedgerGrant], known: LedgerAccount, now: int
) -> LedgerAccount:
    groups = tuple(sorted(rights.groups_of(middle)))
    closed_at = None if middle else known.closed_at or now
    return _proven(entry._replace(groups=groups, closed_at=closed_at), middle)


def _retired(want: WantedAccount, known: LedgerAccount, account: AccountFacts, now: int) -> Retired:
    home = account.home if want.home_on_removal == "keep" else ""
    return Retired(known.uid, want.name, known.comment, now, home)


# --- what is told -------------------------------------------------------------------------------------------
def _with_changes(
    account: AccountPlan, live: Mapping[str, LedgerGrant] | None = None, facts: AccountFacts | None = None
) -> AccountPlan:
    """The plan with its changes as (what, old, new), taken from the same values that the steps come from."""
    before = live or {}
    pairs = [
        ("account", account.state_before, account.state),
        ("grants", " ".join(sorted(before)), " ".join(sorted(account.end))),
        ("groups", _words(rights.groups_of(before)), _words(rights.groups_of(account.end))),
        ("sudo", _rules(before), _rules(account.end)),
        ("until", _until(before), _until(account.end)),
    ]
    changes = [(what, old, new) for what, old, new in pairs if old != new]
    steps = (*account.close, *account.open)
    if not changes and steps:
        changes.append(("repaired", "", " ".join(step.name for step in steps)))
    return account._replace(changes=(*account.changes, *changes))


def _words(found: frozenset[str]) -> str:
    return " ".join(sorted(found))


def _rules(grants: Mapping[str, LedgerGrant]) -> str:
    rules = sorted(
        f"({rule.run_as}) {rule.commands if isinstance(rule.commands, str) else ', '.join(rule.commands)}"
        for rule, _end in rights.sudo_of(grants)
    )
    text = "; ".join(rules)
    return text if len(text) <= 200 else text[:197] + "..."


def _until(grants: Mapping[str, LedgerGrant]) -> str:
    return str(max((grant.not_after for grant in grants.values()), default=""))
