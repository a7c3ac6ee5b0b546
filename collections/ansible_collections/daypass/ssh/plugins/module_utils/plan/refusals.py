# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why an account may not open, judged from the facts before anything is changed. Pure.

"Old rights" are rights that wait for a name: the group file may list a login before it exists, a crontab or a
home may lie there. They are never taken over and never cleared away, only reported.
"""

from __future__ import annotations

from ..contract import names
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.host import AccountFacts, Facts
from ..record.ledger import Ledger, LedgerGrant
from ..record.merge import RefusedGrant, WantedAccount

if TYPE_CHECKING:
    from typing import Mapping


class Reason(NamedTuple):
    """Why not: code, sentence, hint."""

    code: str
    sentence: str
    hint: str = ""


def why_not_create(want: WantedAccount, facts: Facts, ledger: Ledger) -> Reason | None:
    """Why this account can't be created; None when it can."""
    return (
        _reserved(want, ledger)
        or _problem(facts)
        or _exists(want, facts)
        or _number_taken(want, facts, ledger)
        or _mentioned(want, facts)
        or _waiting(want, facts, ledger)
        or _shell(want, facts)
    )


def why_not_open(want: WantedAccount, account: AccountFacts, facts: Facts, ledger: Ledger) -> Reason | None:
    """Why our own closed account can't be opened again; None when it can."""
    extra = [group for group in account.groups if group != names.GROUP_CREATED]
    if extra:
        return _old_rights(want, f"it is in the group {', '.join(extra)}, not through us")
    if account.jobs:
        return _old_rights(want, f"{account.jobs[0]} waits for it")
    return (
        _reserved(want, ledger)
        or _problem(facts)
        or why_not_grow(want, account, facts)
        or _mentioned(want, facts)
        or _shell(want, facts)
    )


def why_not_grow(want: WantedAccount, account: AccountFacts, facts: Facts) -> Reason | None:
    """Why an account of ours gets nothing more, whatever is asked for."""
    entry = account.passwd
    if entry is not None and entry.comment != want.comment:
        sentence = f"the comment of {want.name} is {entry.comment!r}, ours was {want.comment!r}"
        return Reason("account_exists", sentence, "find out who changed the account")
    if entry is not None and entry.gid != want.uid:
        return _old_rights(want, f"its primary group is {entry.gid}")
    if account.subordinate:
        return Reason("uid_subordinate", f"{want.name} has a range in /etc/subuid or /etc/subgid")
    return _problem(facts)


def refused_grants(
    grants: Mapping[str, LedgerGrant], want: WantedAccount, facts: Facts, ledger: Ledger
) -> list[RefusedGrant]:
    """The grants among these that this host can't give."""
    found = []
    for key in sorted(grants):
        reasons = (
            _group(name, (key, name) in want.create_groups, facts, ledger) for name in grants[key].groups
        )
        reason = next(filter(None, reasons), None)
        if reason is None and grants[key].sudo:
            reason = _sudo(facts)
        if reason is not None:
            found.append(RefusedGrant(key, *reason))
    return found


def _sudo(facts: Facts) -> Reason | None:
    if not facts.sudo:
        return Reason(
            "sudo_missing",
            "the grant has sudo rules and sudo isn't installed on this host",
            "install sudo there, or give a grant without sudo rules",
        )
    if not facts.sudoers_included:
        return Reason(
            "sudoers_not_included",
            "the host's sudoers don't include /etc/sudoers.d, so no rule there would count",
            "add this line to /etc/sudoers: @includedir /etc/sudoers.d",
        )
    return None


def _group(name: str, may_make: bool, facts: Facts, ledger: Ledger) -> Reason | None:
    group = facts.groups.get(name)
    if group is None and may_make:
        return why_not_make(name, facts, ledger)
    if group is None:
        if facts.known is not None and name in facts.known.groups:
            return _remote(name)
        return Reason("group_missing", f"the group {name} doesn't exist", f"groupadd {name}")
    if group.gid == 0:
        return Reason("name_reserved", f"the group {name} has gid 0, it is root's")
    ours = (ledger.made_groups.get(name), *ledger.retired_gids)  # one that we made may have stayed
    if names.is_our_number(group.gid) and group.gid not in ours:
        return Reason("group_private", f"the group {name} is the private group of an account")
    return None


def why_not_make(name: str, facts: Facts, ledger: Ledger) -> Reason | None:
    """Why a group that isn't there can't be made for a grant; None when it can."""
    if facts.known is None:
        return _problem(facts) or Reason("nss_unavailable", f"nobody can say whether there is a group {name}")
    if name in facts.known.groups:
        return _remote(name)
    if name in facts.mentioned:
        return Reason(
            "old_rights",
            f"the group {name} isn't made: sudoers names it already",
            f"take it out there; or, where its rights are meant: groupadd {name}",
        )
    if name in facts.accounts or any(name in holders for holders in facts.uid_names.values()):
        return Reason("name_reserved", f"the group {name} isn't made: an account has that name")
    if name not in ledger.made_groups and not facts.free_gids:
        return Reason("gid_taken", f"no gid from {names.UID_MIN} to {names.UID_MAX} is free for {name}")
    return None


def _remote(name: str) -> Reason:
    sentence = f"the group {name} comes from a directory; only groups of /etc/group are given"
    return Reason("group_remote", sentence)


def _reserved(want: WantedAccount, ledger: Ledger) -> Reason | None:
    if want.name == ledger.connector:
        return Reason("name_reserved", f"{want.name} is the connector user and never managed")
    return None


def _problem(facts: Facts) -> Reason | None:
    refusal = facts.problem
    return None if refusal is None else Reason(refusal.code, refusal.sentence, refusal.hint)


def _exists(want: WantedAccount, facts: Facts) -> Reason | None:
    account = facts.accounts[want.name]
    if account.passwd is not None:
        found = f"uid {account.passwd.uid}"
    elif facts.known is not None and want.name in facts.known.users:
        found = f"uid {facts.known.users[want.name]}, from a directory"
    elif account.private is not None:
        return Reason("account_exists", f"a group {want.name} exists and isn't ours")
    else:
        return None
    return Reason(
        "account_exists",
        f"an account {want.name} exists ({found}) and isn't ours; it was not touched",
        "choose another login, or let the host's administrator remove it",
    )


def _number_taken(want: WantedAccount, facts: Facts, ledger: Ledger) -> Reason | None:
    holders = [*facts.uid_names.get(want.uid, ()), *facts.gid_names.get(want.uid, ())]
    if facts.known is not None:
        holders += [one.get(want.uid, "") for one in (facts.known.uids, facts.known.gids)]
    others = [name for name in holders if name and name != want.name]
    if others:
        return Reason("uid_taken", f"the number {want.uid} belongs to {others[0]}")
    for owner, first, last in facts.subordinate:
        if first <= want.uid <= last:
            return Reason(
                "uid_subordinate", f"the uid {want.uid} lies in the range {first}-{last} of {owner}"
            )
    if want.uid in (*ledger.made_groups.values(), *ledger.retired_gids):
        return Reason("uid_retired", f"the number {want.uid} is, or was, a group's that Daypass made")
    for entry in ledger.retired:
        if entry.uid == want.uid and (entry.login, entry.comment) != (want.name, want.comment):
            return Reason("uid_retired", f"the uid {want.uid} was {entry.login}'s ({entry.comment})")
    return None


def _mentioned(want: WantedAccount, facts: Facts) -> Reason | None:
    if want.name in facts.mentioned:
        return Reason(
            "name_in_sudoers",
            f"sudoers names {want.name} as a user or group",
            "take it out there, or choose another login",
        )
    return None


def _waiting(want: WantedAccount, facts: Facts, ledger: Ledger) -> Reason | None:
    account = facts.accounts[want.name]
    if account.groups:
        return _old_rights(want, f"the group file lists it in {', '.join(account.groups)} already")
    if account.shadow is not None:
        return _old_rights(want, "/etc/shadow has a line for it already")
    if account.subordinate:
        return _old_rights(want, "/etc/subuid or /etc/subgid has a range for it already")
    if account.jobs:
        return _old_rights(want, f"{account.jobs[0]} waits for it")
    before = any(
        (entry.uid, entry.login, entry.comment, entry.home)
        == (want.uid, want.name, want.comment, account.home)
        for entry in ledger.retired
    )
    own_home = account.home_owner == want.uid and before
    if account.home_owner is not None and not own_home:
        return _old_rights(want, f"{account.home} is there already")
    if account.mail and not own_home:
        return _old_rights(want, f"{account.mail[0]} is there already")
    return None


def _shell(want: WantedAccount, facts: Facts) -> Reason | None:
    if want.shell not in facts.shells:
        return Reason(
            "shell_not_listed", f"the shell {want.shell} isn't in /etc/shells", "add it there, or use another"
        )
    return None


def _old_rights(want: WantedAccount, what: str) -> Reason:
    return Reason("old_rights", f"{want.name} isn't opened: {what}", "the host's administrator clears that")
