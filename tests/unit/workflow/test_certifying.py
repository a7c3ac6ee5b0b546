"""The certificate of one's own grant for the key at hand."""

from __future__ import annotations

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.errors import DaypassError, NotFoundError, UsageError
from daypass.host_rules import PRINCIPALS_MAX
from daypass.workflow import changing
from daypass.workflow.certifying import Certified, certificate_for
from daypass.workflow.reissuing import reissue
from daypass.workflow.revoking import take_back
from tests.asking import NOBODY_ASKED, PUBLIC_KEY, Company

OTHER = public_line(load_ca_key(generate_ca_key("ed25519")))


@pytest.fixture
def company(tmp_path) -> Company:
    return Company(tmp_path, NOBODY_ASKED)


@pytest.fixture
def grant_id(company) -> str:
    """Alice's access to web-1, with her key of the directory."""
    granted = company.ask("alice", public_key=PUBLIC_KEY).granted
    assert granted is not None
    return granted.grant.id


def certify(company: Company, grant_id: str, key: str = PUBLIC_KEY, login: str = "alice") -> Certified:
    return certificate_for(company.seams, grant_id, login, key, company.clock())


def test_certificate_that_is_there_is_given_again(company, grant_id):
    """Nothing is signed, recorded or sent."""
    before = company.kinds(grant_id)
    found = certify(company, grant_id)
    assert (found.added, found.certificate.number) == (False, 1)
    assert found.certificate.fingerprint == check_public_key(PUBLIC_KEY).fingerprint
    assert company.kinds(grant_id) == before


def test_another_key_gets_a_certificate_beside_the_first(company, grant_id):
    """Several machines of one person: each its own principal, and the first goes on opening."""
    found = certify(company, grant_id, OTHER)
    assert found.added
    assert found.certificate.text
    assert company.hosts["web-1"].open_principals("alice") == {f"daypass-{grant_id}-{n}" for n in (1, 2)}
    assert company.details(grant_id, "certificate.added")["serial"] == str(found.certificate.serial)
    assert not certify(company, grant_id, OTHER).added


def test_grant_of_somebody_else_is_as_good_as_not_there(company, grant_id):
    """No certificate, and no word that there is such a grant."""
    with pytest.raises(NotFoundError):
        certify(company, grant_id, OTHER, "bob")


def test_key_that_was_lost_gets_no_certificate_any_more(company, grant_id):
    """Whoever has it now may be somebody else."""
    reissue(company.seams, grant_id, OTHER, company.clock(), reason="key lost")
    with pytest.raises(UsageError, match="key lost") as refused:
        certify(company, grant_id, PUBLIC_KEY)
    assert refused.value.code == "key_revoked"
    assert not certify(company, grant_id, OTHER).added


def test_access_that_is_over_gives_no_certificate(company, grant_id):
    """Neither the old one nor a new one."""
    take_back(company.seams, grant_id, company.clock())
    for key in (PUBLIC_KEY, OTHER):
        with pytest.raises(UsageError) as refused:
            certify(company, grant_id, key)
        assert refused.value.code == "grant_ended"


def test_a_grant_has_a_bounded_number_of_keys(company, grant_id, monkeypatch):
    """Servers take no more lines, and somebody who sends ever new keys fills nothing."""
    assert changing.PRINCIPALS_MAX == PRINCIPALS_MAX
    monkeypatch.setattr(changing, "PRINCIPALS_MAX", 3)
    for _ in range(3 - 1):
        certify(company, grant_id, public_line(load_ca_key(generate_ca_key("ed25519"))))
    with pytest.raises(DaypassError) as refused:
        certify(company, grant_id, OTHER)
    assert refused.value.code == "too_many_certificates"
