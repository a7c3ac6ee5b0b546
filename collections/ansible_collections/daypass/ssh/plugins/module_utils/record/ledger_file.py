# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger's bytes and its file. `parse` and `serialise` are pure.

A ledger that can't be read whole is corrupt, and no part of it is trusted then: names of it go into paths,
uids into signals.
"""

from __future__ import annotations

from ..contract import constraints, fields, json_text, names, sudo_rules
from ..contract.constraints import Constraints
from ..contract.document import SudoRule
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from . import unrecorded
from .ledger import Joined, Ledger, LedgerAccount, LedgerGrant, Retired, Tombstone

if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    from ..effects.system import System

    Rendered = Dict[str, Tuple[LedgerAccount, str]]

# What a run was about to do with an account when it ended; "" = nothing, the account is as the ledger says.
PENDING = ("", "create", "open", "close", "remove")
MOMENT_MAX = 1 << 35  # year 3058; documents end with 2999


def serialise(ledger: Ledger, rendered: Rendered | None = None) -> bytes:
    """The ledger as the bytes of its file.

    Args:
        rendered: What this gave of each account the last time, kept by whoever writes more than once.
    """
    mapping = ledger._asdict()
    del mapping["accounts"]  # first by its name, and by far the longest
    mapping["version"] = names.LEDGER_VERSION
    mapping["tombstones"] = {grant_id: list(stone) for grant_id, stone in ledger.tombstones.items()}
    mapping["retired"] = [entry._asdict() for entry in ledger.retired]
    for name in ("made_groups", "retired_gids"):  # most hosts have none, and a ledger as before
        if not mapping[name]:
            del mapping[name]
    accounts = _accounts_out(ledger.accounts, {} if rendered is None else rendered)
    return b'{"accounts":{%s},%s\n' % (accounts, json_text.dumps(mapping)[1:].encode("ascii"))


def _accounts_out(accounts: dict[str, LedgerAccount], rendered: Rendered) -> bytes:
    for login, account in accounts.items():
        if login not in rendered or rendered[login][0] is not account:
            rendered[login] = account, json_text.dumps({login: _account_out(account)})[1:-1]
    return ",".join(rendered[login][1] for login in sorted(accounts)).encode("ascii")


def _account_out(account: LedgerAccount) -> dict[str, Any]:
    mapping = account._asdict()
    mapping["grants"] = {
        grant_id: dict(
            grant._asdict(),
            sudo=[list(rule) for rule in grant.sudo],
            constraints=grant.constraints._asdict(),
        )
        for grant_id, grant in account.grants.items()
    }
    mapping["joined"] = None if account.joined is None else account.joined._asdict()
    return mapping


def parse(content: bytes) -> Ledger:
    """Read a ledger's bytes.

    Raises:
        Refusal: `ledger_corrupt` or `ledger_newer` (written by a later version of this code).
    """
    try:
        mapping = json_text.loads(content.decode("utf-8"))
        version = mapping.pop("version")
        if fields.is_whole(version) and version > names.LEDGER_VERSION:
            raise Refusal(
                "ledger_newer",
                f"the ledger has version {version}, this code reads {names.LEDGER_VERSION}",
                "update Daypass on the controller",
            )
        return check_ledger(_ledger_in(mapping))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refusal(
            "ledger_corrupt",
            f"{names.LEDGER_PATH} can't be read: {type(error).__name__} {str(error)[:120]}",
            "onboard the host again with take-over; accounts that are closed stay closed",
        ) from error


def _ledger_in(mapping: dict[str, Any]) -> Ledger:
    return Ledger(
        **{
            **mapping,
            "sshd_version": tuple(mapping["sshd_version"]),
            "ca_keys": tuple(mapping["ca_keys"]),
            "accounts": {login: _account_in(value) for login, value in mapping["accounts"].items()},
            "tombstones": {key: Tombstone(*value) for key, value in mapping["tombstones"].items()},
            "retired": tuple(Retired(**value) for value in mapping["retired"]),
            "found": tuple(mapping.get("found", names.SHARED_FOLDERS)),
            "made_groups": dict(mapping.get("made_groups", {})),
            "retired_gids": tuple(mapping.get("retired_gids", ())),
        }
    )


def _account_in(value: dict[str, Any]) -> LedgerAccount:
    grants = {grant_id: _grant_in(grant) for grant_id, grant in value["grants"].items()}
    joined = value.get("joined")
    return LedgerAccount(
        **dict(
            value,
            grants=grants,
            groups=tuple(value["groups"]),
            joined=None if joined is None else Joined(**joined),
        )
    )


def _grant_in(value: dict[str, Any]) -> LedgerGrant:
    rules = tuple(
        SudoRule(run_as, commands if isinstance(commands, str) else tuple(commands))
        for run_as, commands in value["sudo"]
    )
    return LedgerGrant(
        **dict(
            value,
            principals=tuple(value["principals"]),
            groups=tuple(value["groups"]),
            sudo=rules,
            constraints=_constraints_in(value.get("constraints", {})),
        )
    )


def _constraints_in(value: dict[str, Any]) -> Constraints:
    """A grant from before there were any has none: a terminal, bound to nothing."""
    found = Constraints(**value)
    return found._replace(extensions=tuple(found.extensions))


def read_ledger(system: System, path: str = names.LEDGER_PATH) -> Ledger | None:
    """The host's ledger, None where the host was never onboarded.

    Raises:
        Refusal: As `parse`; a file that is there and can't be read is corrupt too.
    """
    try:
        content = system.read(path)
    except OSError as error:
        raise Refusal("ledger_corrupt", f"{path} can't be read: {error.strerror}") from error
    return None if content is None else parse(content)


def write_ledger(system: System, ledger: Ledger, rendered: Rendered | None = None) -> None:
    """Replace the host's ledger as one step (0600, root), its copy first: it must never be behind.

    Args:
        rendered: See `serialise`.

    Raises:
        OSError: One of the two couldn't be written; the ledger is as it was.
    """
    content = serialise(ledger, rendered)
    system.write(names.LEDGER_COPY_PATH, content, 0o600)
    system.write(names.LEDGER_PATH, content, 0o600)
    unrecorded.make_room(system)


def remove_ledger(system: System) -> None:
    """Take the ledger away with its copy: a copy alone would be taken for a ledger that got lost."""
    system.remove(names.LEDGER_COPY_PATH)
    system.remove(names.LEDGER_PATH)
    system.remove(names.UNRECORDED_PATH)


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
    for name, gid in ledger.made_groups.items():
        if not (names.LOGIN.fullmatch(name) and fields.is_whole(gid) and names.is_our_number(gid)):
            raise ValueError(f"group {names.shown(name)}")
    whole += ledger.retired_gids
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
    right = all(names.grant_of(text) == key for text in grant.principals)
    right = right and constraints.checked(grant.constraints)
    if not right or not all(names.GROUP.fullmatch(group) for group in grant.groups):
        raise ValueError(f"grant {names.shown(key)}")
    try:
        for rule in grant.sudo:
            sudo_rules.check_rule(rule.run_as, rule.commands)
    except Refusal as refusal:
        raise ValueError(f"grant {names.shown(key)}: {refusal.sentence}") from refusal
