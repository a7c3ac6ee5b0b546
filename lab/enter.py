"""Run a command in a running container as `podman exec` would, without podman: a fiftieth of its time.

`python -I -S enter.py PID own|all stdin|nothing COMMAND [ARGUMENT…]`, as root. PID is the container's
first process as this machine numbers it. The command gets that process's namespaces, cgroups, limits,
environment and bounding set of capabilities (`own`), or all of them (`all`, as `podman exec --privileged`).
It ends with the command's code, or 128 and its signal; when it is killed, so is the command. Only system
calls aren't filtered.

Sources: setns(2), cgroups(7), capabilities(7), prctl(2).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import warnings  # noqa: F401 # os.execvpe imports it, when the disk is another one already
from collections.abc import Iterator, Sequence

NAMESPACES = ("cgroup", "ipc", "uts", "net", "pid", "mnt")  # mnt last: /proc is another one behind it
CGROUPS = "/sys/fs/cgroup"
LAST_CAPABILITY = 63
PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24
LIMITS = (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK)
USUAL_FILES = 1024  # what programs begin with; systemd raises its own limit
NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as shells say it
LIBC = ctypes.CDLL(None, use_errno=True)


def read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 # pathlib would double the time that this program takes
        return file.read()


def cgroup_folders(pid: int) -> Iterator[tuple[str, str]]:
    """For each hierarchy: the container's own cgroup, and the one that its first process is in."""
    for line in read(f"/proc/{pid}/cgroup").decode().splitlines():
        _, controllers, path = line.split(":", 2)
        name = controllers.removeprefix("name=")
        mixed = os.path.isdir(f"{CGROUPS}/unified")  # noqa: PTH112 # as above
        unified = f"{CGROUPS}/unified" if mixed else CGROUPS
        folder = f"{CGROUPS}/{name}{path}" if name else f"{unified}{path}"
        yield folder.removesuffix("/init.scope"), folder


def join_cgroups(pid: int) -> None:
    """Version 2 lets nobody into a cgroup that has others below it: then it is that of the first process."""
    for folders in cgroup_folders(pid):
        for folder in folders:
            with contextlib.suppress(OSError):
                file = os.open(f"{folder}/cgroup.procs", os.O_WRONLY)
                try:
                    os.write(file, b"0")
                finally:
                    os.close(file)
                break


def join_namespaces(files: Sequence[int]) -> None:
    for file in files:
        if LIBC.setns(file, 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        os.close(file)
    os.chdir("/")


def bounding_set(pid: int) -> int:
    """The capabilities that the process could ever have, one bit each."""
    (text,) = (
        line.split()[1] for line in read(f"/proc/{pid}/status").splitlines() if line.startswith(b"CapBnd:")
    )
    return int(text, 16)


def drop_capabilities(kept: int) -> None:
    for number in range(LAST_CAPABILITY + 1):
        if not kept >> number & 1:
            LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # fails for numbers that this kernel doesn't know


def become(pid: int, kept: int, files: Sequence[int], words: Sequence[str]) -> None:
    """The command's own process: in the PID namespace already; never returns."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    environment = dict(
        part.split(b"=", 1) for part in read(f"/proc/{pid}/environ").split(b"\0") if b"=" in part
    )
    environment.pop(b"container_uuid", None)
    join_cgroups(pid)
    os.setsid()
    os.umask(0o022)
    join_namespaces(files)
    drop_capabilities(kept)
    os.execvpe(words[0], list(words), {**environment, b"HOME": b"/root"})  # noqa: S606 # an argument list


def begin(pid: int, kept: int, words: Sequence[str]) -> int:
    """Fork into the container's PID namespace; the PID of the command's own process."""
    files = {name: os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY) for name in NAMESPACES}
    pids = files.pop("pid")
    for name in LIMITS:  # by the machine's number of the process, which means nothing in its PID namespace
        soft, hard = resource.prlimit(pid, name)
        limits = (min(soft, USUAL_FILES) if name == resource.RLIMIT_NOFILE else soft, hard)
        # A limit of ours that is lower, as Daypass sets it for core files, can't be raised everywhere.
        with contextlib.suppress(ValueError):
            resource.setrlimit(name, limits)
    if LIBC.setns(pids, 0) != 0:  # for our children; they see the machine's /proc until they are behind `mnt`
        raise OSError(ctypes.get_errno(), "setns")
    child = os.fork()
    if child == 0:
        try:
            become(pid, kept, list(files.values()), words)
        except OSError as error:
            os.write(2, f"{words[0]}: {error.strerror}\n".encode())
            os._exit(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE)
    return child


def wait(child: int) -> int:
    """The command's exit code, once it has ended."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def main(first: str, kept: str, given: str, *words: str) -> int:
    """Run the command to its end; its exit code."""
    if given == "nothing":
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return wait(begin(int(first), bounding_set(int(first)) if kept == "own" else -1, words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
