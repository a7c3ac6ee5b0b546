"""Runs on a lab host: what a loop of kills needn't wait or search for, and a copy of files without programs.

A loop proves what is written in which order. A killed process leaves its writes with the kernel, so nothing
has to reach the disk; waiting for processes that go late and the search of the whole disk for setuid files
have tests of their own (`deadline/`, `unit/collection/sessions`). The way back's program is packed once, and
sshd asked once for what holds with the same files.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH101, PTH104, PTH108, PTH110, PTH113, PTH116, PTH118, PTH123
from __future__ import annotations

import hashlib
import os
import pickle
import tempfile

from daypass_host.effects import children
from daypass_host.onboarding import way_back
from daypass_host.sessions import processes, setid_files


def begin() -> None:
    """Leave out what a loop doesn't prove."""
    processes.SWEEP_AFTER_SECONDS = 0.02
    setid_files.ROOT = "/home"
    os.fsync = lambda descriptor: None
    packed = way_back.program_bytes()
    way_back.program_bytes = lambda: packed
    remember_sshd()


def remember_sshd() -> None:
    """Have `sshd -T` say what it said before where its words, its files and the accounts are the same."""
    folder, ask = tempfile.mkdtemp(prefix="said-", dir="/run"), children.run

    def run(argv, stdin, seconds, held, begun):
        if "-T" not in argv:
            return ask(argv, stdin, seconds, held, begun)
        path = f"{folder}/{what_sshd_reads(argv)}"
        if os.path.exists(path):
            begun()
            with open(path, "rb") as file:
                return pickle.load(file)  # noqa: S301 # our own, in a folder of root's
        said = ask(argv, stdin, seconds, held, begun)
        with open(f"{path}.{os.getpid()}", "wb") as file:
            pickle.dump(said, file)
        os.rename(file.name, path)  # a kill leaves no half of an answer
        return said

    children.run = run


def what_sshd_reads(argv: list[str]) -> str:
    """A digest of its words, of all files below /etc/ssh or named in them, and of who is in which group."""
    found = ["/etc/passwd", "/etc/group", *(word for word in argv if os.path.isfile(word))]
    for folder, _folders, names_ in os.walk("/etc/ssh"):
        found += [os.path.join(folder, name) for name in names_]
    digest = hashlib.sha256(repr(argv).encode())
    for path in sorted(found):
        digest.update(f"\n{path}\n".encode())
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


class Kept:
    """Files as they were: content, owner and mode; those that weren't there go."""

    def __init__(self, paths: list[str]) -> None:
        self._files = {path: self._read(path) for path in paths}

    def _read(self, path: str) -> tuple[bytes, os.stat_result] | None:
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            return file.read(), os.stat(path)

    def give_back(self) -> None:
        """Have all of them as they were."""
        for path, kept in self._files.items():
            if kept is None:
                if os.path.lexists(path):
                    os.unlink(path)
                continue
            content, status = kept
            with open(path, "wb") as file:
                file.write(content)
            os.chown(path, status.st_uid, status.st_gid)
            os.chmod(path, status.st_mode & 0o7777)
