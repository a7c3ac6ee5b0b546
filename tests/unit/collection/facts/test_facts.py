"""What is read of a host: nothing that a person controls may end or hold up the run."""

from __future__ import annotations

import errno
import os

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.facts import host
from ansible_collections.daypass.ssh.plugins.module_utils.record import merge

FILES = {
    "/etc/passwd": b"alice:x:70007:70007:alice@example.com:/home/alice:/bin/sh\n",
    "/etc/group": b"alice:x:70007:\ndaypass:x:900:alice\n",
    "/etc/shadow": b"alice:*:20000:0:-1:7:-1::\n",
}


class MountedOver(System):
    """A host where somebody has mounted over homes and mail: root's lstat is refused there (fuse(4))."""

    def __init__(self) -> None:
        self.looked: list[str] = []

    def read(self, path: str) -> bytes | None:
        return FILES.get(path)

    def status(self, path: str) -> os.stat_result | None:
        self.looked.append(path)
        raise OSError(errno.EACCES, "Permission denied", path)

    def names(self, folder: str) -> list[str]:
        return ["a1"] if folder.endswith("atjobs") else []

    def exists(self, path: str) -> bool:
        return False


def wanted(login: str, *, remove: bool = False) -> merge.Wanted:
    """One account without grants."""
    account = merge.WantedAccount(
        login, 70007, f"{login}@example.com", "/bin/sh", "archive", None, remove, True, {}, ()
    )
    return merge.Wanted({login: account}, (), {}, 1, None, False)


def test_home_and_mail_of_a_living_person_arent_looked_at():
    """He may have mounted something over them that never answers, and would escape his closing so."""
    system = MountedOver()
    found = host.read_facts(system, wanted("alice"), {})
    assert found.accounts["alice"].groups == ("daypass",)
    assert not [path for path in system.looked if path.startswith(("/home", "/var/mail", "/var/spool/mail"))]


def test_home_that_cant_be_looked_at_is_somebodys():
    """For a new account it counts as there already, and as nobody's own."""
    found = host.read_facts(MountedOver(), wanted("bob"), {})
    account = found.accounts["bob"]
    assert account.home_owner == host.NOBODYS
    assert account.mail == ("/var/mail/bob", "/var/spool/mail/bob")


def test_mail_is_looked_for_when_the_account_goes():
    """A removal clears it."""
    found = host.read_facts(MountedOver(), wanted("alice", remove=True), {})
    assert found.accounts["alice"].mail


class CrontabsUnreadable(MountedOver):
    """A host with crontabs where one folder of them can't be read."""

    def names(self, folder: str) -> list[str]:
        if folder == "/var/spool/cron":
            raise OSError(errno.EIO, "Input/output error", folder)
        return ["alice", "bob"] if folder.endswith(("crontabs", "linger")) else []

    def exists(self, path: str) -> bool:
        return path == "/var/spool/cron/alice"


def test_jobs_are_found_by_name_whatever_folder_cant_be_read():
    """Those of the login itself; in a folder that can't be listed the name is looked for."""
    found = host.read_facts(CrontabsUnreadable(), wanted("alice"), {})
    folders = ("/var/spool/cron/crontabs", "/var/spool/cron", "/etc/crontabs", "/var/lib/systemd/linger")
    assert found.accounts["alice"].jobs == tuple(f"{folder}/alice" for folder in folders)
