"""A directory of users and groups beside the host's own files: down, silent, or with people of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import dead_directory
from tests.integration.accounts.managed_host import account, grant
from tests.integration.faults.breaking import BreakingHost, one
from tests.integration.faults.test_faults import ASKING, HANG_SECONDS, refused, shut


@pytest.mark.parametrize(
    ("name", "line"),
    [("dpdead", "files dpdead"), ("dpdead", "dpdead files"), ("dphang", "files dphang")],
)
def test_directory_that_is_down_isnt_an_empty_one(host: BreakingHost, tmp_path: Path, name: str, line: str):
    """A source that doesn't answer isn't "no such user"; no closing asks it, and none waits for it."""
    module = dead_directory.build(tmp_path, name)
    host.want(alice=one("G1"))
    host.begin_process("alice")
    host.install_source(module, line)
    before = host.fingerprint()
    told = host.want(alice=one("G1"), bob=one("G2"), drive={"patience": ASKING})
    assert refused(told, "bob") == "nss_unavailable"
    assert host.fingerprint() == before
    began = time.monotonic()
    host.want(alice=[], drive={"patience": ASKING})
    assert time.monotonic() - began < HANG_SECONDS / 2
    assert shut(host, "alice")


def test_directory_that_knows_a_name_or_number_keeps_it(host: BreakingHost, tmp_path: Path):
    """A user, a uid, a gid, a membership and a group that aren't in the host's files count all the same."""
    host.install_source(dead_directory.build(tmp_path, "dplive"), "files dplive")
    before = host.fingerprint()
    wanted = {"alice": "account_exists", "bob": "uid_taken", "carol": "uid_taken", "dora": "old_rights"}
    people = [account(login, 70007 + n, grant(f"G{n}")) for n, login in enumerate(wanted)]
    remote = account("erin", 70020, grant("G9", groups=["remote"]))
    found = host.send(*people, remote)["answer"]["answer"]["accounts"]
    assert {login: one["code"] for login, one in found.items()} == {**wanted, "erin": "group_remote"}
    assert host.fingerprint() == before
