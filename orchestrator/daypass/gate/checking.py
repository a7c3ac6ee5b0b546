"""Look at a broker from outside, with one's own key: what must work works, and nothing else does."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from daypass.errors import UsageError

SECONDS = 30
DENIED = "Permission denied (publickey)"
SHELL_MARK = "daypass-gate-42"  # what a shell would print, and the words that ask for it don't hold


@dataclass(frozen=True)
class Probe:
    """One thing that was tried."""

    what: str
    ok: bool
    found: str


@dataclass(frozen=True)
class Target:
    """How to reach the broker: as ssh would, by its own settings and known hosts.

    Attributes:
        destination: `daypass@broker.example.com`.
        options: More words for ssh, such as `-p 2222` or `-i FILE`.
    """

    destination: str
    options: tuple[str, ...] = ()

    def run(
        self, *words: str, before: Sequence[str] = (), stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        argv = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={SECONDS}", "-o", "ControlPath=none"]
        argv += [*before, *self.options, self.destination, *(["--", *words] if words else [])]
        try:
            return subprocess.run(
                argv,
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(argv, 255, "", f"no end within {SECONDS} s")


def probes(target: Target) -> Iterator[Probe]:
    """Everything in turn; the first ones say whether the others mean anything.

    Raises:
        UsageError: The destination isn't one.
    """
    if target.destination.startswith("-") or not target.destination.isprintable():
        raise UsageError(
            f"{target.destination!r} isn't a destination", hint="daypass gate check daypass@broker"
        )
    shown = target.run("help")
    known = shown.returncode == 0 and "request" in shown.stdout
    yield Probe("host key known, own key let in, commands answer", known, _said(shown))
    if not known:
        return
    yield _ends("settings and record can be read there", target.run("access", "list"), 0)
    yield _stranger(target)
    yield _ends("other programs don't run", target.run("sh", "-c", "id"), 2)
    yield _ends("a second command doesn't run", target.run("help;id"), 2)
    yield _without_shell(target)
    for what, before in FORWARDINGS:
        done = target.run("help", before=("-o", "ExitOnForwardFailure=yes", *before))
        yield Probe(what, done.returncode == 255, _said(done))
    through = target.run(before=("-W", "localhost:22"))
    yield Probe("no connection goes through (-W)", through.returncode != 0, _said(through))
    yield _no_sftp(target)


FORWARDINGS = (
    ("no port is opened there (-R)", ("-R", "0:localhost:22")),
    ("no tunnel", ("-w", "any:any")),
)


def _stranger(target: Target) -> Probe:
    """A key that was made just now, and no other: no agent, no passwords."""
    with tempfile.TemporaryDirectory(prefix="daypass-gate-") as folder:
        key = Path(folder) / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=SECONDS
        )
        only = ("-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", f"IdentityFile={key}")
        bare = Target(target.destination, _without_identity(target.options))
        done = bare.run("help", before=only)
    return Probe("a key of nobody is refused", done.returncode == 255 and DENIED in done.stderr, _said(done))


def _without_identity(options: Sequence[str]) -> tuple[str, ...]:
    pairs = zip(options[::2], options[1::2], strict=True)
    return tuple(word for pair in pairs if pair[0] != "-i" for word in pair)


def _without_shell(target: Target) -> Probe:
    done = target.run(stdin="echo daypass-gate-$((6*7))\nexit\n")
    return Probe("there is no shell", SHELL_MARK not in done.stdout + done.stderr, _said(done))


def _no_sftp(target: Target) -> Probe:
    """An sftp server would wait for its first message, and end well when none comes."""
    done = target.run("sftp", before=("-s",))
    return Probe("no files (sftp)", done.returncode != 0, _said(done))


def _ends(what: str, done: subprocess.CompletedProcess[str], code: int) -> Probe:
    return Probe(what, done.returncode == code, _said(done))


def _said(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return f"exit code {done.returncode}" + (f": {lines[-1][:200]}" if lines else "")
