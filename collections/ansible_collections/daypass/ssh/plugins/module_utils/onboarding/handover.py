# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose host this is: the ids in the ledger, compared with those that onboarding comes with. Pure."""

from __future__ import annotations

from ..contract.names import SHARED_FOLDERS, Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..record.ledger import new_ledger

if TYPE_CHECKING:
    from ..record.ledger import Ledger


class Identity(NamedTuple):
    """What onboarding writes into the ledger.

    Attributes:
        host_id: 32 hex digits, None when playbooks work without an orchestrator; so is orchestrator_id.
        machine_id: /etc/machine-id, None where there is none.
        sshd_version: (major, minor) of the oldest listening sshd.
        connector: The SSH user that Ansible logs in with.
    """

    host_id: str | None
    orchestrator_id: str | None
    machine_id: str | None
    sshd_version: tuple[int, int]
    connector: str


def ledger_for(
    before: Ledger | None,
    identity: Identity,
    *,
    take_over: bool,
    found: tuple[str, ...] = SHARED_FOLDERS,
) -> Ledger:
    """The ledger as it has to be after onboarding.

    Args:
        before: None where the host was never onboarded.
        take_over: Accept a ledger of another orchestrator, another host id or another machine (a clone). Its
            accounts stay known; its sequence begins anew, since the new owner counts for itself.
        found: What a host without a ledger has of what may be there without us (see `footprint`).

    Raises:
        Refusal: `machine_id_mismatch`, `orchestrator_mismatch`, `host_id_mismatch` or `connector_managed`.
    """
    if before is None:
        return new_ledger(
            identity.host_id,
            identity.machine_id,
            identity.orchestrator_id,
            identity.sshd_version,
            identity.connector,
        )._replace(found=found)
    if identity.connector in before.accounts:
        raise Refusal(
            "connector_managed",
            f"{identity.connector} is an account that Daypass manages here, so it can't be the connector",
        )
    mismatch = _mismatch(before, identity)
    if mismatch is not None and not take_over:
        raise mismatch
    after = before._replace(sshd_version=tuple(identity.sshd_version), connector=identity.connector)
    if mismatch is None:
        return after
    return after._replace(
        host_id=identity.host_id,
        orchestrator_id=identity.orchestrator_id,
        machine_id=identity.machine_id,
        sequence=0,
        digest=None,
    )


def check_known_machine(known: str | None, found: str | None, *, take_over: bool) -> None:
    """Refuse a machine that has come under the name of another: its answers would stand for the other's.

    Args:
        known: The machine-id that the orchestrator has on record for this server, None for none.
        found: The host's own.

    Raises:
        Refusal: `machine_replaced`.
    """
    if known is not None and known != found and not take_over:
        raise Refusal(
            "machine_replaced",
            f"this server was machine {known} until now, and is {found or 'one without a machine-id'}",
            "end the grants on it first; if it was rebuilt or replaced, onboard it with take-over",
        )


def _mismatch(before: Ledger, identity: Identity) -> Refusal | None:
    if before.machine_id is not None and before.machine_id != identity.machine_id:
        return Refusal(
            "machine_id_mismatch",
            f"a clone: the ledger was made on machine {before.machine_id}, this is {identity.machine_id}",
            "remove /var/lib/daypass and the accounts that came with the copy, or onboard it with take-over",
        )
    if before.orchestrator_id != identity.orchestrator_id:
        return Refusal(
            "orchestrator_mismatch",
            f"this host belongs to orchestrator {before.orchestrator_id}, not to {identity.orchestrator_id}",
            "off-board it there, or onboard it with take-over",
        )
    if before.host_id != identity.host_id:
        return Refusal(
            "host_id_mismatch",
            f"this host is known as {before.host_id}, not as {identity.host_id}",
            "look for two entries of the server list that lead to the same host",
        )
    return None
