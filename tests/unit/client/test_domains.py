"""Whose names our entries may take in the person's own ssh configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daypass.client.archive import archive_of
from daypass.client.domains import check_domains, is_ours, why_not
from daypass.client.places import keep_domains, put_in_place, take_away
from daypass.client.ssh_config import KeyPlace
from daypass.domain.open_access import OpenJump
from daypass.errors import UsageError

from .conftest import HOST_KEY, KEY, NOW, access, effective, server

JUMP = OpenJump("192.0.2.9", 22, "ops", None, (HOST_KEY,))


@pytest.mark.parametrize(
    ("name", "more", "domains", "ours"),
    [
        ("web-1", {}, (), True),
        ("github.com", {}, (), False),
        ("github.com", {}, ("example.com",), False),
        ("github.com", {"host": "GitHub.com"}, (), True),  # where it leads without us; its key wouldn't fit
        ("github.com", {"host": "github.com", "jump": JUMP}, (), False),  # the jump host could answer itself
        ("DB-1.Example.com", {}, ("example.com",), True),
        ("example.com", {}, ("example.com",), True),
        ("evil-example.com", {}, ("example.com",), False),
        ("10.0.0.5", {}, (), False),
        ("10.0.0.5", {"host": "10.0.0.5"}, (), True),
    ],
)
def test_name_with_a_dot_is_ours_only_where_it_leads_there_anyway_or_the_person_says_so(
    name, more, domains, ours
):
    """Whoever writes the server list, or plays the broker, chooses name, address, host key and jump."""
    assert is_ours(replace(server(name), **more), domains) is ours


def test_public_name_in_the_server_list_changes_nothing_for_the_person(home, keys):
    """The real one is still reached; the person is told, with what to type where it is no attack."""
    placed = put_in_place(access(server("github.com"), server()), keys, home, NOW)
    assert effective(home, "github.com")["hostname"] == ["github.com"]
    assert effective(home, "web-1")["hostname"] == ["192.0.2.1"]
    assert placed.rendered.unusable == {"github.com": why_not("github.com")}
    assert "daypass access ssh-config --domain" in why_not("github.com")


def test_domain_that_the_person_named_is_kept_until_everything_is_taken_away(home, keys):
    """Each later run puts the names below it in place too; a file that isn't ours to read allows nothing."""
    whole = access(server("db-1.example.com"))
    keep_domains(replace(home, domains=check_domains(["Example.com."])))
    keep_domains(replace(home, domains=check_domains(["example.org"])))
    put_in_place(whole, keys, home, NOW)
    assert effective(home, "db-1.example.com")["hostname"] == ["192.0.2.1"]
    (home.folder / "domains").write_text("com\n")
    assert put_in_place(whole, keys, home, NOW).rendered.usable == {}
    take_away(home)
    assert not home.folder.exists()


def test_archive_holds_such_names_only_for_the_domains_that_were_typed():
    """It is unpacked where no Daypass looks at it."""
    place = KeyPlace(KEY.fingerprint, "~/.ssh/id_ed25519")
    whole = access(server("db-1.example.com"))
    assert b"Host db-1" not in archive_of(whole, place, NOW)
    assert b"Host db-1.example.com" in archive_of(whole, place, NOW, ["example.com"])


@pytest.mark.parametrize(
    "odd", ["com", "", "*", "a..b", "*.example.com", "-x.example.com", "x" * 64 + ".com"]
)
def test_what_is_no_domain_of_ones_own_is_refused(odd):
    """A whole top level would let every name in."""
    with pytest.raises(UsageError):
        check_domains([odd])
