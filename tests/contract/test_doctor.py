"""What `daypass doctor` asks of the store, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from daypass.domain.hosts import HostKey
from daypass.store import Store
from daypass.store.examining import postgresql_version

from .samples import ACTOR, NOW


def test_the_last_whole_pass_is_the_one_that_was_noted_last(store: Store):
    """None before the first."""
    later = NOW + timedelta(minutes=1)
    with store.write(ACTOR, NOW) as work:
        assert work.last_pass() is None
        work.set_last_pass(NOW)
        work.set_last_pass(later)
    with store.read() as view:
        assert view.last_pass() == later


def test_host_keys_that_several_servers_have(store: Store):
    """By fingerprint; a server's own several keys are none of them."""
    with store.write(ACTOR, NOW) as work:
        for server, key in (("a", "x"), ("b", "x"), ("b", "y"), ("c", "z")):
            work.add_host_key(HostKey(server, f"ssh-ed25519 {key}", f"SHA256:{key}", NOW))
    with store.read() as view:
        assert view.shared_host_keys() == {"SHA256:x": ("a", "b")}


def test_the_server_says_its_version(store: Store, database: str | Path):
    """As PostgreSQL numbers it: 150004 is 15.4."""
    if isinstance(database, str):
        assert postgresql_version(database) >= 100000
