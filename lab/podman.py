"""podman's command line: argument lists in, text out. Nothing here knows what a lab is for."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from lab import machine, state
from lab.errors import LabError
from lab.model import Host, Kind

LABEL = "daypass.lab"
"""Label with the lab's name. Only containers with it and with this state folder are ever touched."""

STATE_LABEL = "daypass.lab.state"
ADDRESS_LABEL = "daypass.lab.address"

SNAPSHOTS = "localhost/daypass-lab-snapshot"

CAPABILITIES = (
    # Beyond podman's default: what root of a server has and access management meets, short of anything
    # that reaches the machine around it (no SYS_ADMIN, SYS_MODULE, SYS_BOOT, SYS_TIME, NET_ADMIN).
    "AUDIT_CONTROL",  # pam_loginuid, where the machine's own login has set a login uid already
    "AUDIT_WRITE",
    "DAC_READ_SEARCH",
    "IPC_OWNER",
    "LINUX_IMMUTABLE",
    "MKNOD",
    "SYS_NICE",
    "SYS_PTRACE",  # root reads /proc/PID/{exe,root} of other users
    "SYS_RESOURCE",
)

PROCESSES_PER_HOST = 4096

STOP_SECONDS = 10
LOOK_SECONDS = 0.3  # how often it is looked whether a program ended that left somebody with its output


def missing() -> list[str]:
    """Programs that the lab needs and this machine lacks."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return [program for program in ("podman", "mmdebstrap", "ssh") if not shutil.which(program, path=path)]


def container_name(lab: str, host: str) -> str:
    """Name of the container that a host of a lab runs in."""
    return f"daypass-lab-{lab}-{host}"


@functools.cache
def _base() -> tuple[str, ...]:
    settings = machine.settings_file()
    return tuple(machine.privileged(["env", f"CONTAINERS_CONF={settings}", "podman"]))


def argv(*words: str) -> list[str]:
    """A podman command as this user has to start it."""
    return [*_base(), *words]


def finish(
    words: Sequence[str], *, stdin: str | None = None, timeout_seconds: float | None = 300
) -> subprocess.CompletedProcess[str]:
    """Run a command of podman's or on a host to its end, however it ends.

    What it leaves running may hold its output; nobody waits for the end of those. It has pipes, as over SSH:
    programs such as sudo break their lines elsewhere.

    Raises:
        LabError: `podman_hangs` after the time.
    """
    started = time.monotonic()
    with (
        source(stdin) as given,
        subprocess.Popen(words, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process,
    ):
        while True:
            try:
                out, err = process.communicate(timeout=LOOK_SECONDS)
                break
            except subprocess.TimeoutExpired as late:
                if process.poll() is not None:
                    out = (late.output or b"") + _at_hand(process.stdout)
                    err = (late.stderr or b"") + _at_hand(process.stderr)
                    break
                if timeout_seconds is not None and time.monotonic() - started > timeout_seconds:
                    process.kill()
                    raise too_long(words, timeout_seconds) from late
    return completed(words, process.returncode, out, err)


def too_long(words: Sequence[str], timeout_seconds: float) -> LabError:
    """The error for a command that was ended."""
    return LabError("podman_hangs", f"{' '.join(words[:4])} took over {timeout_seconds} s")


def completed(words: Sequence[str], code: int, out: bytes, err: bytes) -> subprocess.CompletedProcess[str]:
    """What a command said, as text that gives its bytes back."""
    said = [text.decode("utf-8", "surrogateescape") for text in (out, err)]
    return subprocess.CompletedProcess(words, code, *said)


def _at_hand(stream: IO[bytes] | None) -> bytes:
    """What a program that ended has left in its pipe: it may have said that since the last look."""
    said = b""
    if stream is not None and not stream.closed:
        os.set_blocking(stream.fileno(), False)
        with suppress(BlockingIOError):  # somebody else holds it open, and says nothing
            while part := os.read(stream.fileno(), 1 << 16):
                said += part
    return said


@contextmanager
def source(stdin: str | None) -> Iterator[IO[bytes]]:
    """A file with what is to be read: `communicate`, called again after a time-out, sends nothing more."""
    if stdin is None:
        with Path(os.devnull).open("rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin.encode("utf-8", "surrogateescape"))
        file.seek(0)
        yield file


def run(
    *words: str, stdin: str | None = None, check: bool = True, timeout_seconds: float | None = 300
) -> subprocess.CompletedProcess[str]:
    """Run podman and wait for it.

    Raises:
        LabError: `podman_failed` with what podman said, when `check` is set; `podman_hangs` after the time.
    """
    done = finish(argv(*words), stdin=stdin, timeout_seconds=timeout_seconds)
    if check and done.returncode != 0:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise LabError("podman_failed", f"podman {words[0]} failed: {said}")
    return done


def containers(lab: str | None = None) -> dict[str, Mapping[str, Any]]:
    """All containers of labs on this machine, or those of one lab, by container name.

    Labs of other state folders are among them; see `is_ours`.
    """
    label = LABEL if lab is None else f"{LABEL}={lab}"
    listed = json.loads(run("ps", "--all", "--format", "json", "--filter", f"label={label}").stdout or "[]")
    return {entry["Names"][0]: entry for entry in listed or []}


def is_ours(container: Mapping[str, Any]) -> bool:
    """Whether a container belongs to this state folder."""
    return bool((container.get("Labels") or {}).get(STATE_LABEL) == str(state.root()))


def is_running(container: Mapping[str, Any] | None) -> bool:
    """Whether a container's processes exist (a paused one counts)."""
    return container is not None and container.get("State") in ("running", "paused")


def run_words(lab: str, host: Host, image_reference: str, seed: Path) -> list[str]:
    """The `podman run` arguments of a host.

    The network is the machine's own, so that sshd binds the host's loopback address and nothing else;
    every other namespace is the host's own.
    """
    words = ["run", "--detach", "--name", container_name(lab, host.name), "--pull=never"]
    words += ["--network=host", "--uts=private", "--hostname", host.name]
    words += ["--add-host", f"{host.name}:{host.address}"]
    words += ["--label", f"{LABEL}={lab}", "--label", f"{STATE_LABEL}={state.root()}"]
    words += ["--label", f"{ADDRESS_LABEL}={host.address}"]
    words += ["--log-driver=none", f"--pids-limit={PROCESSES_PER_HOST}", "--security-opt=apparmor=unconfined"]
    words += [f"--cap-add={','.join(CAPABILITIES)}", "--volume", f"{seed}:/mnt/lab-seed:ro"]
    if host.kind is Kind.FULL:
        return [*words, "--systemd=always", image_reference, "/sbin/init"]
    return [*words, "--systemd=false", "--init", image_reference, "/usr/local/sbin/lab-light"]


def snapshot_reference(lab: str, host: str) -> str:
    """podman's name of the image that keeps a host's disk."""
    return f"{SNAPSHOTS}:{lab}-{host}"


def remove_snapshots(lab: str) -> None:
    """Delete all kept disks of a lab of this state folder: a committed image has its container's labels."""
    filters = [f"label={LABEL}={lab}", f"label={STATE_LABEL}={state.root()}"]
    listed = run("image", "ls", "--quiet", *(word for text in filters for word in ("--filter", text)))
    for image in set(listed.stdout.split()):
        run("image", "rm", "--force", image)


def remove(container_names: Sequence[str]) -> None:
    """Kill and delete containers; those that are gone already don't matter."""
    for start in range(0, len(container_names), 50):
        run("rm", "--force", "--ignore", "--time=0", *container_names[start : start + 50])
