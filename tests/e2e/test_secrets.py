"""No secret leaves its place: looked for everywhere, during a wave and after a whole run."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from tests.commands import COMMAND_SECONDS

SERVER = "web-1"
SEARCHED_ON_HOSTS = ("/var/log", "/var/lib/daypass", "/etc/ssh/daypass", "/etc/sudoers.d", "/tmp", "/var/tmp")
LARGEST_FILE = 64 * 1024 * 1024


def needles(pem: bytes) -> list[bytes]:
    """Forms of a private key that a leak could have: its text, wrapped once more, its seed."""
    # In OpenSSH's format the first three lines of an ed25519 key hold nothing secret.
    body = [line for line in pem.split(b"\n") if line and not line.startswith(b"-----")][3:]
    seed = load_ssh_private_key(pem, None).private_bytes_raw()
    wrapped = base64.b64encode(pem)
    aligned = [base64.b64encode(b"\0" * shift + seed)[4:40] for shift in range(3)]
    return [
        *(line for line in body if len(line) >= 40),
        wrapped[300:360],
        seed,
        seed.hex().encode(),
        *aligned,
    ]


def found(content: bytes, secret: list[bytes]) -> bool:
    return any(needle in content for needle in secret)


def processes(own: set[int]) -> Iterator[tuple[str, bytes]]:
    """Arguments and environments of all processes but those that were handed the key by us.

    A child that hasn't started its program yet is still the process that it came from, arguments and all.
    """
    handed = {arguments_of(Path(f"/proc/{pid}")) for pid in own}
    for path in Path("/proc").glob("[0-9]*"):
        arguments = arguments_of(path)
        if int(path.name) in own or arguments in handed:
            continue
        try:
            name = (path / "comm").read_text().strip()
            yield f"{path}/cmdline ({name})", arguments
            yield f"{path}/environ ({name})", (path / "environ").read_bytes()
        except OSError:
            continue


def arguments_of(process: Path) -> bytes:
    """Empty for a process that is gone, a zombie, or the kernel's own."""
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def files(*roots: Path) -> Iterator[tuple[str, bytes]]:
    """Of folders that are there; one may go while it is looked at, which os.walk takes and rglob doesn't."""
    for folder, _folders, names in chain.from_iterable(os.walk(root) for root in roots):
        for path in (Path(folder, name) for name in names):
            try:
                if path.is_file() and not path.is_symlink() and path.stat().st_size < LARGEST_FILE:
                    yield str(path), path.read_bytes()
            except OSError:
                continue


@pytest.mark.essential
def test_the_keys_are_nowhere_but_in_their_files_and_the_agent(site, tidy):
    """Arguments, environments, run folders, artifacts, database, output, the servers' files and journals."""
    ca_key = site.folder / ".daypass/user_ca"
    secret = needles(site.lab.connector_key.read_bytes()) + needles(ca_key.read_bytes())
    assert found(ca_key.read_bytes(), secret)  # the control
    runs = Path(f"/dev/shm/daypass-{os.getuid()}")
    leaks: set[str] = set()
    looked: set[str] = set()

    process = site.start(*site.grant_words("sealed", SERVER, "web-2", groups=["ops"]), "-v")

    def watch() -> None:
        while process.poll() is None:
            for where, content in (*processes({os.getpid(), process.pid}), *files(runs)):
                looked.add(where.rpartition("/")[2].partition(" ")[2] or where.rpartition("/")[2])
                if found(content, secret):
                    leaks.add(where)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        out, err = process.communicate(timeout=COMMAND_SECONDS)
        watching.result()  # one that ended early has seen nothing
    assert process.returncode == 0, err
    assert {"(ssh)", "(ssh-agent)", "inventory.json"} <= looked  # the wave was seen at work
    assert leaks == set()

    revoked = site.run("revoke", site.granted("sealed", json.loads(out)).id, "-v")
    said = (out + err + revoked.out + revoked.err).encode()
    assert not found(said, secret)
    kept = dict(files(site.folder, runs))
    kept.pop(str(ca_key))
    assert [path for path, content in kept.items() if found(content, secret)] == []
    for host in site.lab.hosts:
        script = "cat $(find %s -type f) 2>/dev/null; journalctl --no-pager 2>/dev/null; true"
        shown = site.lab.exec(host, ["sh", "-c", script % " ".join(SEARCHED_ON_HOSTS)])
        assert not found(shown.stdout.encode("utf-8", "surrogateescape"), secret), host.name
