"""`daypass access ssh-config`: ssh, scp, sftp, rsync and git by a server's name alone, while access lasts."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daypass.client.places import Home, home_of
from daypass.client.ssh_config import MOST_CERTIFICATES
from tests.orchestrator import SSH_SECONDS, Orchestrator
from tests.waiting import wait_for

from .company import Company

SERVER, JUMP = "web-1", "web-2"
LOGIN = "roamer"
TARGETS = {"servers": [SERVER, JUMP], "user_groups": ["Default", "ops", "logs"]}
FLOW = {
    "name": "plain",
    "requesters": "everyone",
    "targets": TARGETS,
    "max_duration": "4h",
    "approvers": "none",
    "certificate": {"extensions": ["permit-pty", "permit-port-forwarding"]},
}
GIT = "/usr/local/bin/git"
UPLOAD = "/usr/local/bin/git-upload-pack"  # the same program; what it links to, every Debian has


@dataclass(frozen=True)
class Laptop:
    """A person's machine, with a home and programs that are told nothing but a server's name."""

    site: Orchestrator
    home: Home

    @property
    def config(self) -> Path:
        return self.home.ssh / "config"

    def ssh_config(self, *words: str, code: int = 0) -> str:
        """The command under test, for a key that nobody knew before."""
        here = ("--home", self.home.path, "--as", LOGIN)
        return self.site.run("access", "ssh-config", *here, *words, code=code).out

    def run(self, *argv: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A program that reads this home's configuration of ssh, with no agent and nobody to ask."""
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.home.path),
            "GIT_SSH_COMMAND": f"ssh -F {shlex.quote(str(self.config))}",
        }
        return subprocess.run(
            [str(word) for word in argv],
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SSH_SECONDS,
            check=False,
        )

    def ssh(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("ssh", "-F", self.config, "-o", "LogLevel=ERROR", *words)

    def files(self) -> set[str]:
        return {path.name for path in self.home.path.rglob("*") if path.is_file()}


@pytest.fixture
def company(site: Orchestrator) -> Iterator[Company]:
    """The server stands behind the other one."""
    listed = site.folder / "servers.json"
    before = listed.read_text()
    jump = site.lab.host(JUMP)
    entries = json.loads(before)
    for entry in entries:
        if entry["name"] == SERVER:
            entry["proxy_jump"] = f"{jump.address}:{jump.port}"
    listed.write_text(json.dumps(entries))
    made = Company(site)
    made.write([{"login": LOGIN}], [FLOW])
    yield made
    made.restore()
    listed.write_text(before)


@pytest.fixture
def laptop(site: Orchestrator, tmp_path: Path) -> Laptop:
    return Laptop(site, home_of(tmp_path / "laptop"))


def ask(company: Company, server: str, group: str, length: str) -> Any:
    words = ("request", "new", "--server", server, "--group", group, "--for", length, "--reason", "INC-3")
    return company.as_(LOGIN, *words)["grant"]


@pytest.fixture
def repository(site: Orchestrator) -> Iterator[str]:
    """A repository on the server, which has no git of its own: this machine's is lent to it."""
    argv = site.lab.exec_argv(
        site.lab.host(SERVER),
        ["sh", "-c", f"cat > {GIT} && chmod 755 {GIT} && ln -s {GIT} {UPLOAD}"],
        interactive=True,
    )
    git = shutil.which("git")
    assert git is not None
    subprocess.run(argv, input=Path(git).read_bytes(), check=True, timeout=SSH_SECONDS)
    path = "/srv/plain.git"
    yield path
    site.lab.exec(SERVER, ["rm", "-rf", GIT, UPLOAD, path])


def test_programs_need_a_servers_name_and_nothing_else(site, company, laptop, repository, tidy, tmp_path):
    """Through the jump host, by the certificate for this machine's own key; two grants at a time add up, the
    shorter one opens where the longer one is gone, and what has ended leaves nothing behind.
    """
    ask(company, JUMP, "ops", "3h")
    shorter, longer = ask(company, SERVER, "ops", "1h"), ask(company, SERVER, "logs", "2h")
    assert "no certificate" in laptop.ssh_config("--check")
    assert laptop.files() == set()
    laptop.ssh_config("--no-passphrase", "--yes")
    assert laptop.run("ssh", "-F", laptop.config, "-G", SERVER).stdout.count(f"proxyjump {JUMP}\n") == 1

    inside = laptop.ssh(SERVER, "id -un; id -Gn")
    login, groups = inside.stdout.splitlines()
    assert (login, {"ops", "logs"} <= set(groups.split())) == (LOGIN, True), inside

    sent = tmp_path / "sent"
    sent.write_text("by scp")
    assert laptop.run("scp", "-F", laptop.config, sent, f"{SERVER}:sent").returncode == 0
    back = tmp_path / "back"
    assert (
        laptop.run("sftp", "-F", laptop.config, "-b", "-", SERVER, stdin=f"get sent {back}\n").returncode == 0
    )
    assert back.read_text() == "by scp"
    lend(site, "/usr/bin/rsync")
    synced = tmp_path / "synced"
    assert laptop.run("rsync", "-e", f"ssh -F {laptop.config}", f"{SERVER}:sent", synced).returncode == 0
    assert synced.read_text() == "by scp"
    clone(site, laptop, repository, tmp_path)
    by_agent(laptop, tmp_path)

    (ended,) = laptop.home.folder.glob(f"*/{longer['id']}-2-cert.pub")
    before = [shutil.copy(ended, tmp_path / f"{n}-cert.pub") for n in range(MOST_CERTIFICATES - 1)]
    company.as_(LOGIN, "access", "end", longer["id"], "--yes")
    assert laptop.ssh(SERVER, "id -un").stdout == f"{LOGIN}\n"
    laptop.ssh_config()
    first = [f"-oCertificateFile={file}" for file in before]
    assert laptop.ssh(*first, SERVER, "id -un").stdout == f"{LOGIN}\n", "sshd hangs up too early"
    assert f"{shorter['id']}-2-cert.pub" in laptop.files()
    assert not any(name.startswith(longer["id"]) for name in laptop.files())

    for one in company.as_(LOGIN, "access", "list"):
        company.as_(LOGIN, "access", "end", one["id"], "--yes")
    over = laptop.ssh(JUMP, "true")
    assert (over.returncode, "Permission denied (publickey)" in over.stderr) == (255, True), over
    laptop.ssh_config()
    assert laptop.files() == {"config", "daypass", "daypass.pub"}
    assert laptop.config.read_text() == f"{laptop.home.include}\n"
    laptop.ssh_config("--remove", "--yes")
    assert laptop.config.read_text() == ""


def lend(site: Orchestrator, program: str) -> None:
    """Put a program of this machine, with the libraries that it is linked to, on the server."""
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    files = [program, *re.findall(r"=> (/\S+)", linked)]
    archive = subprocess.run(["tar", "-chP", *files], capture_output=True, check=True)
    argv = site.lab.exec_argv(site.lab.host(SERVER), ["tar", "-xP", "--skip-old-files"], interactive=True)
    subprocess.run(argv, input=archive.stdout, check=True)


def by_agent(laptop: Laptop, folder: Path) -> None:
    """The first login hands the key over, without a certificate; from then on the file isn't needed."""
    socket, key = folder / "agent", laptop.home.key("daypass")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        assert wait_for(socket.exists)
        words = (f"-oIdentityAgent={socket}", JUMP, "id -un")
        assert laptop.ssh(*words).stdout == f"{LOGIN}\n"
        held = laptop.run("env", f"SSH_AUTH_SOCK={socket}", "ssh-add", "-L").stdout.splitlines()
        assert [line.split()[0] for line in held] == ["ssh-ed25519"]
        away = key.rename(folder / "away")
        assert laptop.ssh(*words).stdout == f"{LOGIN}\n"
        away.rename(key)
    finally:
        agent.terminate()
        agent.wait()


def clone(site: Orchestrator, laptop: Laptop, path: str, folder: Path) -> None:
    """`git clone web-1:…` of what lies on the server."""
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "safe.directory=*")
    work = folder / "work"
    for words in (("init", "-q", work), ("-C", work, "commit", "-q", "--allow-empty", "-m", "Begin")):
        done = laptop.run(*git, *words)
        assert done.returncode == 0, done
    made = laptop.run(*git, "clone", "-q", "--bare", work, folder / "bare")
    assert made.returncode == 0, made
    archive = subprocess.run(
        ["tar", "-c", "-C", folder / "bare", "."], capture_output=True, check=True
    ).stdout
    unpack = f"mkdir {path} && tar -x -C {path} && chown -R {LOGIN}: {path}"
    argv = site.lab.exec_argv(site.lab.host(SERVER), ["sh", "-c", unpack], interactive=True)
    subprocess.run(argv, input=archive, check=True, timeout=SSH_SECONDS)
    cloned = laptop.run(*git, "clone", "-q", f"{SERVER}:{path}", folder / "cloned")
    assert cloned.returncode == 0, cloned
    assert laptop.run(*git, "-C", folder / "cloned", "log", "--format=%s").stdout == "Begin\n"
