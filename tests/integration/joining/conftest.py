"""One full lab host with people's own accounts on it, for all tests of this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api
from tests.integration.accounts.managed_host import ManagedHost, Person, account, make_person

JANE, BOB = 1501, 1502
FILES = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
# Their own things, as an administrator and they themselves have made them.
PEOPLE = f"""
groupadd -f -g 2000 team; groupadd -f -g 2001 web; groupadd -f -g 2002 hers
useradd -m -u {JANE} -s /bin/bash -c 'Jane,,,' -G hers jane
useradd -m -u {BOB} -s /bin/bash bob
echo 'jane ALL=(root) NOPASSWD: /usr/bin/whoami' > /etc/sudoers.d/jane; chmod 440 /etc/sudoers.d/jane
echo '* * * * * true' | crontab -u jane -
gpasswd -a bob team
"""


class Host(ManagedHost):
    """A managed host whose own files can be compared."""

    def join(self, *grants, uid: int = JANE, name: str = "jane", program: bool = False, **changes):
        """Send a document with one account to be joined; the account's answer."""
        wish = account(name, uid, *grants, existing="join", **changes)
        return self.send(wish, program=program)["answer"]["answer"]["accounts"][name]

    def files(self) -> dict[str, str]:
        """The account files, and what sudo, crontab and her own folder say, as they are."""
        found = {name: self.run("cat", f"/etc/{name}") for name in FILES}
        found["sudo"] = self.run("sudo", "-l", "-U", "jane")
        found["crontab"] = self.run("crontab", "-u", "jane", "-l")
        found["home"] = self.sh("find /home/jane -printf '%p %m %u %g %s\\n' | sort")
        return found

    def sshd_of_all(self) -> dict[str, str]:
        """Everybody's effective settings."""
        script = 'for u in $(cut -d: -f1 /etc/passwd); do echo "== $u"; '
        script += "/usr/sbin/sshd -T -C user=$u,host=x,addr=192.0.2.1,laddr=192.0.2.2,lport=22; done"
        parts = self.sh(script).split("== ")[1:]
        return {part.split("\n")[0]: part for part in parts}


@pytest.fixture(scope="package")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private key of our certificate authority."""
    return make_key(tmp_path_factory.mktemp("authority") / "user_ca")


def make_key(path: Path) -> Path:
    """An ed25519 key pair."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)
    return path


def public(key: Path) -> str:
    """`TYPE BASE64` of a key pair."""
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


@pytest.fixture(scope="package")
def managed(lab_name: str, authority: Path) -> Host:
    """The host itself; tests take `host`, which is clean."""
    lab = api.up(lab_name, 1, prefix="joining", fresh=True)
    return Host(lab, lab.host("joining-1"), public(authority))


@pytest.fixture
def host(managed: Host) -> Iterator[Host]:
    """The host with jane (uid 1501, sudo rule, crontab and group of her own) and bob, and an empty ledger."""
    managed.forget("jane", "bob")
    managed.sh(PEOPLE)
    yield managed
    managed.sh(
        "rm -f /etc/sudoers.d/jane /etc/ssh/sshd_config.d/9*; crontab -u jane -r; pkill -HUP -o -x sshd",
        check=False,
    )
    managed.forget("jane", "bob")


@pytest.fixture
def host_without_log(lab_name: str, authority: Path) -> Host:
    """A light host: nobody listens to what its sshd logs."""
    lab = api.up(lab_name, 1, light=True, prefix="unlogged", fresh=True)
    host = Host(lab, lab.host("unlogged-1"), public(authority))
    host.run("useradd", "-m", "-u", str(JANE), "-s", "/bin/bash", "jane")
    return host


@pytest.fixture
def own(host: Host, tmp_path: Path) -> Person:
    """Jane with a key of her own in her authorized_keys."""
    return with_own_key(host, tmp_path)


def with_own_key(host: Host, tmp_path: Path) -> Person:
    """Put a new key into jane's authorized_keys."""
    key = make_key(tmp_path / "own")
    host.sh(
        "install -d -m 700 -o jane -g jane /home/jane/.ssh"
        f" && echo '{public(key)}' > /home/jane/.ssh/authorized_keys"
    )
    return Person(host, "jane", key)


@pytest.fixture
def granted(host: Host, authority: Path, tmp_path: Path) -> Person:
    """Jane with a certificate of the grant G1."""
    return make_person(host, authority, tmp_path, "jane", "G1")
