"""What a real host does with documents: not meant for it, not allowed, merged, for many people."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.integration.accounts.managed_host import FOLDER, ManagedHost, absent, account, grant, make_person
from tests.integration.accounts.test_refusals import FILES

ANSWER_BYTES = 200_000  # of 500 accounts: a runner carries that


def changed(document: str, **changes: Any) -> str:
    """The same document with other fields."""
    mapping = {**json.loads(base64.b64decode(document)), **changes}
    return base64.b64encode(json.dumps(mapping, sort_keys=True, separators=(",", ":")).encode()).decode()


def with_sudo(*commands: str, run_as: str = "root") -> list[dict[str, Any]]:
    return [grant("G1", sudo=[{"run_as": run_as, "commands": list(commands)}])]


def test_document_that_isnt_this_hosts_next_one_is_refused(host: ManagedHost):
    """Another host's, another orchestrator's, one without a number, the same number with another content."""
    first = host.document(account("alice", 70007, grant("G1")))
    host.drive({"document": first})
    before = host.sh(FILES)
    following = host.document(account("alice", 70007), account("bob", 70008, grant("G2")))
    cases = {
        "host_id_mismatch": changed(following, host_id="c" * 32),
        "orchestrator_mismatch": changed(following, orchestrator_id="c" * 32),
        "sequence_missing": changed(following, sequence=None),
        "sequence_conflict": changed(following, sequence=1),
    }
    for code, document in cases.items():
        answer = host.drive({"document": document})["answer"]
        assert (answer["answer"]["status"], answer["answer"]["code"]) == ("refused", code)
        assert (answer["failed"], answer["changed"]) == (True, False)
    assert host.sh(FILES) == before


WRONG: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("name_invalid", {"name": name}) for name in ("Alice", "alice\n", "7up", "a" * 33, "-rf", "élise")),
    *(("name_reserved", {"name": name}) for name in ("root", "daypass-x", "docker", "sshd")),
    *(("uid_out_of_range", {"uid": uid}) for uid in (0, 999, 69999, 100000)),
    ("document_invalid", {"comment": "a:0:0"}),
    ("document_invalid", {"shell": "bash"}),
    ("document_invalid", {"grants": [{**grant("G1"), "not_before": "2099-01-01T00:00:00Z"}]}),
    ("document_invalid", {"grants": [{**grant("G1"), "principals": ["daypass-G2-1"]}]}),
    ("document_invalid", {"grants": [{**grant("G1"), "principals": ["root"]}]}),
    *(("name_reserved", {"grants": [grant("G1", groups=[name])]}) for name in ("daypass", "root")),
    ("group_invalid", {"grants": [grant("G1", groups=["-G"])]}),
    *(
        ("sudo_rule_invalid", {"grants": with_sudo(command)})
        for command in ("id", "/bin/a\nALL", "/bin/a\\b", "/bin/a #b", "/bin/a:b", "/bin/a *", "/bin/a, ALL")
    ),
    ("sudo_rule_invalid", {"grants": with_sudo("/bin/a", run_as="#0")}),
)


# The answers to many documents, in one go.
ONE_BY_ONE = f"""
import json, sys; sys.path.insert(0, {FOLDER!r})
import driver
told = driver.Told(None, None)
run = lambda document: driver.converge(told, document, now=told.clock())["answer"]
print(json.dumps([run(document) for document in json.load(sys.stdin)]))
"""


def test_what_isnt_allowed_is_refused_as_a_whole_and_never_altered(host: ManagedHost):
    """Names, numbers, principals, groups, commands, a grant that begins later: no part of it is done."""
    host.send()
    before = host.sh(FILES)
    bob, alice = account("bob", 70008, grant("G9")), account("alice", 70007, grant("G1"))
    documents = [host.document(bob, {**alice, **changes}) for _code, changes in WRONG]
    done = host.lab.exec(host.host, ["python3", "-c", ONE_BY_ONE], input=json.dumps(documents))
    answers = json.loads(done.stdout)
    found = [(one["code"], changes) for one, (_code, changes) in zip(answers, WRONG, strict=True)]
    assert found == list(WRONG)
    assert {one["status"] for one in answers} == {"refused"}
    assert host.sh(FILES) == before


def test_account_that_the_document_leaves_out_ends_only_where_it_is_exclusive(host: ManagedHost):
    """Without the word, what isn't listed goes on."""
    host.send(account("alice", 70007, grant("G1")), account("bob", 70008, grant("G2")))
    host.send(account("bob", 70008, grant("G2")), exclusive=False)
    assert [host.is_open(login) for login in ("alice", "bob")] == [True, True]
    host.send(account("bob", 70008, grant("G2")))
    assert [host.is_open(login) for login in ("alice", "bob")] == [False, True]


def test_playbooks_documents_are_merged_and_what_ended_doesnt_come_back(host: ManagedHost):
    """Without an orchestrator: listed grants are added or end by id, others stay, no relaunch opens."""
    host.drive({"prepare": {"host_id": None, "orchestrator_id": None, "forget": []}})

    def play(*grants: Any) -> dict[str, Any]:
        document = host.document(account("alice", 70007, *grants), exclusive=False)
        plain = changed(document, host_id=None, orchestrator_id=None, sequence=None)
        found: dict[str, Any] = host.drive({"document": plain})["answer"]["answer"]["accounts"]["alice"]
        return found

    first = (grant("G1", groups=["team"]), grant("G2"))
    assert play(*first)["grants"] == ["G1", "G2"]
    assert play(grant("G3"))["grants"] == ["G1", "G2", "G3"]
    assert play(absent("G1"))["grants"] == ["G2", "G3"]
    again = play(*first)
    assert (again["grants"], again["refused"]) == (["G2", "G3"], {"G1": "grant_ended"})
    assert host.state_of("alice")["groups"] == {"alice", "daypass"}


def test_grants_bound_in_different_ways_dont_mix(host: ManagedHost):
    """One with a forced command stays as it is; the one without bounds beside it is refused."""
    bound = {**grant("G1"), "critical_options": {"force-command": "/usr/bin/id"}}
    host.send(account("alice", 70007, bound))
    keys = host.state_of("alice")["keys"]
    found = host.send(account("alice", 70007, bound, grant("G2")))["answer"]["answer"]["accounts"]["alice"]
    assert (found["grants"], found["refused"]) == (["G1"], {"G2": "constraints_differ"})
    assert host.state_of("alice")["keys"] == keys


def test_both_cas_open_while_one_follows_the_other(
    host: ManagedHost, authority, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """Certificates of the old CA and of the new one, until the old one is taken out."""
    (tmp_path / "old").mkdir()
    new_ca = make_person(host, authority, tmp_path, "x", "x").key
    old = make_person(host, authority, tmp_path / "old", "alice", "G1")
    new = make_person(host, new_ca, tmp_path, "alice", "G1")
    key = " ".join(new_ca.with_suffix(".pub").read_text().split()[:2])
    wish = account("alice", 70007, grant("G1"))
    host.drive({"document": changed(host.document(wish), ca_keys=[host.ca_key, key])})
    assert (old.gets_in(), new.gets_in()) == (True, True)
    host.drive({"document": changed(host.document(wish), ca_keys=[key])})
    assert (old.gets_in(), new.gets_in()) == (False, True)


def test_answer_for_five_hundred_people_is_short_enough(host: ManagedHost):
    """Whatever they are given; each one's state and grants are told all the same."""
    commands = [f"/usr/local/bin/{number:03}-{'x' * 80}" for number in range(16)]
    rules = [{"run_as": "root", "commands": commands}]
    people = [
        account(f"p{number:03}-{'x' * 27}", 70100 + number, grant(f"G{number}", groups=["team"], sudo=rules))
        for number in range(500)
    ]
    answer = host.send(*people, check=True)["answer"]["answer"]
    assert len(json.dumps(answer)) < ANSWER_BYTES
    assert [one["state"] for one in answer["accounts"].values()] == ["active"] * 500
    assert "the answer would be too long" in " ".join(answer["warnings"])
