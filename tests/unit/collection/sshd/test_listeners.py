"""Which sshd processes listen, and with which arguments."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import listeners
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.listeners import Listener, deciding_options


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["-D"], ()),
        (["-D", "-f", "/etc/x"], ("-f", "/etc/x")),
        (["-Df/etc/x"], ("-f", "/etc/x")),
        (["-D", "-o", "Port=2222", "-oUsePAM=no"], ("-o", "Port=2222", "-o", "UsePAM=no")),
        (["-p", "2222", "-E", "/var/log/x", "-u0", "-e"], ("-p", "2222")),
        (["-o", "ListenAddress 127.0.0.1"], ("-o", "ListenAddress 127.0.0.1")),
    ],
)
def test_options_that_decide_are_kept(words: list[str], options: tuple[str, ...]):
    """What `sshd -T` needs to see the same configuration; logging, debugging and the like are dropped."""
    assert deciding_options(words) == options


def test_values_with_blanks_are_put_together_again_from_a_title():
    """A process title joins all words by blanks."""
    words = "-D -o ListenAddress 127.0.0.1 -f /etc/x".split()
    assert deciding_options(words, joined=True) == ("-o", "ListenAddress 127.0.0.1", "-f", "/etc/x")


def test_last_named_file_is_the_main_file():
    """As getopt reads it."""
    assert Listener(1, "sshd", ("-f", "/a", "-f", "/b")).main_file == "/b"
    assert Listener(1, "sshd").main_file == "/etc/ssh/sshd_config"


class Proc:
    """A folder that looks like /proc."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._space(folder / "self")

    def _space(self, process: Path, space: str = "pid:[1]") -> None:
        (process / "ns").mkdir(parents=True)
        (process / "ns" / "pid").symlink_to(space)

    def add(self, pid: int, program: str, command: str, *, root: str = "/", space: str = "pid:[1]") -> None:
        process = self.folder / str(pid)
        self._space(process, space)
        (process / "exe").symlink_to(program)
        (process / "root").symlink_to(root)
        (process / "cmdline").write_bytes(command.encode())

    def find(self) -> list[Listener]:
        return listeners.find_listeners(str(self.folder))


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Proc:
    """A /proc whose processes count as root's."""
    folder = tmp_path / "proc"
    folder.mkdir()
    monkeypatch.setattr(listeners, "ROOT_UID", os.geteuid())
    monkeypatch.setattr(listeners, "PROGRAMS", ())
    return Proc(folder)


SSHD = "/usr/sbin/sshd"
TITLE = "sshd: /usr/sbin/sshd -D -p 2222 [listener] 0 of 10-100 startups"


def test_listener_is_found_by_its_title(proc: Proc):
    """Since OpenSSH 8.2 the process title says it."""
    proc.add(40, SSHD, TITLE)
    assert proc.find() == [Listener(40, SSHD, ("-p", "2222"))]


def test_listener_without_title_is_found_by_its_words(proc: Proc):
    """Just started, or older."""
    proc.add(40, SSHD, "/usr/sbin/sshd\0-D\0-f\0/etc/x\0")
    assert proc.find() == [Listener(40, SSHD, ("-f", "/etc/x"))]


def test_listener_that_is_starting_again_is_read_when_it_shows_its_options(
    proc: Proc, monkeypatch: pytest.MonkeyPatch
):
    """At each reload its command line is empty for a moment; it isn't one without options."""
    proc.add(40, SSHD, "")
    shown = proc.folder / "40" / "cmdline"
    monkeypatch.setattr(listeners.time, "sleep", lambda _seconds: shown.write_text(TITLE))
    assert proc.find() == [Listener(40, SSHD, ("-p", "2222"))]


def test_every_listener_counts(proc: Proc):
    """A second sshd on another port is one more way in."""
    proc.add(41, SSHD, TITLE)
    proc.add(40, SSHD, "/usr/sbin/sshd\0-D\0")
    assert [one.pid for one in proc.find()] == [40, 41]


def test_listener_whose_file_was_replaced_keeps_its_path(proc: Proc):
    """After an upgrade without restart the link ends in (deleted)."""
    proc.add(40, SSHD + " (deleted)", TITLE)
    assert proc.find()[0].program == SSHD


@pytest.mark.parametrize(
    "command", ["sshd: alice [priv]", "sshd: alice@pts/0", "/usr/sbin/sshd\0-i\0", "sshd: [accepted]"]
)
def test_sessions_are_no_listeners(proc: Proc, command: str):
    """They end with their person and read nothing again."""
    proc.add(50, SSHD, command)
    assert proc.find() == []


def test_sshd_in_a_container_is_none_of_ours(proc: Proc, tmp_path: Path):
    """Another root folder or process namespace: its configuration isn't this host's."""
    proc.add(50, SSHD, TITLE, root=str(tmp_path))
    proc.add(51, SSHD, TITLE, space="pid:[2]")
    assert proc.find() == []


def test_sshd_of_another_user_is_none_of_ours(proc: Proc, monkeypatch: pytest.MonkeyPatch):
    """Somebody's own sshd on a high port can let in nobody but himself."""
    proc.add(50, SSHD, TITLE)
    monkeypatch.setattr(listeners, "ROOT_UID", os.geteuid() + 1)
    assert proc.find() == []


def test_other_programs_are_no_listeners(proc: Proc):
    """Only the name of the program counts, not what it calls itself."""
    proc.add(50, "/usr/bin/python3", TITLE)
    assert proc.find() == []


def test_program_alone_stands_for_socket_activation(proc: Proc, monkeypatch: pytest.MonkeyPatch):
    """Nothing listens, but each connection starts one: its configuration counts, nothing is reloaded."""
    monkeypatch.setattr(listeners, "PROGRAMS", ("/bin/sh",))
    assert proc.find() == [Listener(0, "/bin/sh")]


def test_new_listening_socket_is_what_tells_of_a_reload():
    """An sshd that was told still greets on its old socket; only a login on the new one proves anything."""
    before = {os.getpid(): listeners.listening_sockets(os.getpid())}
    assert not listeners.wait_until_reloaded(System(), before, seconds=0)
    with socket.create_server(("127.0.0.1", 0)):
        assert listeners.wait_until_reloaded(System(), before, seconds=0)
        assert len(listeners.listening_sockets(os.getpid()) - before[os.getpid()]) == 1


def test_process_that_is_gone_listens_nowhere(tmp_path: Path):
    """It counts as not reloaded, and the greeting that is asked for next says so."""
    assert listeners.listening_sockets(1, str(tmp_path)) == frozenset()
