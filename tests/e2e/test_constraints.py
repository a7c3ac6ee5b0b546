"""What a flow binds and permits holds on a real sshd, for its own certificates and for those of a thief."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from daypass.domain.certificates import PTY_ONLY, Certificate, Constraints
from tests.together import Wanted, give_together

from .conftest import Orchestrator, end_everything

SERVER = "web-2"
NEAR = "127.80.0.1"  # loopback has many addresses, and each of them reaches the hosts
FORCED = r'printf "%s\n" "forced: $SSH_ORIGINAL_COMMAND"'
PORTS, AGENT, X11 = "permit-port-forwarding", "permit-agent-forwarding", "permit-X11-forwarding"
PEOPLE = {
    "plain": Constraints(),
    "forced": Constraints({"force-command": FORCED}, (*PTY_ONLY, PORTS)),
    "near": Constraints({"source-address": "127.80.0.0/24,2001:db8::/32"}),
    "editor": Constraints({}, (*PTY_ONLY, PORTS)),
    "agent": Constraints({}, (AGENT,)),
    "xorg": Constraints({}, (*PTY_ONLY, X11)),
    "mute": Constraints({}, ()),
    "files": Constraints({"force-command": "internal-sftp"}, ()),
}
EVERYTHING = ["-O", "permit-X11-forwarding", "-O", "permit-agent-forwarding", "-O", "permit-port-forwarding"]


@dataclass(frozen=True)
class Person:
    """Somebody with a grant, who comes with a certificate of it or with one that a thief made."""

    site: Orchestrator
    login: str
    grant: str
    principal: str
    key: Path
    certificate: Path

    def argv(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        words = self.site.lab.ssh_argv(SERVER, *command, user=self.login, key=self.key)
        words[1:1] = ["-o", f"CertificateFile={self.certificate}", *options]
        return words

    def ssh(self, *command: str, options: tuple[str, ...] = (), **more) -> subprocess.CompletedProcess[str]:
        words = self.argv(*command, options=options)
        more.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, **more)

    def forged(self, *options: str) -> Person:
        """With the CA's key stolen: a certificate for the grant's own principal, as the thief likes it."""
        found = self.certificate.with_name(f"thief-{self.login}-cert.pub")
        public = found.with_name(f"thief-{self.login}.pub")
        public.write_bytes(Path(f"{self.key}.pub").read_bytes())
        words = ["ssh-keygen", "-q", "-s", str(self.site.folder / ".daypass/user_ca"), "-I", "thief"]
        subprocess.run([*words, "-n", self.principal, *options, str(public)], check=True, capture_output=True)
        return replace(self, certificate=found)


@pytest.fixture(scope="module")
def people(site: Orchestrator) -> Iterator[dict[str, Person]]:
    """Everybody's grant, in one wave; recorded as a flow's decision is."""
    wanted = {login: Wanted((SERVER,), constraints=bounds) for login, bounds in PEOPLE.items()}
    signed = give_together(site, wanted)
    site.lab.exec(
        SERVER, ["sh", "-c", "printf '#!/bin/sh\\nexit 0\\n' >/usr/bin/xauth; chmod 755 /usr/bin/xauth"]
    )
    yield {login: person(site, login, certificate) for login, certificate in signed.items()}
    end_everything(site)
    site.lab.exec(SERVER, ["rm", "/usr/bin/xauth"])


def person(site: Orchestrator, login: str, certificate: Certificate) -> Person:
    assert certificate.text is not None
    path = site.folder / "keys" / f"flow-{login}-cert.pub"
    path.write_text(certificate.text + "\n")
    return Person(site, login, certificate.grant_id, certificate.principal, site.key(login), path)


def forwards(someone: Person) -> bool:
    """Whether a connection can be opened through the server; both directions say the same."""
    there = someone.ssh(
        options=("-W", f"{someone.site.lab.host(SERVER).address}:{someone.site.lab.host(SERVER).port}")
    )
    back = someone.ssh("true", options=("-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"))
    assert there.stdout.startswith("SSH-2.0") == (back.returncode == 0), (there, back)
    return back.returncode == 0


def forwards_agent(someone: Person, folder: Path) -> bool:
    """Whether a process on the server reaches the agent that ssh was started with."""
    socket = folder / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        there = 'test -S "$SSH_AUTH_SOCK"'
        done = someone.ssh(there, options=("-A", "-o", f"IdentityAgent={socket}"))
        return done.returncode == 0
    finally:
        agent.terminate()
        agent.wait()


def copies(someone: Person, program: str) -> bool:
    """Whether sftp, or scp as it was before sftp, brings a file there."""
    name = f"by-{program}"
    words = [program, *someone.argv()[1:-1], someone.argv()[-1]]
    words[words.index("-p")] = "-P"
    if program == "sftp":
        words[1:1] = ["-b", "-"]
    else:
        words[1:1] = ["-O"]
        words[-1:] = ["/etc/hostname", f"{words[-1]}:{name}"]
    put = f"put /etc/hostname {name}\n"
    done = subprocess.run(words, input=put, capture_output=True, text=True, timeout=120, check=False)
    there = someone.site.lab.exec(SERVER, ["ls", f"/home/{someone.login}"]).stdout.split()
    assert (done.returncode == 0) == (name in there), done
    return name in there


def has_display(someone: Person) -> bool:
    """Whether programs on the server can show windows here."""
    done = someone.ssh('test -n "$DISPLAY"', options=("-Y",), env={**os.environ, "DISPLAY": ":99"})
    return done.returncode == 0


def has_terminal(someone: Person) -> bool:
    return someone.ssh("tty", options=("-tt",)).stdout.strip().startswith("/dev/pts/")


@pytest.mark.essential
def test_a_forced_command_is_all_that_runs(people):
    """Another command, a shell, a terminal, a subsystem: the forced command runs, and is told of it."""
    forced = people["forced"]
    assert forced.ssh("id; echo more").stdout == "forced: id; echo more\n"
    assert forced.ssh().stdout == "forced: \n"
    assert forced.ssh("id", options=("-tt",)).stdout.split() == ["forced:", "id"]
    assert "forced: " in forced.ssh("sftp", options=("-s",)).stdout
    plain = people["plain"]
    assert (copies(plain, "sftp"), copies(plain, "scp")) == (True, True)
    assert (copies(forced, "sftp"), copies(forced, "scp")) == (False, False)


def test_a_forced_transfer_of_files_runs_no_shell(people):
    """`internal-sftp` is sshd itself: a start file of the shell, brought there with it, is never read."""
    files = people["files"]
    assert copies(files, "sftp")
    words = ["sh", "-c", "echo 'touch ~/started' | tee /home/files/.bashrc /home/files/.profile"]
    files.site.lab.exec(SERVER, words)
    assert files.ssh("touch ~/started").returncode != 0
    assert copies(files, "sftp")
    assert "started" not in files.site.lab.exec(SERVER, ["ls", "/home/files"]).stdout.split()


def test_a_connection_without_a_command_runs_nothing(people):
    """`ssh -N` asks for no session: what the flow doesn't forward is not to be had that way either."""
    near = people["near"]
    words = near.argv(options=("-N", "-b", NEAR, "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"))
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 255
    assert "remote port forwarding failed" in done.stderr


def test_a_thief_with_the_cas_key_meets_the_same_bounds(people, tmp_path):
    """The key line holds what the grant holds: a certificate that says less, or other things, is no way."""
    forced, near, plain = people["forced"], people["near"], people["plain"]
    assert forced.forged().ssh("id").stdout == "forced: id\n"
    assert forced.forged("-O", "force-command=id").ssh("id").returncode == 255
    assert near.forged().ssh("true").returncode == 255
    assert near.forged().ssh("true", options=("-b", NEAR)).returncode == 0
    wide = plain.forged(*EVERYTHING)
    assert wide.ssh("true").returncode == 0
    assert not forwards(wide)
    assert not forwards_agent(wide, tmp_path)
    assert not has_display(wide)
    assert not has_terminal(people["mute"].forged())


def test_logins_come_from_the_flows_addresses_only(people):
    """From another address the same certificate opens nothing."""
    assert people["near"].ssh("id -un", options=("-b", NEAR)).stdout == "near\n"
    refused = people["near"].ssh("id -un")
    assert (refused.returncode, refused.stdout) == (255, "")
    assert people["plain"].ssh("id -un").stdout == "plain\n"


def test_only_the_flow_that_names_it_forwards_ports(people):
    """Editors over SSH need it; nobody else has it."""
    assert {login for login in ("plain", "editor", "agent") if forwards(people[login])} == {"editor"}


def test_only_the_flow_that_names_it_forwards_an_agent(people, tmp_path):
    """A forwarded agent signs for whoever is root there."""
    found = {login for login in ("plain", "editor", "agent") if forwards_agent(people[login], tmp_path)}
    assert found == {"agent"}


def test_only_the_flow_that_names_it_forwards_windows(people):
    """X11 clients read each other's keyboards."""
    assert {login for login in ("plain", "xorg") if has_display(people[login])} == {"xorg"}


def test_without_permit_pty_there_is_no_terminal(people):
    """Commands run; nothing that wants a terminal does."""
    assert {login for login in ("plain", "agent", "mute") if has_terminal(people[login])} == {"plain"}
    assert people["mute"].ssh("id -un").stdout == "mute\n"


def test_an_extension_forces_the_same_command(people):
    """What is signed later is bound as the first certificate was, in the certificate and in the key line."""
    forced = people["forced"]
    saved = forced.certificate.with_name("forced-2-cert.pub")
    forced.site.run("extend", forced.grant, "--for", "10m", "--save", str(saved))
    words = ["ssh-keygen", "-L", "-f", str(saved)]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert f"force-command {FORCED}" in shown
    later = replace(forced, certificate=saved)
    assert later.ssh("id").stdout == "forced: id\n"
    lines = forced.site.lab.exec(SERVER, ["cat", "/etc/ssh/daypass/keys/forced"]).stdout.splitlines()
    assert len(lines) == 2
    assert all(re.match(r"restrict,pty,port-forwarding,cert-authority,", line) for line in lines)
    assert all(line.count('command="printf') == 1 for line in lines)


def test_an_operators_grant_beside_it_is_denied(people):
    """Not even by the command line: free access would undo the bounds. Exit code 4."""
    site = people["forced"].site
    ran = site.run(*site.grant_words("forced", SERVER), code=4)
    assert "constraints_differ" in ran.out + ran.err
