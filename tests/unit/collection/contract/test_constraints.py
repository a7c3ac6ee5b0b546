"""Constraints of grants: a limited vocabulary, one meaning for a document, a ledger and a key line."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import arguments, constraints
from ansible_collections.daypass.ssh.plugins.module_utils.contract.constraints import (
    EXTENSIONS,
    Constraints,
    bounds_text,
    constraints_of,
    is_force_command,
    is_source_address,
)
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger import LedgerGrant
from ansible_collections.daypass.ssh.plugins.module_utils.record.mixing import unmixed
from ansible_collections.daypass.ssh.plugins.module_utils.record.rights import less_than, narrowed
from tests.onboarded import empty_ledger

BOUND = Constraints(("permit-pty",), "/bin/true", "192.0.2.0/24")
OTHERWISE = Constraints(("permit-pty",), "/bin/false", "192.0.2.0/24")
FREE = Constraints()


def grant(found: Constraints = FREE, *principals: str) -> LedgerGrant:
    return LedgerGrant(principals or ("daypass-G1-1",), ("ops",), (), 0, 2_000_000_000, True, found)


def test_grant_that_says_nothing_has_a_terminal_and_no_bounds():
    """Documents and playbooks from before there were constraints keep their meaning."""
    assert constraints_of(None, None, "here") == Constraints(("permit-pty",), "", "")


def test_empty_list_gives_not_even_a_terminal():
    """Nothing isn't the same as nothing said."""
    assert constraints_of([], {}, "here").extensions == ()


def test_order_of_extensions_means_nothing():
    """Equal rights are equal, or a document that only changed its order would end sessions."""
    one = ["permit-port-forwarding", "permit-pty"]
    assert constraints_of(one, None, "here") == constraints_of(one[::-1], None, "here")


@pytest.mark.parametrize(
    ("extensions", "options"),
    [
        (["permit-user-rc"], None),
        (["permit-pty", "permit-pty"], None),
        ("permit-pty", None),
        ([7], None),
        (None, []),
        (None, {"verify-required": ""}),
        (None, {"force-command": ""}),
        (None, {"force-command": "  "}),
        (None, {"force-command": None}),
        (None, {"force-command": "a\nb"}),
        (None, {"force-command": 'a" ssh-ed25519 AAAA\nb'}),
        (None, {"force-command": "caf\u00e9"}),
        (None, {"force-command": "a" * 1025}),
        (None, {"force-command": "dir c:\\"}),
        (None, {"source-address": ""}),
        (None, {"source-address": ["192.0.2.1"]}),
        (None, {"source-address": "192.0.2.1, 192.0.2.2"}),
        (None, {"source-address": "192.0.2.1,"}),
        (None, {"source-address": "192.0.2.1/24"}),
        (None, {"source-address": "192.0.2.0/255.255.255.0"}),
        (None, {"source-address": "!192.0.2.1"}),
        (None, {"source-address": "192.0.2.*"}),
        (None, {"source-address": "host.example"}),
        (None, {"source-address": "fe80::1%eth0"}),
        (None, {"source-address": ",".join(["192.0.2.1"] * 101)}),
    ],
)
def test_words_outside_the_vocabulary_are_refused(extensions, options):
    """They become part of a key line, where each line opens an account."""
    with pytest.raises(Refusal) as caught:
        constraints_of(extensions, options, "here")
    assert caught.value.code == "document_invalid"


@pytest.mark.parametrize("text", ["192.0.2.1", "192.0.2.0/24", "::1", "2001:DB8::/32", "0.0.0.0/0"])
def test_addresses_and_networks_are_taken(text):
    """As certificates take them."""
    assert is_source_address(text)


def read_option(line: str, name: str) -> str:
    """The value of an option, read the way sshd does (auth-options.c, opt_dequote)."""
    rest = line[line.index(f'{name}="') + len(name) + 2 :]
    value = ""
    while not rest.startswith('"'):
        rest = rest[1:] if rest.startswith('\\"') else rest
        value, rest = value + rest[0], rest[1:]
    assert rest == '"'
    return value


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30))
def test_every_command_that_is_taken_comes_out_of_a_key_line_as_it_went_in(command):
    """Another text than the certificate's, and sshd lets nobody in; a quote too many: anything follows."""
    if not is_force_command(command):
        assert command.endswith("\\") or not command.strip()
        return
    assert read_option(bounds_text(Constraints((), command)), "command") == command


def bound_ledger() -> ledger.Ledger:
    """Alice has a grant that is bound."""
    entry = ledger.LedgerAccount(
        70007,
        "a@example.com",
        "/bin/bash",
        "/home/alice",
        "archive",
        None,
        "",
        {"G1": grant(BOUND)},
        (),
        None,
    )
    return empty_ledger()._replace(accounts={"alice": entry})


def test_ledger_keeps_constraints():
    """Killed and started anew, by the tick or a wave, a host knows what the grant was bound to."""
    whole = bound_ledger()
    assert ledger_file.parse(ledger_file.serialise(whole)) == whole


def without_constraints(content: bytes, **changes: object) -> bytes:
    mapping = json.loads(content)
    found = mapping["accounts"]["alice"]["grants"]["G1"]
    if changes:
        found["constraints"].update(changes)
    else:
        del found["constraints"]
    return json.dumps(mapping).encode()


@pytest.fixture
def written() -> bytes:
    return ledger_file.serialise(bound_ledger())


def test_grant_in_a_ledger_from_before_has_a_terminal_and_no_bounds(written):
    """What stood in the key line then."""
    found = ledger_file.parse(without_constraints(written))
    assert found.accounts["alice"].grants["G1"].constraints == FREE


@pytest.mark.parametrize(
    "changes",
    [
        {"extensions": ["permit-everything"]},
        {"extensions": [["pty"]]},
        {"force_command": 'x",no-pty ssh-ed25519 AAAA\nssh-ed25519 BBBB'},
        {"force_command": None},
        {"source_address": "*"},
        {"more": "x"},
    ],
)
def test_ledger_whose_constraints_could_break_a_key_line_is_corrupt(written, changes):
    """It is read as a whole or not at all: each word goes into a file that opens an account."""
    with pytest.raises(Refusal) as caught:
        ledger_file.parse(without_constraints(written, **changes))
    assert caught.value.code == "ledger_corrupt"


def test_what_two_versions_have_in_common_is_the_smaller_list_of_extensions():
    """Closings lead there first, so that whatever happens between, nobody has more than is wanted."""
    old = grant(Constraints(("permit-port-forwarding", "permit-pty")))
    assert narrowed(old, grant()).constraints == FREE
    assert narrowed(grant(), old).constraints == FREE
    assert narrowed(old, grant()).principals == old.principals


def test_versions_that_are_bound_otherwise_have_no_line_in_common():
    """The old line goes before the new one comes; what else they give stays."""
    both = narrowed(grant(BOUND), grant(OTHERWISE))
    assert (both.principals, both.groups) == ((), ("ops",))


@pytest.mark.parametrize(
    ("old", "new", "less"),
    [
        (FREE, FREE, False),
        (FREE, Constraints(("permit-port-forwarding", "permit-pty")), False),
        (Constraints(("permit-port-forwarding", "permit-pty")), FREE, True),
        (FREE, Constraints(()), True),
        (FREE, BOUND, True),
        (BOUND, OTHERWISE, True),
    ],
)
def test_sessions_end_when_a_grant_may_do_less_or_is_bound_otherwise(old, new, less):
    """A forwarding that goes on, or a shell from before the forced command, would outlive the change."""
    assert less_than({"G1": grant(new)}, {"G1": grant(old)}) is less


def test_grant_that_takes_over_from_a_wider_one_ends_its_sessions():
    """Grants are looked at one by one: another grant's port forwarding isn't this one's."""
    wide = grant(Constraints(("permit-port-forwarding", "permit-pty")))
    assert less_than({"G1": grant(), "G2": wide}, {"G1": wide, "G2": wide})


def test_grants_that_are_bound_alike_go_together():
    """Extensions bind nothing."""
    grants = {"G1": grant(BOUND), "G2": grant(BOUND._replace(extensions=()))}
    assert unmixed(grants, {}) == (grants, ())


def test_of_grants_that_are_bound_otherwise_the_one_in_effect_stays():
    """Whatever the order in the document: nobody's access is ended by a mistake in somebody's new grant."""
    grants = {"G1": grant(FREE), "G2": grant(BOUND)}
    assert unmixed(grants, {"G2": grant(BOUND)}) == ({"G2": grant(BOUND)}, ("G1",))
    assert unmixed(grants, {"G1": grant(FREE)}) == ({"G1": grant(FREE)}, ("G2",))


def test_of_new_grants_that_are_bound_otherwise_the_first_counts():
    """One of them opens: which one doesn't hang on chance."""
    grants = {"G1": grant(FREE), "G2": grant(BOUND), "G3": grant(FREE)}
    assert unmixed(grants, {}) == ({"G1": grant(FREE), "G3": grant(FREE)}, ("G2",))


def test_grant_that_would_come_to_differ_stays_as_it_was():
    """A refused change leaves what is in effect."""
    before = {"G1": grant(BOUND), "G2": grant(BOUND)}
    together, refused = unmixed({"G1": grant(BOUND), "G2": grant(FREE)}, before)
    assert (together, refused) == (before, ("G2",))


def test_one_grant_alone_may_come_to_be_bound_otherwise():
    """There is nothing that it could mix with."""
    grants = {"G1": grant(OTHERWISE)}
    assert unmixed(grants, {"G1": grant(BOUND)}) == (grants, ())


def test_options_of_the_module_offer_the_vocabulary():
    """The module's documentation, its options and the document know the same words."""
    assert arguments.GRANT["extensions"]["choices"] == list(EXTENSIONS)
    assert all(re.fullmatch(r"permit-[A-Za-z0-9-]+", name) for name in EXTENSIONS)
    assert constraints.PTY in EXTENSIONS
