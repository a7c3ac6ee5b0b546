"""Commands through the gate: the person's own ssh, the words quoted, the answer made harmless or checked."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, TextIO

from daypass.client.address import Address
from daypass.client.terminal import Harmless
from daypass.errors import DaypassError, DeniedError, UsageError
from daypass.gate.words import join_words

PROGRAM = "ssh"
SSH_FAILED = 255  # ssh(1), EXIT STATUS; the gate's own codes are 0 to 4
SECONDS = 960  # the gate itself ends a command after 900; a passphrase may be asked for first
MOST_BYTES = 4_000_000  # of one answer: a thousand grants with all their servers
MOST_SAID = 1000  # characters of an error's sentence
LAST_LINES = 20  # of what ssh said, when it failed
# The host key is never taken unseen, whatever the person's own settings say, and what the gate refuses anyway
# isn't asked for. LogLevel: the goodbye of each connection with a terminal is left out, errors are not.
OPTIONS = (
    "StrictHostKeyChecking=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "PermitLocalCommand=no",
    "ControlPath=none",  # a connection that other settings made may never have looked at the host key
    "LogLevel=ERROR",
)
# What ssh says, and what to do about it; the first that fits counts.
REASONS = (
    (
        ("Host key verification failed", "host key is known for", "IDENTIFICATION HAS CHANGED"),
        "via_host_key",
        "the broker's host key isn't the one that this machine knows, or it knows none",
        "ask the operator for the line that `daypass gate install` printed, for ~/.ssh/known_hosts",
    ),
    (
        ("Permission denied", "Too many authentication failures"),
        "via_refused",
        "the gate doesn't know your key, or you have none here",
        "ask the operator: it must stand in the directory, at you alone; what ssh offers: {command} -v help",
    ),
    (
        ("Could not resolve", "Name or service not known"),
        "via_unknown",
        "no machine has that name",
        "check the address: --via ssh://daypass@broker.example.com, or $DAYPASS_VIA",
    ),
)


class GateError(DaypassError):
    """The gate wasn't reached, or what came from there isn't an answer."""

    code = "via_failed"


@dataclass(frozen=True)
class Answer:
    """What a command at the gate said.

    Attributes:
        code: 0 to 4 (design.md, Commands).
        said: Standard error, harmless for terminals.
    """

    code: int
    output: bytes
    said: str

    def value(self) -> Any:
        """The JSON value that was asked for; nothing in it is checked yet.

        Raises:
            GateError: `via_answer`: something else came.
        """
        try:
            return json.loads(self.output.decode("utf-8"))
        except (ValueError, RecursionError):
            raise GateError(
                f"what the gate sent isn't JSON (exit code {self.code}): {self.said[-400:] or 'nothing'}",
                hint="is the Daypass there of the same version? ssh … help shows what it offers",
                code="via_answer",
            ) from None

    def result(self) -> Any:
        """The JSON value, unless it is an error.

        Raises:
            UsageError, DeniedError, DaypassError: What the gate says went wrong, by its exit code.
            GateError: As `value`, or the command failed before it knew that JSON was wanted.
        """
        if self.code and not self.output.strip():
            said = self.said.strip() or "it didn't say why"
            raise GateError(f"the gate ended the command with {self.code}: {said[-400:]}")
        value = self.value()
        error = value.get("error") if isinstance(value, dict) else None
        if isinstance(error, dict):
            kind = {2: UsageError, 4: DeniedError}.get(self.code, DaypassError)
            parts = (str(error.get(name) or "")[:MOST_SAID] for name in ("message", "hint", "code"))
            sentence, hint, code = parts
            raise kind(sentence, hint=hint, code=code or "error")
        return value


@dataclass(frozen=True)
class Gate:
    """One gate; each command is a connection of its own, and there is never more than one."""

    address: Address
    program: str = PROGRAM

    def argv(self, words: Sequence[str], *, terminal: bool = False) -> list[bytes]:
        """The whole ssh command; the gate's words are one argument.

        Raises:
            UsageError: `words_odd`: the gate would refuse them.
        """
        text = join_words(words)
        argv = [self.program, "-tt" if terminal else "-T"]
        argv += [word for one in OPTIONS for word in ("-o", one)]
        argv += ["-p", str(self.address.port)] if self.address.port else []
        argv.append(self.address.destination)
        argv += ["--", text] if text else []
        return [word.encode("utf-8") for word in argv]

    def ask(self, words: Sequence[str], stdin: bytes = b"") -> Answer:
        """Run a command and take its answer.

        Args:
            stdin: What it gets to read: a public key.

        Raises:
            UsageError: As `argv`; nothing was sent.
            GateError: ssh itself failed, or the answer is too long.
        """
        with self._started(words, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as ssh:
            said = _Reader(ssh.stderr, None)
            output = _Bytes(ssh)
            _send(ssh.stdin, stdin)
            try:
                ssh.wait(SECONDS)
            except subprocess.TimeoutExpired:
                ssh.kill()
            output.join()
            said.join()
        code = self._code(ssh.returncode, said.text)
        if output.too_much:
            raise GateError(f"the gate's answer has more than {MOST_BYTES} bytes", code="via_answer")
        return Answer(code, output.data, said.text)

    def pass_on(self, words: Sequence[str], stdin: bytes = b"", *, terminal: bool) -> int:
        """Run a command whose text is shown as it comes; its exit code.

        Args:
            terminal: Standard input and output are one, and become the command's.

        Raises:
            UsageError: As `argv`; nothing was sent.
            GateError: ssh itself failed.
        """
        given = None if terminal else subprocess.PIPE
        with self._started(words, stdin=given, stderr=subprocess.PIPE, terminal=terminal) as ssh:
            readers = [_Reader(ssh.stdout, sys.stdout, terminal), _Reader(ssh.stderr, sys.stderr)]
            _send(ssh.stdin, stdin)
            for reader in readers:
                reader.join()
            ssh.wait()
        return self._code(ssh.returncode, readers[1].text)

    def _started(
        self, words: Sequence[str], *, stdin: int | None, stderr: int, terminal: bool = False
    ) -> subprocess.Popen[bytes]:
        argv = self.argv(words, terminal=terminal)
        try:
            return subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr)
        except OSError as error:
            raise GateError(
                f"ssh can't be started: {error.strerror}",
                hint="install OpenSSH's client: apt-get install openssh-client",
                code="via_no_ssh",
            ) from None

    def _code(self, code: int, said: str) -> int:
        if 0 <= code < SSH_FAILED:
            return code
        for marks, reason, sentence, hint in REASONS:
            if any(mark in said for mark in marks):
                told = hint.format(command=self.address.command)
                raise GateError(f"{self.address}: {sentence}", hint=told, code=reason)
        last = said.strip().rpartition("\n")[2]
        raise GateError(
            f"{self.address} wasn't reached: {last or 'ssh said nothing'}",
            hint=f"try it by hand: {self.address.command} help",
        )


def _send(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        return
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:
        pass  # whoever should read it has ended, and its exit code says why


class _Reader(threading.Thread):
    """Text of one stream, harmless; shown as it comes, or only its last lines kept."""

    def __init__(self, pipe: IO[bytes] | None, screen: TextIO | None, terminal: bool = False) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe or io.BytesIO()
        self._screen = screen
        self._harmless = Harmless(terminal=terminal)
        self._kept: deque[str] = deque(maxlen=LAST_LINES)
        self.start()

    @property
    def text(self) -> str:
        return "".join(self._kept)

    def run(self) -> None:
        with self._pipe:
            while data := self._pipe.read1(4096):  # type: ignore[attr-defined] # what a pipe gives has it
                self._show(self._harmless.feed(data))
        self._show(self._harmless.feed(b"", last=True))

    def _show(self, text: str) -> None:
        self._kept.append(text)
        try:
            if self._screen is not None:
                self._screen.write(text)
                self._screen.flush()
        except BrokenPipeError:
            self._screen = None  # whoever reads it has enough; the command goes on to its end


class _Bytes(threading.Thread):
    """The whole of an answer, as far as it may be long; a longer one ends the connection."""

    def __init__(self, ssh: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self._ssh = ssh
        self.data = b""
        self.too_much = False
        self.start()

    def run(self) -> None:
        self.data = (self._ssh.stdout or io.BytesIO()).read(MOST_BYTES + 1)
        if len(self.data) > MOST_BYTES:
            self.too_much = True
            self._ssh.kill()
