"""Who is known through NSS: asked in this process, or of a directory in a time limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects import children
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed, System
from ansible_collections.daypass.ssh.plugins.module_utils.facts import nss
from tests import dead_directory


class DirectorySystem(System):
    """This machine, but with a directory behind its files; `answer` takes the place of every program."""

    def __init__(self, answer: Completed | None = None) -> None:
        self.answer = answer
        self.asked: list[list[str]] = []

    def read(self, path: str) -> bytes | None:
        return b"passwd: files sss\n" if path == "/etc/nsswitch.conf" else super().read(path)

    def query(self, argv: list[str], stdin: str = "", timeout_seconds: float = 10) -> Completed:
        self.asked.append(argv)
        return self.answer or super().query(argv, stdin, timeout_seconds)


def test_directory_is_asked_by_a_program_that_runs():
    """The question that another process asks the C library gives what the library says."""
    known = nss.ask(DirectorySystem(), ["root", "nobody-of-that-name"], [0, 4_000_000_000], ["root"])
    assert known == nss.Known({"root": 0}, {0: "root"}, {"root": 0}, {0: "root"})


@pytest.mark.parametrize(
    "answer",
    [Completed(124, "", "not finished"), Completed(1, "", ""), Completed(0, "[", ""), Completed(0, "[]", "")],
)
def test_directory_that_gives_no_answer_is_no_empty_directory(answer: Completed):
    """A source that doesn't answer isn't "no such user"."""
    with pytest.raises(Refusal) as caught:
        nss.ask(DirectorySystem(answer), ["alice"], [70007], [])
    assert caught.value.code == "nss_unavailable"


class DeadDirectory(DirectorySystem):
    """This machine, with a directory before its files that is down."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def read(self, path: str) -> bytes | None:
        line = f"passwd: {self.name} files\ngroup: files\n".encode()
        return line if path == "/etc/nsswitch.conf" else super().read(path)


def test_dead_directory_before_the_files_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The library reports only the last source's trouble: what nobody knows is asked of each alone."""
    module = dead_directory.build(tmp_path, "dpdead")
    monkeypatch.setitem(children.ENVIRONMENT, "LD_LIBRARY_PATH", str(module.parent))
    assert nss.ask(DeadDirectory("dpdead"), ["root"], [0], ["root"]).users == {"root": 0}
    with pytest.raises(Refusal) as caught:
        nss.ask(DeadDirectory("dpdead"), ["nobody-of-that-name"], [], [])
    assert caught.value.code == "nss_unavailable"


def test_directory_without_a_module_gives_nobody():
    """A word in nsswitch.conf that the library can't load is no source: nobody comes from there."""
    assert nss.ask(DeadDirectory("daypassnone"), ["nobody-of-that-name"], [], []).users == {}


@pytest.mark.parametrize(
    ("line", "directory"),
    [
        ("passwd: files systemd", False),
        ("passwd: files [NOTFOUND=return TRYAGAIN=continue] systemd", False),
        ("group: files # sss", False),
        ("passwd: files sss", True),
        ("passwd: files cache_oslogin", True),
        ("initgroups: files ldap", True),
    ],
)
def test_every_source_but_local_files_is_a_directory(line: str, directory: bool):
    """What isn't known to be local may hang, so it is asked from outside."""

    class Configured(System):
        def read(self, path: str) -> bytes | None:
            return line.encode()

    assert nss.has_directory(Configured()) is directory


def test_groups_of_a_login_are_asked_with_a_limit_where_a_directory_is():
    """A directory that hangs must not keep the lock: another process asks it."""
    system = DirectorySystem(Completed(0, "70007 27\n", ""))
    assert nss.group_ids(system, "alice", 70007) == {70007, 27}
    assert system.asked == [["id", "-G", "--", "alice"]]
    with pytest.raises(Refusal):
        nss.group_ids(DirectorySystem(Completed(124, "", "")), "alice", 70007)


def test_groups_of_a_login_are_those_of_the_host():
    """Without a directory the library is asked here, with the same result."""
    assert nss.group_ids(System(), "root", 0) == set(os.getgrouplist("root", 0))
