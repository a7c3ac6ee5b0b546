"""What a person's own machine is told of open access."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.client.answer import check_access
from daypass.domain.hosts import HostKey
from daypass.domain.open_access import OpenAccess
from daypass.workflow.open_access import open_access
from daypass.workflow.reissuing import reissue
from daypass.workflow.revoking import take_back
from tests.asking import NOBODY_ASKED, PUBLIC_KEY, Company
from tests.unit.ca.conftest import sk_ecdsa_line, sk_ed25519_line

KEY = check_public_key(PUBLIC_KEY)
OTHER = check_public_key(public_line(load_ca_key(generate_ca_key("ed25519"))))
HOST_KEYS = {name: public_line(load_ca_key(generate_ca_key("ed25519"))) for name in ("web-1", "db-1")}


@pytest.fixture
def company(tmp_path) -> Company:
    made = Company(tmp_path, NOBODY_ASKED)
    with made.seams.store.write("test", made.clock()) as work:
        for name, key in HOST_KEYS.items():
            work.replace_host_keys(name, [HostKey(name, key, "SHA256:x", made.clock())])
    return made


def given(company: Company, *servers: str, **words: object) -> str:
    granted = company.ask("alice", *servers, public_key=PUBLIC_KEY, **words).granted
    assert granted is not None
    return granted.grant.id


def told(company: Company, *keys, login: str = "alice", sign: bool = True) -> OpenAccess:
    found = open_access(company.seams, login, keys or (KEY,), company.clock(), sign=sign)
    check_access(found)  # whatever an orchestrator says, a client takes
    return found


def test_each_server_is_told_with_its_keys_and_the_persons_certificate(company):
    """As the server list, the record and the integration say it now."""
    grant_id = given(company, "web-1", "db-1")
    found = told(company)
    assert [one.name for one in found.servers] == ["db-1", "web-1"]
    web = found.servers[1]
    assert (web.host, web.port, web.login, web.key_name) == ("127.0.0.1", 22, "alice", "daypass")
    assert web.host_keys == (HOST_KEYS["web-1"],)
    (grant,) = web.grants
    assert (grant.id, grant.state, grant.forwards) == (grant_id, "applied", False)
    (certificate,) = grant.certificates
    assert certificate.fingerprint == KEY.fingerprint
    assert certificate.text.startswith("ssh-ed25519-cert-v01@openssh.com ")


def test_nobody_is_told_of_others_or_of_what_is_over(company):
    """No server, no certificate."""
    grant_id = given(company)
    assert told(company, login="bob").servers == ()
    take_back(company.seams, grant_id, company.clock())
    assert told(company).servers == ()


def test_several_grants_of_one_server_stand_side_by_side(company):
    """Each with its own certificate; the client chooses."""
    first, second = given(company), given(company, groups=("ops",))
    (web,) = told(company).servers
    assert {grant.id for grant in web.grants} == {first, second}
    assert len({grant.certificates[0].text for grant in web.grants}) == 2


def test_another_machine_gets_its_certificate_signed_once(company):
    """Beside the first; asked again, it is the same. Without a word to sign nothing is."""
    grant_id = given(company)
    assert told(company, OTHER, sign=False).servers[0].grants[0].certificates == ()
    assert company.kinds(grant_id).count("certificate.added") == 0
    (first,) = told(company, OTHER).servers[0].grants[0].certificates
    assert first.fingerprint == OTHER.fingerprint
    assert told(company, OTHER).servers[0].grants[0].certificates == (first,)
    assert company.hosts["web-1"].open_principals("alice") == {f"daypass-{grant_id}-{n}" for n in (1, 2)}


def test_another_machine_is_told_to_servers_in_one_wave(company):
    """However many grants there are; a server is told once, of all of them."""
    ids = [given(company, "web-1", "db-1"), given(company, "web-1", groups=("ops",)), given(company, "web-2")]
    with company.seams.store.read() as view:
        before = {host.server: host.sequence for host in view.hosts()}
    told(company, OTHER)
    with company.seams.store.read() as view:
        after = {host.server: host.sequence - before[host.server] for host in view.hosts()}
    assert after == {"web-1": 1, "web-2": 1, "db-1": 1}
    assert {f"daypass-{one}-2" for one in ids[:2]} <= company.hosts["web-1"].open_principals("alice")


@pytest.mark.parametrize("make", [sk_ed25519_line, sk_ecdsa_line])
def test_key_in_an_authenticator_gets_its_certificate(company, make):
    """As its client takes it."""
    given(company)
    key = check_public_key(make())
    (certificate,) = told(company, key).servers[0].grants[0].certificates
    assert certificate.text.startswith(key.type.replace("@", "-cert-v01@"))


def test_lost_key_gets_nothing_and_other_grants_go_on(company):
    """Why stands beside the grant; nothing is signed for whoever has the key now."""
    lost, fine = given(company, "web-1"), given(company, "db-1")
    reissue(company.seams, lost, OTHER.line, company.clock(), reason="key lost")
    db, web = told(company).servers
    assert (web.grants[0].certificates, "key lost" in web.grants[0].problem) == ((), True)
    assert [one.id for one in db.grants] == [fine]
    assert db.grants[0].certificates


def test_access_that_begins_later_is_told_too(company):
    """Its entry can wait on the laptop; the certificate isn't good before."""
    given(company, start=company.clock() + timedelta(hours=3))
    (grant,) = told(company).servers[0].grants
    assert (grant.state, grant.not_before) == ("pending", company.clock() + timedelta(hours=3))


def test_jump_host_is_told_by_its_name_and_keys(company):
    """It is listed like any other server; one that isn't is told by its address alone."""
    given(company, "web-1")
    seams = company.seams
    for jump, name, keys in (("127.0.0.3", "db-1", (HOST_KEYS["db-1"],)), ("ops@192.0.2.9:2200", None, ())):
        web = replace(seams.servers["web-1"], proxy_jump=jump)
        changed = replace(seams, servers={**seams.servers, "web-1": web})
        found = open_access(changed, "alice", (KEY,), company.clock(), sign=False).servers[0].jump
        assert found is not None
        assert (found.server, found.host_keys) == (name, keys)
    assert (found.host, found.port, found.user) == ("192.0.2.9", 2200, "ops")
