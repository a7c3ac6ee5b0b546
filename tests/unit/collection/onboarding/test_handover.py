"""Whose host it is."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding.handover import (
    Identity,
    check_known_machine,
    ledger_for,
)
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import Ledger, LedgerAccount, Retired

OURS = Identity("a" * 32, "b" * 32, "c" * 32, (9, 2), "apono")
OTHER = "d" * 32


def known(**changed: object) -> Ledger:
    """The ledger of a host that is ours, with some fields changed."""
    ledger = ledger_for(None, OURS, take_over=False)
    retired = (Retired(70000, "dp-canary", "daypass canary", 5, ""),)
    return ledger._replace(sequence=7, digest="e" * 64, retired=retired)._replace(**changed)


def test_new_host_gets_the_given_ids():
    """Nothing is known of it before."""
    ledger = ledger_for(None, OURS, take_over=False)
    assert (ledger.host_id, ledger.orchestrator_id, ledger.machine_id) == ("a" * 32, "b" * 32, "c" * 32)
    assert (ledger.sequence, ledger.accounts, ledger.connector) == (0, {}, "apono")


def test_host_that_is_ours_keeps_its_ledger():
    """Onboarding twice forgets nothing."""
    assert ledger_for(known(), OURS, take_over=False) == known()


def test_upgraded_sshd_and_new_connector_are_noted():
    """Key lines depend on the version; the connector is never managed."""
    newer = OURS._replace(sshd_version=(10, 0), connector="deploy")
    ledger = ledger_for(known(), newer, take_over=False)
    assert (ledger.sshd_version, ledger.connector, ledger.sequence) == ((10, 0), "deploy", 7)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"orchestrator_id": OTHER}, "orchestrator_mismatch"),
        ({"orchestrator_id": None, "host_id": None}, "orchestrator_mismatch"),
        ({"host_id": OTHER}, "host_id_mismatch"),
        ({"machine_id": OTHER}, "machine_id_mismatch"),
    ],
)
def test_host_of_somebody_else_is_refused(changed: dict[str, object], code: str):
    """A second orchestrator, a second entry for the same host, a clone: all are told, none is taken."""
    with pytest.raises(Refusal) as refused:
        ledger_for(known(**changed), OURS, take_over=False)
    assert refused.value.code == code


@pytest.mark.parametrize("found", [OTHER, None])
def test_another_machine_under_a_known_name_is_refused(found: str | None):
    """Its answers would stand for the old machine's, where accounts and sessions live on."""
    with pytest.raises(Refusal) as refused:
        check_known_machine("c" * 32, found, take_over=False)
    assert refused.value.code == "machine_replaced"
    check_known_machine("c" * 32, found, take_over=True)


def test_a_machine_that_nobody_knew_is_welcome():
    """The first onboarding learns the machine-id."""
    check_known_machine(None, OTHER, take_over=False)
    check_known_machine("c" * 32, "c" * 32, take_over=False)


@pytest.mark.parametrize("field", ["orchestrator_id", "host_id", "machine_id"])
def test_take_over_keeps_what_is_known_and_counts_anew(field: str):
    """The new owner's documents begin at its own sequence; retired uids stay retired."""
    ledger = ledger_for(known(**{field: OTHER}), OURS, take_over=True)
    assert (ledger.host_id, ledger.orchestrator_id, ledger.machine_id) == ("a" * 32, "b" * 32, "c" * 32)
    assert (ledger.sequence, ledger.digest, len(ledger.retired)) == (0, None, 1)


def test_take_over_of_our_own_host_changes_nothing():
    """The option alone must not reset the sequence: late documents would count again."""
    assert ledger_for(known(), OURS, take_over=True) == known()


def test_host_without_machine_id_is_no_clone():
    """Where there was none at onboarding, there is nothing to compare."""
    assert ledger_for(known(machine_id=None), OURS, take_over=False).machine_id is None


def test_managed_account_cant_be_the_connector():
    """Its holder would come in with the connector's rights, and the block would leave him alone."""
    account = LedgerAccount(70001, "c", "/bin/sh", "/home/a", "keep", None, "", {}, (), None)
    with pytest.raises(Refusal) as refused:
        ledger_for(known(accounts={"apono": account}), OURS, take_over=True)
    assert refused.value.code == "connector_managed"
