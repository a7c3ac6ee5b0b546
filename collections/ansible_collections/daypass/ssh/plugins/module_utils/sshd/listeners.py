# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sshd processes that wait for connections on this host, with the arguments that decide what they read.

A host may run several: another port, another file (`-f`), settings on the command line (`-o`). A
configuration is judged and reloaded by what really runs, not by the name of a service.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from signal import SIGHUP

from ..contract.typed import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..effects.system import System

ROOT_UID = 0
MAIN_FILE = "/etc/ssh/sshd_config"
RELOAD_SECONDS = 5  # a reload takes milliseconds; a slow host some more
STARTING_SECONDS = 1  # an exec takes a millisecond; a slow host some more
PROGRAMS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/sbin/sshd")

# sshd(8): the options that take a value, and those among them that change what `sshd -t` and `-T` see.
_WITH_VALUE = "bCEcfghkopu"
_DECIDING = "cfhop"
# Title of the listening process since OpenSSH 8.2: "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
_TITLE = re.compile(r"^sshd: (?P<words>.*?) \[listener\]")


class Listener(NamedTuple):
    """One listening sshd.

    Attributes:
        pid: Its process id, 0 where none runs (socket activation): nothing to reload then.
        program: Absolute path of the program.
        options: `-f`, `-o`, `-h`, `-p`, `-c` as it was started with, ready to put before `-t` or `-T`.
    """

    pid: int
    program: str
    options: tuple[str, ...] = ()

    @property
    def main_file(self) -> str:
        """The configuration file that it reads."""
        named = [self.options[at + 1] for at, word in enumerate(self.options) if word == "-f"]
        return named[-1] if named else MAIN_FILE


def deciding_options(words: Sequence[str], joined: bool = False) -> tuple[str, ...]:
    """Pick the options that decide the configuration, as pairs of option and value.

    Args:
        words: Arguments without the program's name.
        joined: They come from a process title, where a value with blanks fell apart: words belong to the
            option before them until the next one begins.
    """
    kept: list[str] = []
    at = 0
    while at < len(words):
        letter, value = _split_option(words[at])
        at += 1
        if not letter:
            continue
        parts = [value] if value else []
        while at < len(words) and (not parts or joined) and not (joined and words[at].startswith("-")):
            parts.append(words[at])
            at += 1
        if letter in _DECIDING:
            kept += ["-" + letter, " ".join(parts)]
    return tuple(kept)


def _split_option(word: str) -> tuple[str, str]:
    """`-Dfx` gives ("f", "x"): flags may stand before the option that takes a value (getopt(3))."""
    if not word.startswith("-"):
        return "", ""
    for at, letter in enumerate(word[1:], start=1):
        if letter in _WITH_VALUE:
            return letter, word[at + 1 :]
    return "", ""


def find_listeners(proc: str = "/proc") -> list[Listener]:
    """Find root's listening sshd processes of this host, lowest process id first.

    Left out: sessions, programs of other users, and sshd inside containers (other process namespace or root
    folder). None found (socket activation starts one a connection): one without pid, at the usual place.
    """
    found = [_listener_of(proc, int(name)) for name in os.listdir(proc) if name.isdigit()]
    listeners = sorted((one for one in found if one is not None), key=lambda one: one.pid)
    if listeners:
        return listeners
    return [Listener(0, program) for program in PROGRAMS if os.access(program, os.X_OK)][:1]


def _listener_of(proc: str, pid: int) -> Listener | None:
    folder = f"{proc}/{pid}"
    try:
        program = os.readlink(folder + "/exe")
        if os.path.basename(program.split(" ")[0]) != "sshd" or not _is_ours(proc, folder):
            return None
        text = _command_line(folder)
    except OSError:
        return None  # ended meanwhile
    # An upgrade replaces the file below a running sshd: the link then ends in " (deleted)".
    options = _options_of(text)
    return None if options is None else Listener(pid, program.split(" ")[0], options)


def _command_line(folder: str) -> str:
    """As /proc shows it. For a moment of its exec a process shows none (proc(5), cmdline), as sshd does at
    each reload: taken for one without options, it would be judged by the wrong files and addresses."""
    until = time.monotonic() + STARTING_SECONDS
    while True:
        with open(folder + "/cmdline", "rb") as stream:
            text = stream.read().decode("utf-8", "replace")
        if text or time.monotonic() >= until:
            return text
        time.sleep(0.002)


def _options_of(text: str) -> tuple[str, ...] | None:
    """The options in a command line as /proc shows it; None where it isn't a listening sshd."""
    titled = _TITLE.match(text)
    if titled:
        return deciding_options(titled.group("words").split()[1:], joined=True)
    if text.startswith("sshd:") or "-i" in text.split("\0"):
        return None  # a session, or one process for one connection
    return deciding_options(text.rstrip("\0").split("\0")[1:])


def _is_ours(proc: str, folder: str) -> bool:
    """True where the process is root's, in our process namespace, and sees our root folder."""
    own, other = os.stat("/"), os.stat(folder + "/root/")
    same_root = (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino)
    same_space = os.readlink(folder + "/ns/pid") == os.readlink(proc + "/self/ns/pid")
    return same_root and same_space and os.stat(folder).st_uid == ROOT_UID


def reload_listeners(system: System, listeners: Sequence[Listener]) -> list[int]:
    """Have each one read its configuration again (sshd(8): SIGHUP); gives the process ids that were told."""
    told = [one.pid for one in listeners if one.pid]
    for pid in told:
        system.signal(pid, SIGHUP)
    return told


def reload_and_wait(system: System, listeners: Sequence[Listener]) -> bool:
    """Reload each and wait until it listens again; what comes next may reload it once more.

    A SIGHUP is lost on an sshd that is still starting after the one before: it would keep what it read.
    """
    before = {one.pid: listening_sockets(one.pid) for one in listeners if one.pid}
    reload_listeners(system, listeners)
    return wait_until_reloaded(system, before, RELOAD_SECONDS)


def listening_sockets(pid: int, proc: str = "/proc") -> frozenset[str]:
    """Inodes of the TCP sockets that a process listens on (proc(5), net/tcp: state 0A); empty when gone."""
    folder = f"{proc}/{pid}"
    held = _open_files(folder + "/fd")
    return frozenset(inode for inode in _listening(folder) if f"socket:[{inode}]" in held)


def _open_files(folder: str) -> set[str]:
    found = set()
    try:
        for name in os.listdir(folder):
            with suppress(OSError):  # closed meanwhile
                found.add(os.readlink(f"{folder}/{name}"))
    except OSError:
        return set()
    return found


def _listening(folder: str) -> list[str]:
    found = []
    for name in ("tcp", "tcp6"):
        try:
            with open(f"{folder}/net/{name}", encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        found += [row[9] for row in rows if row[3] == "0A"]
    return found


def wait_until_reloaded(system: System, before: Mapping[int, frozenset[str]], seconds: float) -> bool:
    """True as soon as each process listens on new sockets: sshd starts itself again, and until then the old
    socket still greets while a login that comes a moment later is refused.

    Args:
        before: Process id -> its sockets before it was told. One without any, or one that got its socket
            from systemd and keeps it, never shows a new one: False after `seconds`, and that is no failure.
    """
    until = system.monotonic() + seconds
    waiting = dict(before)
    while waiting:
        waiting = {pid: old for pid, old in waiting.items() if not listening_sockets(pid) - old}
        if system.monotonic() >= until:
            return not waiting
        if waiting:
            system.sleep(0.02)
    return True


def wait_until_answering(system: System, addresses: Sequence[str], seconds: float) -> bool:
    """True as soon as an sshd greets at one of these addresses (`host:port`, as `sshd -T` prints them)."""
    until = system.monotonic() + seconds
    while True:
        if any(greets(address) for address in addresses):
            return True
        if system.monotonic() >= until:
            return False
        system.sleep(0.1)


def greets(address: str) -> bool:
    """True where an SSH server says its version (RFC 4253, section 4.2); `0.0.0.0` means this host."""
    import socket  # costs more than the rest of this module, and only onboarding gets here

    host, _colon, port = address.rpartition(":")
    host = host.strip("[]")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what sshd says
    try:
        with socket.create_connection((host, int(port)), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except (OSError, ValueError):
        return False
