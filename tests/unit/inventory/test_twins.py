"""Entries that lead to the same place."""

from __future__ import annotations

from daypass.domain.servers import Server
from daypass.inventory.twins import twins, twins_text


def test_entries_with_the_same_host_and_port_are_named():
    """One machine is onboarded under one name; case aside, as names of hosts have none."""
    one, two = Server("web-1", "web.example.com"), Server("old-web", "WEB.example.com")
    others = [Server("web-2", "192.0.2.2"), Server("web-3", "web.example.com", port=2222)]
    assert twins([one, others[0], two, others[1]]) == ((one, two),)
    assert twins_text((one, two)) == "web-1 and old-web are the same place: web.example.com port 22"


def test_the_same_address_behind_another_jump_host_is_another_place():
    """Private addresses are used again in each network."""
    assert twins([Server("a", "10.0.0.5", proxy_jump="one"), Server("b", "10.0.0.5", proxy_jump="two")]) == ()
