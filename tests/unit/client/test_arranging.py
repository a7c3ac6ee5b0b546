"""From an empty home to entries that work: keys first, then what is signed for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.ca.public_keys import PublicKey
from daypass.client.arranging import arrange
from daypass.client.keys import make_pair, public_key_of
from daypass.client.places import Home, home_of
from daypass.domain.open_access import OpenAccess

from .conftest import GRANT, LATER, NOW, access, effective, grant, server


class Broker:
    """Signs what it is asked for, and remembers for which keys it was."""

    def __init__(self, *servers) -> None:
        self.servers = servers
        self.asked: list[PublicKey | None] = []
        self.signs = True

    def __call__(self, key: PublicKey | None, *, sign: bool) -> OpenAccess:
        self.asked.append(key)
        assert sign is (key is not None and self.signs)
        number = 1 + len({one.fingerprint for one in self.asked if one})
        return access(
            *(
                replace(one, grants=tuple(self._for(key, number, g) for g in one.grants))
                for one in self.servers
            )
        )

    def _for(self, key, number, given):
        template = given.certificates[0]
        certificates = (replace(template, number=number, fingerprint=key.fingerprint),) if key else ()
        return replace(given, certificates=certificates)


@pytest.fixture
def home(tmp_path) -> Home:
    return home_of(tmp_path)


def make(private):
    make_pair(private, passphrase=False)


def test_missing_key_is_made_and_signed_for(home):
    """One pair for each name; what is there already is used."""
    broker = Broker(server(), server("db-1", grant(LATER), key_name="other"))
    make(home.key("other"))
    placed = arrange(broker, home, NOW, make)
    assert placed.rendered.unusable == {}
    assert broker.asked == [None, *(public_key_of(home.key(name)) for name in ("daypass", "other"))]
    for name, key, certificate in (("web-1", "daypass", f"{GRANT}-2"), ("db-1", "other", f"{LATER}-3")):
        found = effective(home, name)
        assert found["identityfile"] == [f"{home.path}/.ssh/{key}"]
        assert [path.rpartition("/")[2] for path in found["certificatefile"]] == [f"{certificate}-cert.pub"]


def test_check_makes_no_key_and_has_nothing_signed(home):
    """It can only say that there is none yet."""
    broker = Broker(server())
    placed = arrange(broker, home, NOW, make, check=True)
    assert broker.asked == [None]
    assert placed.rendered.unusable == {"web-1": "no certificate for ~/.ssh/daypass yet"}
    assert list(home.path.iterdir()) == []


def test_check_shows_what_was_signed_before(home):
    """For the key that is there; nothing more is signed for it."""
    broker = Broker(server())
    broker.signs = False
    make(home.key("daypass"))
    placed = arrange(broker, home, NOW, make, check=True)
    assert list(placed.rendered.usable) == ["web-1"]
    assert not home.folder.exists()


def test_nothing_open_makes_no_key(home):
    """Nobody is asked for a passphrase for nothing."""
    arrange(Broker(), home, NOW, make)
    assert list(home.path.iterdir()) == []


def test_what_is_refused_for_one_grant_is_told_and_the_rest_works(home):
    """A key that was lost in one grant."""
    refused = grant(certificates=(), problem="the key was revoked in this grant: lost")

    def fetch(key, *, sign):
        found = Broker(server("db-1", grant(LATER)))(key, sign=sign)
        return replace(found, servers=(*found.servers, server("web-1", refused)))

    placed = arrange(fetch, home, NOW, make)
    assert list(placed.rendered.usable) == ["db-1"]
    assert placed.rendered.unusable == {"web-1": refused.problem}
