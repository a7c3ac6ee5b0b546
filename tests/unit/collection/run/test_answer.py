"""The answer: what a host says of a run, small enough to arrive."""

from __future__ import annotations

import json

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply import applier
from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from ansible_collections.daypass.ssh.plugins.module_utils.facts import host, nss
from ansible_collections.daypass.ssh.plugins.module_utils.facts.account_files import Group
from ansible_collections.daypass.ssh.plugins.module_utils.plan import planning
from ansible_collections.daypass.ssh.plugins.module_utils.record import merge
from ansible_collections.daypass.ssh.plugins.module_utils.run import answer
from tests.onboarded import empty_ledger, full_document

NOW = 1_795_000_000
COUNT = 500


def wish() -> document.Document:
    """500 people with a group and two sudo commands each."""
    rules = ({"run_as": "root", "commands": ["/usr/bin/systemctl restart nginx", "/usr/bin/journalctl"]},)
    accounts = []
    for number in range(COUNT):
        grant_id = f"01JDAAAAAAAAAAAAAAAAAA{number:04}"
        grant = {
            "id": grant_id,
            "principals": [f"daypass-{grant_id}-1"],
            "groups": ["developers"],
            "sudo": list(rules),
            "not_after": "2027-01-22T11:00:00Z",
        }
        name = f"person-with-a-name-{number:03}"
        accounts.append(
            {"name": name, "uid": 70001 + number, "comment": f"{name}@example.com", "shell": "/bin/sh"}
            | {"grants": [grant]}
        )
    return document.parse(full_document(1, accounts))


@pytest.mark.parametrize("failing", [False, True])
def test_answer_of_500_accounts_stays_below_200_kb(failing: bool):
    """ansible-runner empties a result that is too long, and nobody would ever know what became of them."""
    wanted, empty = wish(), empty_ledger()
    target = merge.merge(empty, wanted, NOW)
    nothing = host.AccountFacts(None, None, (), None, None, (), (), "/home/x", None, subordinate=False)
    found = host.Facts(
        dict.fromkeys(target.accounts, nothing),
        {"developers": Group("developers", 900, ())},
        {},
        {},
        (),
        nss.Known({}, {}, {}, {}),
        None,
        frozenset(["/bin/sh"]),
        None,
        sudo=True,
        mentioned=frozenset(),
    )
    planned = planning.plan(empty, target, found, NOW)
    applied = None
    if failing:
        failures = {login: [applier.Failure("command_failed", "x" * 400)] for login in target.accounts}
        warnings = {login: ["w" * 400] * 8 for login in target.accounts}
        applied = applier.Applied(failures, warnings, frozenset(target.accounts), frozenset(), changed=True)
    run = answer.Run(wanted, NOW, 0.0, None, check=not failing)
    result = answer.build(run, target, planned, applied, empty)
    assert len(json.dumps(result["answer"])) < 200_000
    assert len(json.dumps(result)) < 350_000
    assert {one["state"] for one in result["answer"]["accounts"].values()} == {
        "failed" if failing else "active"
    }
    assert all(one["code"] for one in result["answer"]["accounts"].values()) is failing
