"""Key files: one line a certificate and authority, each shut in on all sides."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract.constraints import (
    EXTENSIONS,
    Constraints,
)
from ansible_collections.daypass.ssh.plugins.module_utils.plan.key_lines import render_key_file
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import LedgerGrant

END = 1_795_345_200  # 2026-11-22T11:00:00Z
LINE = re.compile(
    r'restrict,pty,cert-authority,principals="(daypass-G[0-9]-[0-9]+)"'
    r'(?:,expiry-time="([0-9]{14}Z)")? (ssh-ed25519 [AB]+)'
)


def grant(number: int, principals: list[int], end: int = END) -> LedgerGrant:
    """A grant with some certificates."""
    return LedgerGrant(tuple(f"daypass-G{number}-{one}" for one in principals), (), (), 0, end, True)


def test_line_is_what_sshd_needs():
    """Nothing but a terminal, one principal, one authority, and an end in UTC."""
    assert render_key_file({"G1": grant(1, [2])}, ["ssh-ed25519 AAAA"], True) == (
        'restrict,pty,cert-authority,principals="daypass-G1-2",expiry-time="20261122110000Z"'
        " ssh-ed25519 AAAA\n"
    )


@pytest.mark.parametrize(
    ("extensions", "given"),
    [
        ((), "restrict,"),
        (("permit-pty", "permit-port-forwarding"), "restrict,pty,port-forwarding,"),
        (("permit-X11-forwarding", "permit-agent-forwarding"), "restrict,agent-forwarding,X11-forwarding,"),
        (tuple(EXTENSIONS), "restrict,pty,port-forwarding,agent-forwarding,X11-forwarding,"),
    ],
)
def test_line_gives_back_what_the_grant_names_and_no_more(extensions, given):
    """Whatever a certificate says: sshd permits what both permit."""
    one = grant(1, [2])._replace(constraints=Constraints(extensions))
    [line] = render_key_file({"G1": one}, ["ssh-ed25519 AAAA"], True).splitlines()
    assert line.startswith(given + "cert-authority,")


def test_line_binds_what_the_certificate_binds():
    """A quote in a command is written as sshd reads it; the end stands in front of all free text."""
    bound = Constraints(("permit-pty",), r'sh -c "a\"b" ,expiry-time="20990101000000Z"', "192.0.2.0/24,::1")
    one = grant(1, [2])._replace(constraints=bound)
    assert render_key_file({"G1": one}, ["ssh-ed25519 AAAA"], True) == (
        'restrict,pty,cert-authority,principals="daypass-G1-2",expiry-time="20261122110000Z"'
        r',from="192.0.2.0/24,::1",command="sh -c \"a\\"b\" ,expiry-time=\"20990101000000Z\""'
        " ssh-ed25519 AAAA\n"
    )


def test_sshd_that_refuses_the_z_gets_no_expiry():
    """Before OpenSSH 9.1 a line with it would be refused whole; the certificate ends by itself."""
    assert "expiry-time" not in render_key_file({"G1": grant(1, [1])}, ["ssh-ed25519 AAAA"], False)


NUMBERS = st.dictionaries(st.integers(1, 5), st.lists(st.integers(1, 9), unique=True, max_size=3), max_size=4)


@given(
    grants=NUMBERS,
    keys=st.lists(st.sampled_from(["ssh-ed25519 A", "ssh-ed25519 B"]), unique=True),
    z=st.booleans(),
)
def test_lines_are_exactly_certificates_times_authorities(grants, keys, z):
    """Each line has a wanted principal and authority, each pair stands once, and nothing else is there."""
    text = render_key_file({f"G{n}": grant(n, numbers) for n, numbers in grants.items()}, keys, z)
    matches = [LINE.fullmatch(line) for line in text.splitlines()]
    assert all(matches)
    assert all(bool(match.group(2)) is z for match in matches)
    found = [(match.group(1), match.group(3)) for match in matches]
    wanted = {
        (f"daypass-G{n}-{one}", key) for n, numbers in grants.items() for one in numbers for key in keys
    }
    assert set(found) == wanted
    assert len(found) == len(wanted)
