"""A lab's folder: keys, the record of its hosts, the server list, and the locks around them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import keys
from lab.errors import LabError
from lab.model import CONNECTOR, Host, Kind, server_entry

RECORD = "lab.json"


@dataclass(frozen=True)
class Record:
    """What is known of a lab before podman is asked: its address blocks and its hosts."""

    name: str
    blocks: tuple[int, ...] = ()
    hosts: tuple[Host, ...] = field(default_factory=tuple)


def root() -> Path:
    """Folder of all labs of this user: `$XDG_STATE_HOME/daypass-lab` (XDG base directory specification)."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "daypass-lab"


def folder(name: str) -> Path:
    """Folder of one lab; it need not exist."""
    return root() / "labs" / name


def seed_folder(name: str, host: str) -> Path:
    """What a host of a lab gets mounted: its host key, its sshd options, the connector's public key."""
    return folder(name) / "hosts" / host


@contextmanager
def lock(what: str) -> Iterator[None]:
    """Hold the lock of this name among all processes of this user; wait for it."""
    place = root() / "locks"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (place / what).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def names() -> list[str]:
    """Names of all labs that have a folder, half-made ones too."""
    return sorted(path.name for path in (root() / "labs").glob("*"))


def load(name: str) -> Record | None:
    """Read a lab's record; None when there is no such lab.

    Raises:
        LabError: `record_broken`, when the file isn't what `save` wrote.
    """
    path = folder(name) / RECORD
    try:
        raw = json.loads(path.read_text())
        hosts = tuple(Host(**{**entry, "kind": Kind(entry["kind"])}) for entry in raw["hosts"])
        return Record(raw["name"], tuple(raw["blocks"]), hosts)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        sentence = f"{path} is not a lab's record: {error!r}"
        raise LabError("record_broken", sentence, f"lab down --name {name}") from error


def save(record: Record) -> None:
    """Write a lab's record and the files that follow from it."""
    place = folder(record.name)
    write(place / "servers.json", to_json([server_entry(record.name, host) for host in record.hosts]))
    lines = [f"{host.name},{known_as(host)} {host.host_key}\n" for host in record.hosts]
    write(place / "known_hosts", "".join(lines))
    write(place / RECORD, to_json(asdict(record)))


def known_as(host: Host) -> str:
    """The address as it stands in a known_hosts file (sshd(8))."""
    return host.address if host.port == 22 else f"[{host.address}]:{host.port}"


def to_json(value: object) -> str:
    """JSON as people read it, with a newline at the end."""
    return json.dumps(value, indent=2) + "\n"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all, with this mode whatever the umask."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as handle:
        os.fchmod(handle.fileno(), mode)
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def prepare(name: str) -> None:
    """Make the lab's folder and its connector key, where they aren't there yet."""
    place = folder(name)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = place / "connector_key"
    if not private.exists():
        pair = keys.new_key(f"{CONNECTOR}@lab-{name}")
        write(place / "connector_key.pub", pair.public + "\n", 0o644)
        write(private, pair.private)


def seed(name: str, host: str, listen: str, sshd_options: Sequence[str]) -> str:
    """Lay out what the host takes over at its first boot; return its public host key.

    `listen` is the ADDRESS:PORT of its sshd.

    A host key that is there already is kept, so a recreated host is known by the same key.
    """
    place = seed_folder(name, host)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = place / "ssh_host_ed25519_key"
    public = place / "ssh_host_ed25519_key.pub"
    if not private.exists():
        pair = keys.new_key(f"root@{host}")
        write(public, pair.public + "\n", 0o644)
        write(private, pair.private)
    options = " ".join(f"-o {option}" for option in (f"ListenAddress={listen}", *sshd_options))
    write(place / "default-ssh", f'SSHD_OPTS="{options}"\n', 0o644)
    write(place / "authorized_keys", (folder(name) / "connector_key.pub").read_text(), 0o644)
    return " ".join(public.read_text().split()[:2])


def remove(name: str) -> None:
    """Delete a lab's folder."""
    shutil.rmtree(folder(name), ignore_errors=True)
