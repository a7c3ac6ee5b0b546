# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a ledger that was read can be trusted: names go into paths, uids into signals. Pure."""

from __future__ import annotations

from ..contract import constraints, fields, names, sudo_rules
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from .ledger import Ledger, LedgerAccount, LedgerGrant

# What a run was about to do with an account when it ended; "" = nothing, the account is as the ledger says.
PENDING = ("", "create", "open", "close", "remove")
MOMENT_MAX = 1 << 35  # year 3058; documents end with 2999


def check_ledger(ledger: Ledger) -> Ledger:
    """A ledger whose parts would lead us astray is corrupt; any other is given back.

    Raises:
        ValueError, TypeError: What is wrong.
    """
    ids = (ledger.host_id, ledger.machine_id, ledger.orchestrator_id, ledger.digest)
    _check_texts(*(one for one in ids if one is not None), ledger.connector, ledger.rebuilt, *ledger.ca_keys)
    whole = [ledger.sequence, ledger.last_seen, *ledger.sshd_version]
    for login, account in ledger.accounts.items():
        right = names.LOGIN.fullmatch(login) and _is_right_uid(account)
        if not right or account.pending not in PENDING or not account.home.startswith("/"):
            raise ValueError(f"account {names.shown(login)}")
        _check_texts(account.comment, account.shell, account.home_on_removal, *account.groups)
        whole += [account.uid, account.closed_at or 0, *([account.joined.since] if account.joined else [])]
        for key, grant in account.grants.items():
            _check_grant(key, grant)
            whole.append(grant.not_after)
            if grant.not_after > MOMENT_MAX:
                raise ValueError(f"grant {names.shown(key)} ends too late")
    whole += [stone.until for stone in ledger.tombstones.values()]
    whole += [entry.uid for entry in ledger.retired]
    if not all(fields.is_whole(number) and number >= 0 for number in whole):
        raise ValueError("a number is none")
    return ledger


def _check_texts(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a text is none")


def _is_right_uid(account: LedgerAccount) -> bool:
    if account.joined is not None:
        return names.may_be_joined(account.uid) and all(map(names.GROUP.fullmatch, account.groups))
    return names.UID_MIN <= account.uid <= names.UID_MAX


def _check_grant(key: str, grant: LedgerGrant) -> None:
    """What stops the rendering of one person's files would stop everybody's closing."""
    matches = [names.PRINCIPAL.fullmatch(text) for text in grant.principals]
    right = all(match is not None and match.group(1) == key for match in matches)
    right = right and constraints.checked(grant.constraints)
    if not right or not all(names.GROUP.fullmatch(group) for group in grant.groups):
        raise ValueError(f"grant {names.shown(key)}")
    try:
        for rule in grant.sudo:
            sudo_rules.check_rule(rule.run_as, rule.commands)
    except Refusal as refusal:
        raise ValueError(f"grant {names.shown(key)}: {refusal.sentence}") from refusal
