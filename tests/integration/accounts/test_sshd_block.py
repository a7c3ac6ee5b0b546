"""What sshd does for our accounts where the administrator has set the opposite of all that we need."""

from __future__ import annotations

import pytest

from tests.integration.accounts.managed_host import ManagedHost, account, grant

# Each directive of the block, set otherwise for everybody. The command for principals comes first: behind the
# one for keys, sshd up to 9.3 doesn't read it (OpenSSH bug 3574), and the test would see nothing.
ADMIN = """
printf '#!/bin/sh\n' > /usr/local/bin/keys; chmod 755 /usr/local/bin/keys
cat > /etc/ssh/sshd_config.d/90-admin.conf <<END
AuthenticationMethods password
PubkeyAuthentication no
AuthorizedKeysFile .ssh/authorized_keys
AuthorizedPrincipalsCommand /usr/local/bin/keys
AuthorizedPrincipalsCommandUser nobody
AuthorizedKeysCommand /usr/local/bin/keys
AuthorizedKeysCommandUser nobody
TrustedUserCAKeys /etc/ssh/ssh_host_ed25519_key.pub
PasswordAuthentication yes
KbdInteractiveAuthentication yes
GSSAPIAuthentication yes
KerberosAuthentication yes
HostbasedAuthentication yes
PermitUserRC yes
AllowUsers olaf
AllowGroups team
END
"""
UNDO = "rm -f /etc/ssh/sshd_config.d/90-admin.conf /usr/local/bin/keys"
WANTED = {
    "authenticationmethods publickey",
    "pubkeyauthentication yes",
    "authorizedkeysfile /etc/ssh/daypass/keys/%u",
    "authorizedkeyscommand none",
    "authorizedprincipalscommand none",
    "trustedusercakeys none",
    "passwordauthentication no",
    "kbdinteractiveauthentication no",
    "gssapiauthentication no",
    "kerberosauthentication no",
    "hostbasedauthentication no",
    "permituserrc no",
    "allowusers *",
    "allowgroups daypass",
}


@pytest.fixture
def admin(host: ManagedHost):
    """The host with an administrator's settings; nobody but `sshd -T` reads them."""
    host.sh(ADMIN)
    yield host
    host.sh(UNDO)


def settings(host: ManagedHost, login: str) -> set[str]:
    """What sshd would do with this login."""
    origin = "host=x,addr=192.0.2.1,laddr=192.0.2.2,lport=22"
    return set(host.run("/usr/sbin/sshd", "-T", "-C", f"user={login},{origin}").splitlines())


def test_every_directive_of_the_block_holds_against_the_hosts_own(admin: ManagedHost):
    """An account of ours opens, and has all of the block; those who aren't ours keep what they had."""
    before = {login: settings(admin, login) for login in ("olaf", "root", "apono")}
    opened = admin.send(account("alice", 70007, grant("G1")))["answer"]["answer"]["accounts"]["alice"]
    assert (opened["state"], opened["message"]) == ("active", None)
    assert WANTED - settings(admin, "alice") == set()
    assert {login: settings(admin, login) for login in before} == before


@pytest.mark.parametrize("group", ["daypass", "daypass-join"])
def test_root_and_the_connector_are_left_alone_even_as_members(admin: ManagedHost, group: str):
    """Whoever puts them into a group of ours changes nothing of their way in."""
    before = {login: settings(admin, login) for login in ("root", "apono")}
    try:
        for login in before:
            admin.run("gpasswd", "-a", login, group)
        assert {login: settings(admin, login) for login in before} == before
    finally:
        for login in before:
            admin.run("gpasswd", "-d", login, group)
