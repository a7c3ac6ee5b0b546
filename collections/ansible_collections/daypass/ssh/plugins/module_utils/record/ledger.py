# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: the record, on the host, of what Daypass created and changed there.

It is made by onboarding alone. `parse` and `serialise` are pure; a ledger that can't be read whole is
corrupt, and no part of it is trusted then.
"""

from __future__ import annotations

import json

from ..contract import fields, names
from ..contract.constraints import Constraints
from ..contract.document import SudoRule
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from . import unrecorded
from .checks import check_ledger

if TYPE_CHECKING:
    from typing import Any, Callable

    from ..effects.system import System

CAUSE_ENDED = "ended"
CAUSE_MEMBERSHIP = "membership_lost"  # such a grant never opens again, whatever the sequence


class LedgerGrant(NamedTuple):
    """A grant as it was wanted last; `live` once its key lines are in place."""

    principals: tuple[str, ...]
    groups: tuple[str, ...]
    sudo: tuple[SudoRule, ...]
    warn_before: int
    not_after: int
    live: bool
    constraints: Constraints = Constraints()


class Joined(NamedTuple):
    """What is kept of an account from before that was joined.

    Attributes:
        boot: Boot id of the host when its present access began, "" while it has none.
        since: Whole seconds of that boot when it began: a session from before is its owner's.
        keys: Digest of the owner's own authorized_keys then (`own_keys.digest`).
        without_log: `refuse` or `end_all`, see `document`.
    """

    boot: str
    since: int
    keys: str
    without_log: str


class LedgerAccount(NamedTuple):
    """An account that we created, or are about to; or one from before that was joined.

    Attributes:
        groups: Supplementary groups that we gave, or may have given when a run was cut off; of a joined
            account only those that it hadn't before.
        closed_at: When its last grant ended, None while one is wanted.
    """

    uid: int
    comment: str
    shell: str
    home: str
    home_on_removal: str
    user_cleanup_days: int | None
    pending: str
    grants: dict[str, LedgerGrant]
    groups: tuple[str, ...]
    closed_at: int | None
    joined: Joined | None = None


class Tombstone(NamedTuple):
    """A grant that ended: it can't come back before `until`, its original end."""

    until: int
    cause: str


class Retired(NamedTuple):
    """An account that is gone. Its uid is never somebody else's; `home` is the path that was left, or ""."""

    uid: int
    login: str
    comment: str
    at: int
    home: str


class Ledger(NamedTuple):
    """The whole record.

    Attributes:
        machine_id: /etc/machine-id at onboarding, None where there was none.
        sequence: Of the last full document; 0 = none came yet.
        last_seen: Latest time that a run saw; time never goes back behind it.
        sshd_version: (major, minor) of the sshd, (0, 0) where it didn't say.
        connector: The login that Ansible comes in with; never managed.
        rebuilt: Why this one was rebuilt (see `rebuilding`), "" once an answer has told it.
        found: Folders and groups that were there before onboarding (see `onboarding.footprint`).
    """

    host_id: str | None
    machine_id: str | None
    orchestrator_id: str | None
    sequence: int
    digest: str | None
    last_seen: int
    sshd_version: tuple[int, int]
    connector: str
    ca_keys: tuple[str, ...]
    accounts: dict[str, LedgerAccount]
    tombstones: dict[str, Tombstone]
    retired: tuple[Retired, ...]
    rebuilt: str = ""
    found: tuple[str, ...] = names.SHARED_FOLDERS  # where nobody knows: leave what may be another's


def new_ledger(
    host_id: str | None,
    machine_id: str | None,
    orchestrator_id: str | None,
    sshd_version: tuple[int, int],
    connector: str,
) -> Ledger:
    """The empty ledger of a host that is being onboarded."""
    return Ledger(
        host_id, machine_id, orchestrator_id, 0, None, 0, tuple(sshd_version), connector, (), {}, {}, ()
    )


def serialise(ledger: Ledger) -> bytes:
    """The ledger as the bytes of its file."""
    mapping = ledger._asdict()
    mapping["version"] = names.LEDGER_VERSION
    mapping["accounts"] = {login: _account_out(account) for login, account in ledger.accounts.items()}
    mapping["tombstones"] = {grant_id: list(stone) for grant_id, stone in ledger.tombstones.items()}
    mapping["retired"] = [entry._asdict() for entry in ledger.retired]
    return json.dumps(mapping, sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"


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
        mapping = json.loads(content.decode("utf-8"))
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


def write_ledger(system: System, ledger: Ledger) -> None:
    """Replace the host's ledger as one step (0600, root), its copy first: it must never be behind.

    Raises:
        OSError: One of the two couldn't be written; the ledger is as it was.
    """
    content = serialise(ledger)
    system.write(names.LEDGER_COPY_PATH, content, 0o600)
    system.write(names.LEDGER_PATH, content, 0o600)
    unrecorded.make_room(system)


def remove_ledger(system: System) -> None:
    """Take the ledger away with its copy: a copy alone would be taken for a ledger that got lost."""
    system.remove(names.LEDGER_COPY_PATH)
    system.remove(names.LEDGER_PATH)
    system.remove(names.UNRECORDED_PATH)


def with_retired(retired: tuple[Retired, ...], entry: Retired) -> tuple[Retired, ...]:
    """The retired accounts and one more: one entry a person and uid, the newest (canaries come and go)."""
    identity = (entry.uid, entry.login, entry.comment)
    return (*(one for one in retired if (one.uid, one.login, one.comment) != identity), entry)


def tombstones_at(ledger: Ledger, now: int) -> dict[str, Tombstone]:
    """The tombstones that still count."""
    return {key: stone for key, stone in ledger.tombstones.items() if stone.until > now}


def changed_accounts(ledger: Ledger, change: Callable[[str, LedgerAccount], LedgerAccount]) -> Ledger:
    """The ledger with each account replaced by what `change` makes of it."""
    accounts = {login: change(login, account) for login, account in ledger.accounts.items()}
    return ledger._replace(accounts=accounts)
