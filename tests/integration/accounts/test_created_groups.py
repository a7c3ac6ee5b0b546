"""Groups that a host makes for grants, with its own tools: made, shared, left alone, removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.accounts.managed_host import ManagedHost, account, grant

FILES = "cat /etc/passwd /etc/group /etc/gshadow"


@pytest.fixture
def groups(host: ManagedHost) -> Iterator[ManagedHost]:
    """The host, and none of the groups of these tests before or after."""
    clear = "for one in fresh night; do groupdel $one 2>/dev/null; done"
    host.sh(clear, check=False)
    yield host
    host.sh(clear, check=False)


def making(key: str, *names: str) -> dict[str, Any]:
    """A grant whose groups may be made."""
    return {**grant(key, groups=names), "create_groups": list(names)}


def group(host: ManagedHost, name: str) -> tuple[int, set[str]] | None:
    """The gid and the members in /etc/group, None where there is no such group."""
    line = host.sh(f"grep '^{name}:' /etc/group", check=False).strip()
    if not line:
        return None
    _name, _password, gid, members = line.split(":")
    return int(gid), set(members.split(",")) - {""}


def made(host: ManagedHost) -> dict[str, int]:
    """The groups that the ledger calls ours."""
    found: dict[str, int] = host.ledger().get("made_groups", {})
    return found


def held(host: ManagedHost, login: str) -> set[str]:
    """What initgroups gives the login."""
    return set(host.run("id", "-nG", login).split())


def test_group_is_made_shared_and_gone_with_its_last_member(groups: ManagedHost):
    """It has a number of ours, stays while anybody's grant names it, and goes in the wave of the last end."""
    first = account("alice", 70007, making("G1", "fresh", "team"))
    assert not groups.send(first)["answer"]["failed"]
    found = group(groups, "fresh")
    assert found is not None
    gid, members = found
    assert (members, 70000 <= gid <= 99999, made(groups)) == (
        {"alice"},
        True,
        {"fresh": gid},
    )
    assert held(groups, "alice") == {"alice", "daypass", "fresh", "team"}
    second = account("bob", 70008, grant("G2", groups=["fresh"]))
    assert not groups.send(first, second)["answer"]["failed"]
    assert groups.send(first, second)["answer"]["changed"] is False
    groups.send(account("alice", 70007), second)
    assert (group(groups, "fresh"), held(groups, "alice")) == ((gid, {"bob"}), {"alice", "daypass"})
    ends = groups.document(account("alice", 70007), account("bob", 70008))
    told = groups.drive({"document": ends, "check": True})
    assert told is not None
    assert "group fresh: removed" in told["answer"]["diff"]["after"]
    assert group(groups, "fresh") == (gid, {"bob"})
    gone = groups.drive({"document": ends})
    assert gone is not None
    assert (gone["answer"]["failed"], group(groups, "fresh")) == (False, None)
    assert (made(groups), groups.ledger()["retired_gids"]) == ({}, [gid])
    assert group(groups, "team") == (2000, {"olaf"}), "a group from before is nobody's to remove"


def test_group_with_somebody_elses_member_stays_and_is_told(groups: ManagedHost):
    """It is no longer ours then: the next grant takes it as one from before, and leaves it so."""
    groups.send(account("alice", 70007, making("G1", "fresh")))
    groups.run("gpasswd", "-a", "olaf", "fresh")
    answer = groups.send(account("alice", 70007))["answer"]["answer"]
    assert answer["warnings"] == [
        "the group fresh, which was made for grants, stays: olaf is in it, not through us"
    ]
    found = group(groups, "fresh")
    assert (found and found[1], made(groups)) == ({"olaf"}, {})
    assert not groups.send(account("alice", 70007, making("G2", "fresh")))["answer"]["failed"]
    assert "fresh" in held(groups, "alice")
    groups.send(account("alice", 70007))
    assert group(groups, "fresh") == found


def test_group_that_sudoers_names_already_is_not_made(groups: ManagedHost):
    """Rights that wait for a name aren't given with it; nothing is changed."""
    groups.sh("echo '%fresh ALL=(ALL) ALL' > /etc/sudoers.d/x")
    before = groups.sh(FILES)
    try:
        answer = groups.send(account("alice", 70007, making("G1", "fresh")))["answer"]["answer"]
    finally:
        groups.sh("rm /etc/sudoers.d/x")
    found = answer["accounts"]["alice"]
    assert (found["state"], found["code"], groups.sh(FILES)) == ("refused", "old_rights", before)


def test_making_and_removing_that_were_cut_off(groups: ManagedHost):
    """Killed at each change, and inside the tools: one group goes while another comes, as if unkilled."""
    start = groups.document(account("alice", 70007, making("G1", "fresh")))
    change = groups.document(
        account("alice", 70007), account("bob", 70008, making("G2", "night"), home_on_removal="delete")
    )
    found = groups.kill_loop(
        people={"alice": 70007, "bob": 70008},
        start=[start],
        killed=change,
        next=[change],
        expect="same",
        inside_step=12,
        **{"break": []},
    )
    assert (found["failures"], found["kills"] > 10) == ([], True)
