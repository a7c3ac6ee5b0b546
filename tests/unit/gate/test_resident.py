"""The resident process: what it runs for whom, and when it doesn't. Real processes and a real socket."""

from __future__ import annotations

import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from daypass.gate import knock, loaded_code
from daypass.gate.resident import MOST_WAITING, ResidentError, listen
from daypass.gate.slots import MOST_OF_ONE, MOST_RUNNING

PATIENCE_SECONDS = 60
Knocks = Callable[[int, Callable[[int], str], str], list[socket.socket]]
# A resident whose commands are what comes in SSH_ORIGINAL_COMMAND, as Python.
RESIDENT = """
import os, sys, signal
from pathlib import Path
from daypass.gate import loaded_code
from daypass.gate.resident import Resident, listen
folder, watched = Path(sys.argv[1]), sys.argv[2]
def act(words):
    exec(os.environ.get("SSH_ORIGINAL_COMMAND", ""), {"words": words})
    return 0
signal.signal(signal.SIGINT, signal.SIG_DFL)
listener, lock = listen(folder)
Path(watched).touch()
made = Resident(listener, ("--config", "C", "--folder", str(folder), "--broker", "B"), act,
                _stamps={watched: loaded_code._stamp(watched)})
print("ready", flush=True)
made.serve()
"""
NOT_HERE = "import sys; sys.exit(99)"  # what the client becomes where no resident serves it


@dataclass
class Place:
    """A folder with a resident."""

    folder: Path
    process: subprocess.Popen[str]

    @property
    def watched(self) -> Path:
        """Stands for the installed program."""
        return self.folder / "program"

    def words(self, *more: str, person: str = "alice") -> list[str]:
        place = ["--config", "C", "--folder", str(self.folder), "--broker", "B"]
        return ["run", *place, "--person", person, "--key", "ssh-ed25519", "AAAA", *more]

    def start(self, typed: str, words: list[str] | None = None, **streams: object) -> subprocess.Popen[bytes]:
        """The client as sshd starts it; where it would run the command itself it ends with 99."""
        script = (
            "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "  # tests under nohup ignore it
            f"from daypass.gate import knock; knock.PYTHON_OPTIONS = ('-c', {NOT_HERE!r}); knock.main()"
        )
        argv = [sys.executable, "-c", script, *(words or self.words())]
        given = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        environment = {"SSH_ORIGINAL_COMMAND": typed, "TERM": "dumb", "SECRET": "x", "PATH": "/usr/bin"}
        return subprocess.Popen(argv, env=environment, **given)

    def run(self, typed: str, words: list[str] | None = None) -> tuple[int, str, str]:
        client = self.start(typed, words)
        out, err = client.communicate(timeout=PATIENCE_SECONDS)
        return client.returncode, out.decode(), err.decode()

    def children(self) -> list[int]:
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in text.split()]


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="gate-") as name:  # pytest's own may be too long for a socket
        folder = Path(name)
        argv = [sys.executable, "-c", RESIDENT, name, str(folder / "program")]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield Place(folder, process)
            process.kill()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_command_has_the_streams_words_and_exit_code_of_the_client(place):
    """As if sshd had started it."""
    typed = "import sys; print(words[-1], sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
    client = place.start(typed)
    assert client.communicate(b"gr\xc3\xbcn", timeout=PATIENCE_SECONDS) == (b"AAAA gr\xc3\xbcn\n", b"no\n")
    assert client.returncode == 3


@pytest.mark.parametrize(
    ("typed", "code"),
    [("pass", 0), ("import sys; sys.exit('x')", 1), ("1/0", 1), ("import os; os.kill(os.getpid(), 9)", 1)],
)
def test_end_of_a_command_is_the_clients(place, typed, code):
    """An error or a kill is a failure, and never makes the client run the command once more."""
    assert place.run(typed)[0] == code


def test_command_has_nothing_of_the_residents_or_of_other_clients(place):
    """No open file but its streams and its own connection, no variable, no signal handled otherwise."""
    other = place.start("input()")
    until(place.children)
    typed = (
        "import os, signal; print(sorted(os.listdir('/proc/self/fd'))[:-1], sorted(os.environ), os.getsid(0) "
        "== os.getpid(), signal.getsignal(signal.SIGHUP) == signal.SIG_DFL)"
    )
    code, out, _ = place.run(typed)
    assert (code, out) == (0, "['0', '1', '2', '3'] ['SSH_ORIGINAL_COMMAND', 'TERM'] True True\n")
    other.communicate(b"\n", timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_command_ends_when_its_client_is_gone(place, number):
    """By an interrupt, a terminal that is hung up, a kill; without its own doing."""
    client = place.start("import time; time.sleep(1000)")
    until(place.children)
    client.send_signal(number)
    client.communicate(timeout=PATIENCE_SECONDS)
    until(lambda: not place.children())
    assert place.run("pass")[0] == 0


def test_interrupt_at_a_terminal_ends_a_command_that_asks(place):
    """A question has a terminal of the right width, and ^C is enough to leave it."""
    main, side = pty.openpty()
    login = (
        "import os, sys, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "from daypass.gate import knock; knock.main()"
    )
    typed = "import os; input(f'{os.get_terminal_size().columns} columns? ')"
    subprocess.run(["stty", "columns", "123"], stdin=side, check=True)
    environment = {"SSH_ORIGINAL_COMMAND": typed, "PATH": "/usr/bin"}
    argv = [sys.executable, "-c", login, *place.words()]
    with subprocess.Popen(argv, env=environment, stdin=side, stdout=side, stderr=side) as client:
        os.close(side)
        seen = b""
        while b"columns? " not in seen:
            assert select.select([main], [], [], PATIENCE_SECONDS)[0]
            seen += os.read(main, 1000)
        assert b"123 columns? " in seen
        os.write(main, b"\x03")
        assert client.wait(PATIENCE_SECONDS) == -signal.SIGINT
    until(lambda: not place.children())
    os.close(main)


def test_without_a_resident_the_client_becomes_the_command(place):
    """Killed, or never started."""
    place.process.kill()
    place.process.wait()
    assert place.run("pass")[0] == 99
    (place.folder / knock.SOCKET).unlink()
    assert place.run("pass")[0] == 99


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--config", "OTHER", "--folder", "{folder}", "--broker", "B", "--person", "alice"],
        ["run", "--folder", "{folder}", "--config", "C", "--broker", "B", "--person", "alice"],
        ["run", "--config", "C", "--folder", "{folder}", "--broker", "B", "--key", "x"],
        ["install", "--config", "C", "--folder", "{folder}", "--broker", "B", "--person", "alice"],
    ],
)
def test_resident_serves_its_own_place_and_two_commands(place, words):
    """Another configuration, other commands: the client runs them itself, as it would without a resident."""
    assert place.run("pass", [word.format(folder=place.folder) for word in words])[0] == 99


def test_other_version_of_the_client_is_not_served(place, monkeypatch):
    """It runs its command itself."""
    monkeypatch.setattr(knock, "PROTOCOL", "0")
    assert knock.ask(place.words(), {}) is None
    monkeypatch.undo()
    assert knock.ask(place.words(), {}) == 0


def test_resident_whose_code_was_replaced_serves_nobody(place):
    """It ends, so that systemd starts the new one; nothing is lost meanwhile."""
    place.watched.write_text("new")
    assert place.run("pass")[0] == 99
    assert place.process.wait(PATIENCE_SECONDS) == 0
    assert place.run("pass")[0] == 99


def test_stamps_cover_python_and_every_file_that_it_has_loaded(tmp_path):
    """Ours, libraries', Python's own; one that is replaced by a file of the same size is another one."""
    stamps = loaded_code.stamps()
    assert {loaded_code.__file__, pytest.__file__, os.__file__, str(Path(sys.executable).resolve())} <= set(
        stamps
    )
    assert not loaded_code.changed(stamps)
    file = tmp_path / "code.py"
    file.write_text("1")
    known = {str(file): loaded_code._stamp(str(file))}
    (tmp_path / "new.py").write_text("2")
    (tmp_path / "new.py").replace(file)
    assert loaded_code.changed(known)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_another_user_is_not_heard_even_where_the_folder_lets_him_pass(place):
    """The socket is private in a private folder; and who connects is asked of the kernel."""
    assert (place.folder / knock.SOCKET).stat().st_mode & 0o777 == 0o600
    place.folder.chmod(0o755)
    (place.folder / knock.SOCKET).chmod(0o666)
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
        "s.connect(sys.argv[1]); s.settimeout(60); print(s.recv(9))"
    )
    argv = [sys.executable, "-I", "-S", "-c", script, str(place.folder / knock.SOCKET)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert done.stdout == "b''\n", done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_socket_of_another_user_is_not_spoken_to(place):
    """Whoever puts one there hears nothing of what people type."""
    place.process.kill()
    place.process.wait()
    (place.folder / knock.SOCKET).unlink()
    place.folder.chmod(0o777)
    script = (
        "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
        "s.bind(sys.argv[1]); s.listen(); print('ready', flush=True); c = s.accept()[0]; print(c.recv(99))"
    )
    argv = [sys.executable, "-I", "-S", "-c", script, str(place.folder / knock.SOCKET)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        assert place.run("pass")[0] == 99
        assert other.stdout.readline() == "b''\n"


@pytest.mark.parametrize("streams", [0, 2])
@pytest.mark.parametrize("message", [b"", b"1", b"1\0\0\0\0run", b"\xff" * 10, b"x" * 100_000])
def test_odd_messages_are_sent_away_and_the_next_client_is_served(place, message, streams):
    """Of another shape, too long, with too few streams."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as odd:
        odd.settimeout(PATIENCE_SECONDS)
        odd.connect(str(place.folder / knock.SOCKET))
        socket.send_fds(odd, [message or b"\0"], [0] * streams)
        assert odd.recv(100) == knock.ELSEWHERE
    assert place.run("pass")[0] == 0


def test_second_resident_of_a_folder_does_not_begin(place):
    """Nor does it take the socket away."""
    with pytest.raises(ResidentError, match="another resident"):
        listen(place.folder)
    assert place.run("pass")[0] == 0


def test_folder_with_a_long_name_has_no_resident(tmp_path):
    """It says so; the gate works without one."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    with pytest.raises(ResidentError, match="too long"):
        listen(deep)


@pytest.fixture
def knocks(place) -> Iterator[Knocks]:
    """So many clients at once, less their processes; their connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    made: list[socket.socket] = []

    def come(count: int, person: Callable[[int], str], typed: str) -> list[socket.socket]:
        for number in range(count):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            made.append(one)
            one.connect(str(place.folder / knock.SOCKET))  # waits where the kernel's queue is full
            one.settimeout(PATIENCE_SECONDS)
            fields = [knock.PROTOCOL, typed, "", "", *place.words(person=person(number))]
            with Path("/dev/null").open("r+b", 0) as null:
                socket.send_fds(one, ["\0".join(fields).encode()], [null.fileno()] * 3)
        return made[-count:]

    yield come
    for one in made:
        one.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_at_once_do_not_pile_up(place, knocks):
    """A few run, some wait, all others are told at once; when they are gone the next one is served."""
    made = knocks(1000, lambda n: f"person{n}", "import time; time.sleep(1000)")
    answered = made[MOST_RUNNING + MOST_WAITING :]
    assert {one.recv(500)[:22] for one in answered} == {b"Berror: too many people"[:22]}
    assert {one.recv(500) for one in made[:MOST_RUNNING]} == {knock.STARTED}
    assert len(place.children()) == MOST_RUNNING
    memory = Path(f"/proc/{place.process.pid}/status").read_text()
    assert int(re.findall(r"VmRSS:\s+(\d+)", memory)[0]) < 100_000
    for one in made:
        one.close()
    until(lambda: not place.children())
    assert place.run("pass")[0] == 0


def test_one_person_cannot_take_all_places(place, knocks):
    """More of one are told at once; somebody else gets in."""
    made = knocks(MOST_OF_ONE + 1, lambda _: "alice", "import time; time.sleep(1000)")
    assert b"alice has 8 connections open" in made[-1].recv(500)
    assert place.run("pass", place.words(person="bob"))[0] == 0


def test_who_waits_and_goes_away_is_not_served_later(place, knocks):
    """Nor holds a place."""
    held = knocks(MOST_RUNNING, lambda n: f"person{n}", "import time; time.sleep(1000)")
    waiting = knocks(1, lambda _: "late", f"open({str(place.folder / 'ran')!r}, 'w')")
    waiting[0].close()
    for one in held:
        one.close()
    assert place.run("pass")[0] == 0
    until(lambda: not place.children())
    assert not (place.folder / "ran").exists()


def test_client_loads_next_to_nothing():
    """sshd starts it three times in a login."""
    script = (
        f"import sys; exec(open({knock.__file__!r}).read(), {{'__name__': 'x'}}); print(sorted(sys.modules))"
    )
    argv = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    for heavy in ("daypass", "socket", "signal", "enum", "re", "json", "typing", "collections"):
        assert f"'{heavy}'" not in done.stdout
