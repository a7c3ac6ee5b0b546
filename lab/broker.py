"""A lab host as a broker: Daypass installed as root, and people who come in with their keys."""

from __future__ import annotations

import importlib.metadata
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

import ansible_collections.daypass.ssh as collection
import daypass
from lab import api

HOME = "/opt/daypass"
PACKAGES = f"{HOME}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
PYTHON = f"{HOME}/bin/python"
CONFIG = "/etc/daypass/daypass.yaml"
NAME = "broker.example.com"
SECONDS = 120
LEFT_OUT = re.compile(r"/(tests|pip|hypothesis)/")


def needed() -> Iterator[importlib.metadata.Distribution]:
    """What Daypass runs on, as far as it is installed here."""
    seen: set[str] = set()
    waiting = ["daypass"]
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform, or an extra that isn't asked for
        if name != "daypass":
            yield found
        waiting += [
            re.split(r"[^A-Za-z0-9_.-]", one)[0] for one in found.requires or () if "extra ==" not in one
        ]


def cargo() -> bytes:
    """An archive with a virtual environment, bytecode too: on the host nobody may write it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        settings = f"home = /usr/bin\ninclude-system-site-packages = false\nexecutable = {sys.executable}\n"
        _add(archive, f"{HOME}/pyvenv.cfg", settings, 0o644)
        link = tarfile.TarInfo(PYTHON)
        link.type, link.linkname = (
            tarfile.SYMTYPE,
            f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}",
        )
        archive.addfile(link)
        for distribution in needed():
            for file in distribution.files or ():
                path = Path(str(distribution.locate_file(file)))
                if path.is_file() and ".." not in file.parts and not LEFT_OUT.search(f"/{file}"):
                    archive.add(path, f"{PACKAGES}/{file}", filter=of_root)
        archive.add(Path(daypass.__file__).parent, f"{PACKAGES}/daypass", filter=of_root)
        code = Path(next(iter(collection.__path__)))
        archive.add(code, f"{PACKAGES}/ansible_collections/daypass/ssh", filter=without_tests)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(text), mode
    archive.addfile(entry, io.BytesIO(text.encode()))


def of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Whoever owns it here; the times stay, since bytecode names them."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry


def without_tests(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "/ssh/tests" in entry.name else of_root(entry)


def configuration(approver: str, *groups: str) -> str:
    """A daypass.yaml by which everybody may ask for these user groups everywhere, and one person says yes.

    It names servers.json and directory.yaml, which stand beside it.
    """
    offered = ", ".join(groups)
    return f"""\
state_dir: /var/lib/daypass-broker
ca: {{key: {{file: /var/lib/daypass-broker/user_ca}}}}
directory: directory.yaml
integrations:
  - name: prod
    servers: servers.json
    secret: {{file: /etc/daypass/connector_key}}
    user_groups: [{offered}]
    local_deadline: if_possible
access_flows:
  - name: production
    requesters: everyone
    targets: {{integration: prod, user_groups: [{offered}]}}
    max_duration: 8h
    approvers: [{{user: {approver}}}]
"""


def stand_up(lab: api.Lab, host: api.Host, folder: Path, files: Mapping[str, str]) -> Broker:
    """Daypass on a host, set up by its own commands; people come in when this returns.

    Args:
        folder: On this machine, for keys.
        files: Name below /etc/daypass to content: `daypass.yaml` and what it names.
    """
    made = Broker(lab, host, folder)
    unpack = lab.exec_argv(host, ["tar", "-x", "-C", "/"], interactive=True)
    subprocess.run(unpack, input=cargo(), check=True)
    made.exec("install", "-d", "/etc/daypass")
    for name, text in files.items():
        made.write(f"/etc/daypass/{name}", text)
    made.write("/etc/daypass/connector_key", lab.connector_key.read_text())
    made.exec("chmod", "0600", "/etc/daypass/connector_key")
    made.daypass("init", "--config", CONFIG)
    made.daypass("gate", "install", "--config", CONFIG, "--broker", NAME)
    return made


@dataclass(frozen=True)
class Broker:
    """The broker from outside and, with root's eyes, from inside.

    Attributes:
        folder: On this machine: keys of people.
    """

    lab: api.Lab
    host: api.Host
    folder: Path

    def exec(
        self, *argv: str, check: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """As root on the broker."""
        return self.lab.exec(self.host, argv, check=check, input=stdin, timeout_seconds=SECONDS)

    def daypass(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`daypass …` as root on the broker."""
        return self.exec(PYTHON, "-m", "daypass", *words, check=check)

    def write(self, path: str, text: str) -> None:
        self.exec("sh", "-c", 'cat > "$1"', "sh", path, stdin=text)

    def key(self, name: str) -> Path:
        """A private key, made when first asked for."""
        path = self.folder / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path

    def public(self, name: str) -> str:
        return " ".join(self.key(name).with_suffix(".pub").read_text().split()[:2])

    def options(self, key: str, *more: str) -> list[str]:
        """This key, the lab's host keys, nothing of this machine's settings; what is given here wins."""
        words = ["-F", "none", "-i", str(self.key(key)), "-p", str(self.host.port)]
        settings = ["IdentitiesOnly=yes", "BatchMode=yes", "ControlPath=none", "ConnectTimeout=30"]
        settings += [f"UserKnownHostsFile={self.lab.known_hosts}", f"HostKeyAlias={self.host.name}"]
        return [*more, *words, *(word for one in settings for word in ("-o", one))]

    def ssh(
        self,
        key: str,
        *words: str,
        options: Sequence[str] = (),
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """`ssh daypass@broker …` with this person's key."""
        done = subprocess.run(
            [
                "ssh",
                *self.options(key, *options),
                f"daypass@{self.host.address}",
                *(["--", *words] if words else []),
            ],
            input=stdin,
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, **(environment or {})},
            check=False,
        )
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    @contextmanager
    def shared(self, key: str) -> Iterator[list[str]]:
        """Options for one connection for many commands, without a login for each."""
        with tempfile.TemporaryDirectory(prefix="ssh-") as folder:
            path = ["-o", f"ControlPath={folder}/c"]
            target = f"daypass@{self.host.address}"
            begin = ["ssh", *self.options(key, *path, "-o", "ControlMaster=yes"), "-N", "-f", target]
            subprocess.run(begin, check=True, timeout=SECONDS, stderr=subprocess.DEVNULL)
            try:
                yield path
            finally:
                subprocess.run(["ssh", *path, "-O", "exit", target], check=False, capture_output=True)

    def as_account(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`daypass …` as the gate's account, as an operator runs it."""
        account = ("setpriv", "--reuid=daypass", "--regid=daypass-broker", "--clear-groups")
        return self.exec(*account, PYTHON, "-m", "daypass", *words, check=check)

    def people(self, **entries: Mapping[str, object]) -> None:
        """Write the directory, as root would."""
        self.write("/etc/daypass/directory.yaml", directory(**entries))


def directory(**entries: Mapping[str, object]) -> str:
    """A directory's text: login to what it says beside the address."""
    people = [{"login": n, "email": f"{n}@example.com", **more} for n, more in entries.items()]
    text: str = yaml.safe_dump({"people": people})
    return text
