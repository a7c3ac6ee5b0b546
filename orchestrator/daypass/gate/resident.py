"""The resident: everything is loaded once, and each command that comes to the gate is a fork of it.

It reads no configuration, opens no database and keeps no thread: what a command needs, its own process reads
anew. Of what it holds, only code could grow old; before each fork it is compared with the disk, and a
resident whose code was replaced sends everybody away, to run their commands themselves, and ends.
"""

from __future__ import annotations

import fcntl
import gc
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from daypass.errors import DaypassError
from daypass.gate import loaded_code
from daypass.gate.child import Act, Knock, become
from daypass.gate.knock import BUSY, ELSEWHERE, MOST_BYTES, PROTOCOL, SOCKET, VARIABLES
from daypass.gate.slots import MOST_OF_ONE, MOST_RUNNING, WAIT_SECONDS, BusyError, all_taken, one_has_all
from daypass.gate.turns import Turns, Verdict

LOCK = "resident.lock"
LONGEST_PATH = 107  # of a socket (unix(7))
MOST_QUESTIONS = 8  # of sshd's about keys, at once: each takes a few milliseconds of one of few cores
MOST_WAITING = 100  # commands; each of them has a client, and an sshd, that take memory
MOST_ASKING = 400  # questions that wait: twice what `gate install` lets sshd have of unknown connections
MOST_OPEN = 700  # connections; those that come then wait in the kernel's queue
ALIVE_SECONDS = 10  # how often systemd is told that we are well (sd_notify(3), WATCHDOG=1)
PAUSE_SECONDS = 0.05
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
STREAMS = 3


class ResidentError(DaypassError):
    """The resident can't begin."""

    code = "gate_resident"


@dataclass
class _Guest:
    """A connection; with a knock it waits for its turn."""

    connection: socket.socket
    kind: str = ""
    knock: Knock | None = None

    def close(self) -> None:
        if self.knock is not None:
            self.knock.close()
        self.connection.close()


def listen(folder: Path) -> tuple[socket.socket, int]:
    """The socket, and the lock that makes us the only one.

    Raises:
        ResidentError: Another one is there, or the path is too long.
        OSError: The folder can't be used.
    """
    path = folder / SOCKET
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ResidentError(
            f"{path} is too long for a socket, {LONGEST_PATH} bytes are allowed",
            hint="a shorter `state_dir`; until then the gate works without its resident, and slower",
        )
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise ResidentError(
            f"another resident listens in {folder}", hint="systemctl restart daypass-gate"
        ) from None
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = os.umask(0o177)
    try:
        listener.bind(os.fspath(path))
    finally:
        os.umask(before)
    listener.listen(MOST_OPEN)
    return listener, lock


@dataclass
class Resident:
    """One loop, one thread.

    Args:
        place: The words that each command begins with behind its kind; others aren't served here.
        act: Runs a command in its own process.
        alive: Called now and then.
        clock: Seconds that only grow.
    """

    listener: socket.socket
    place: tuple[str, ...]
    act: Act
    alive: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.monotonic
    _stamps: loaded_code.Stamps = field(default_factory=loaded_code.stamps)
    _guests: dict[int, _Guest] = field(default_factory=dict)
    _children: dict[int, tuple[str, int]] = field(default_factory=dict)  # pidfd: kind, ticket
    _tickets: int = 0
    _old: bool = False
    _turns: Mapping[str, Turns] = field(
        default_factory=lambda: {
            "run": Turns(MOST_RUNNING, MOST_WAITING, MOST_OF_ONE, WAIT_SECONDS),
            "keys": Turns(MOST_QUESTIONS, MOST_ASKING, MOST_QUESTIONS + MOST_ASKING, WAIT_SECONDS),
        }
    )

    def serve(self) -> None:
        """Until our code isn't what is on disk any more.

        Raises:
            ResidentError: There is a thread beside this one, so that nothing could be forked safely.
        """
        if len(list(Path("/proc/self/task").iterdir())) != 1:
            raise ResidentError("a thread runs beside the resident's own", hint="this is a defect: report it")
        gc.collect()
        gc.freeze()  # what is loaded stays shared with every child
        while not self._old:
            self._turn()
        for ticket in list(self._guests):
            self._send_away(ticket, ELSEWHERE)

    def _turn(self) -> None:
        owners = {guest.connection.fileno(): ticket for ticket, guest in self._guests.items()}
        found = self._wait([*owners, *self._children])
        self.alive()
        for descriptor in found & self._children.keys():
            self._bury(descriptor)
        for descriptor in found & owners.keys():
            self._hear(owners[descriptor])
        if self.listener.fileno() in found:
            self._admit()
        self._call()

    def _wait(self, descriptors: Sequence[int]) -> set[int]:
        """Which of them have something to say, the listener among them unless there are too many already."""
        watch = select.poll()
        for descriptor in descriptors:
            watch.register(descriptor, select.POLLIN)
        if len(self._guests) < MOST_OPEN:
            watch.register(self.listener, select.POLLIN)
        return {descriptor for descriptor, _ in watch.poll(ALIVE_SECONDS * 1000)}

    def _call(self) -> None:
        """Whoever waited long enough goes, in one way or the other."""
        for turns in self._turns.values():
            for ticket in turns.overdue(self.clock()):
                self._refuse(ticket, all_taken())
            for ticket in list(turns.next()):
                self._begin(ticket)

    def _admit(self) -> None:
        try:
            connection, _ = self.listener.accept()
        except OSError:  # no file is left for it, or it is gone again; it waits where it is
            time.sleep(PAUSE_SECONDS)
            return
        peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
        if CREDENTIALS.unpack(peer)[1] != os.geteuid():
            connection.close()
            return
        connection.setblocking(False)
        self._tickets += 1
        self._guests[self._tickets] = _Guest(connection)

    def _hear(self, ticket: int) -> None:
        """The first that is said is a command; whoever waits says nothing, but may go away."""
        guest = self._guests[ticket]
        if guest.knock is not None:
            self._turns[guest.kind].leave(ticket)
            self._send_away(ticket)
            return
        knock = _received(guest.connection)
        if knock is None or knock.words[1 : 1 + len(self.place)] != self.place:
            if knock is not None:
                knock.close()
            self._send_away(ticket, ELSEWHERE)
            return
        guest.knock, guest.kind = knock, knock.words[0]
        person = knock.words[len(self.place) + 2] if guest.kind == "run" else ""
        verdict = self._turns[guest.kind].come(ticket, person, self.clock())
        if verdict is Verdict.GO:
            self._begin(ticket)
        elif verdict is not Verdict.WAIT:
            self._refuse(ticket, one_has_all(person) if verdict is Verdict.TOO_MANY_OF_ONE else all_taken())

    def _begin(self, ticket: int) -> None:
        guest = self._guests[ticket]
        self._old = self._old or loaded_code.changed(self._stamps)
        if self._old or guest.knock is None:
            return
        try:
            pid = os.fork()
        except OSError:
            self._turns[guest.kind].leave(ticket)
            self._refuse(ticket, all_taken())
            return
        if pid == 0:
            become(guest.knock, guest.connection, self.act)
        self._children[os.pidfd_open(pid)] = guest.kind, ticket
        self._send_away(ticket)

    def _bury(self, descriptor: int) -> None:
        kind, ticket = self._children.pop(descriptor)
        os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
        os.close(descriptor)
        self._turns[kind].leave(ticket)

    def _refuse(self, ticket: int, error: BusyError) -> None:
        self._send_away(ticket, BUSY + f"error: {error.sentence}\nhint: {error.hint}\n".encode())

    def _send_away(self, ticket: int, answer: bytes = b"") -> None:
        guest = self._guests.pop(ticket)
        try:
            if answer:
                guest.connection.send(answer)
        except OSError:
            pass  # it is gone already
        finally:
            guest.close()


def _received(connection: socket.socket) -> Knock | None:
    """What a client of ours sends; None for anything else."""
    try:
        message, streams, flags, _ = socket.recv_fds(connection, MOST_BYTES + 1, STREAMS)
    except OSError:
        return None
    try:
        text = message.decode("utf-8", "surrogateescape").split("\0")
    except UnicodeDecodeError:
        text = []
    head = 1 + len(VARIABLES)
    words = tuple(text[head:])
    sound = (
        not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        and len(streams) == STREAMS
        and text[:1] == [PROTOCOL]
        and _is_command(words)
    )
    if not sound:
        for stream in streams:
            os.close(stream)
        return None
    variables = dict(zip(VARIABLES, text[1:head], strict=True))
    environment = {name: value for name, value in variables.items() if value}
    return Knock(words, environment, (streams[0], streams[1], streams[2]))


def _is_command(words: Sequence[str]) -> bool:
    """`keys …`, or `run … --person LOGIN …` where the person stands right behind the place."""
    if words[:1] == ("keys",):
        return True
    return words[:1] == ("run",) and words[7:8] == ("--person",) and len(words) > 8


def tell_systemd(state: str) -> None:
    """Where systemd started us and wants to be told (sd_notify(3)): `READY=1`, `WATCHDOG=1`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
        try:
            speaker.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        except OSError:
            return  # it ends us if it misses us
