"""Addresses of gates: what ssh would take for something else is refused."""

from __future__ import annotations

import pytest

from daypass.client.address import Address, parse_address
from daypass.errors import UsageError


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ssh://daypass@broker", Address("broker")),
        ("ssh://broker", Address("broker")),
        ("broker", Address("broker")),
        ("daypass@broker:2222", Address("broker", port=2222)),
        ("ssh://gate@broker.example.com:65535/", Address("broker.example.com", "gate", 65535)),
        ("ssh://daypass@192.0.2.1", Address("192.0.2.1")),
        ("ssh://daypass@[2001:db8::1]:22", Address("2001:db8::1", port=22)),
    ],
)
def test_address_is_user_host_and_port(typed, found):
    """Scheme, user and port may be left out; what is shown is read as the same again."""
    assert parse_address(typed) == found
    assert parse_address(str(found)) == found
    assert not found.destination.startswith("-")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ssh://",
        "-oProxyCommand=id",
        "ssh://-oProxyCommand=id",
        "ssh://daypass@-oProxyCommand=id",
        "ssh://-l@broker",
        "ssh://daypass:secret@broker",
        "ssh://daypass@broker/path",
        "ssh://daypass@broker?x=1",
        "ssh://daypass@broker:0",
        "ssh://daypass@broker:70000",
        "ssh://daypass@broker:22 -v",
        "ssh://daypass@a@b",
        "http://broker",
        "ssh://daypass@[fe80::1%eth0]",
        "ssh://daypass@[::1",
        "ssh://daypass@broker\n",
        "ssh://daypass@bröker",
        "ssh://daypass@br*",
        "ssh://daypass@" + "a" * 254,
    ],
)
def test_what_is_not_plainly_an_address_is_refused(typed):
    """Options, passwords, paths, patterns, line breaks: exit code 2, with the form that is allowed."""
    with pytest.raises(UsageError) as refused:
        parse_address(typed)
    assert refused.value.code == "via_odd"
    assert "ssh://daypass@broker.example.com" in refused.value.hint
