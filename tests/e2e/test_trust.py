"""What the CA opens: managed accounts, by the principals of their own grants, and nothing else."""

from __future__ import annotations

import shutil
import subprocess

SERVER = "web-1"
UNMANAGED = "settler"


def forge(site, grant, name, *words):
    """A certificate that a stolen CA key signs for the grant's public key, by `ssh-keygen`."""
    key = site.folder / "keys" / f"forged-{name}"
    shutil.copy(grant.key, key)
    shutil.copy(f"{grant.key}.pub", f"{key}.pub")
    ca_key = site.folder / ".daypass/user_ca"
    done = subprocess.run(
        ["ssh-keygen", "-q", "-s", str(ca_key), "-I", name, *words, f"{key}.pub"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return key


def opens(site, key, login):
    words = site.lab.ssh_argv(SERVER, "id -un", user=login, key=key)
    words[1:1] = ["-o", f"CertificateFile={key}-cert.pub"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 255), done
    return done.returncode == 0


def test_the_ca_opens_managed_accounts_by_their_own_principals_only(site, tidy):
    """With the CA key stolen: root, the connector, others' accounts and other principals stay shut."""
    grant = site.grant("owner", SERVER)
    site.lab.exec(SERVER, ["useradd", "-m", "-s", "/bin/bash", UNMANAGED])
    other = site.grant("tenant", SERVER)
    everything = f"root,apono,owner,{UNMANAGED},daypass,*,{grant.principal},{other.principal}"
    forged = {
        "all": forge(site, grant, "all", "-n", everything),
        "none": forge(site, grant, "none"),
        "star": forge(site, grant, "star", "-n", "*"),
        "own": forge(site, grant, "own", "-n", grant.principal),
    }
    for name, key in forged.items():
        for login in ("root", "apono", UNMANAGED):
            assert not opens(site, key, login), f"{name} opens {login}"
    assert opens(site, forged["own"], "owner")  # the control: a certificate of this making is a good one
    for name in ("none", "star"):
        assert not opens(site, forged[name], "owner"), name
    assert not opens(site, forged["own"], "tenant")


def test_a_certificate_ends_by_itself_and_is_good_for_its_key_alone(site, tidy):
    """What left the signer is bound to one key, one principal and one window."""
    grant = site.grant("bound", SERVER)
    shown = subprocess.run(
        ["ssh-keygen", "-L", "-f", str(grant.certificate)], capture_output=True, text=True, check=True
    ).stdout
    assert f'Key ID: "daypass user=bound grant={grant.id} flow=direct"' in shown
    assert f"Serial: {grant.answer['certificate']['serial']}" in shown
    assert shown.split("Principals:")[1].split("Critical Options:")[0].split() == [grant.principal]
    assert shown.split("Extensions:")[1].split() == ["permit-pty"]
    stranger = site.key("stranger")
    words = site.lab.ssh_argv(SERVER, "true", user="bound", key=stranger)
    words[1:1] = ["-o", f"CertificateFile={grant.certificate}"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 255
    expired = forge(site, grant, "expired", "-n", grant.principal, "-V", "-2h:-1h")
    assert not opens(site, expired, "bound")
