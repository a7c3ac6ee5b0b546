"""Rules of ids, serials and claim owners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from daypass.wiring import identities

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_grant_ids_sort_by_time_and_never_repeat():
    """A ULID: 26 characters of Crockford's alphabet, the time in front."""
    ids = [identities.new_grant_id(NOW + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 100
    assert all(len(item) == 26 and set(item) <= set(identities.CROCKFORD) for item in ids)


def test_serials_are_positive_and_fit_63_bits():
    """OpenSSH takes 64 bits; databases keep 63; zero means "no serial"."""
    assert all(0 < identities.new_serial() < 2**63 for _ in range(1000))


def test_this_process_is_alive_and_one_that_reused_its_number_is_not():
    """A claim of a dead owner is taken over, also when its process id was given to somebody else."""
    owner = identities.owner()
    assert identities.alive(owner)
    assert not identities.alive(owner + "0")


def test_an_owner_on_another_machine_is_taken_for_alive():
    """Nothing is known of it, so its claim has to run out."""
    assert identities.alive("other-machine/1/1")


@pytest.mark.parametrize("owner", ["", "x", "a/b", "a/b/c", "host/-1/x"])
def test_an_owner_that_cannot_be_read_is_taken_for_alive(owner):
    """An odd row in the database never breaks a claim."""
    assert identities.alive(owner) in (True, False)


@pytest.mark.parametrize("caller", ["jane", "jane.doe", "jane-doe", "jane@example.com"])
def test_under_sudo_the_record_names_who_called(monkeypatch, caller):
    """Logins of directories have dots and dashes; "root did it" tells an auditor nothing."""
    monkeypatch.setattr(identities.os, "getuid", lambda: 0)
    assert identities.actor({"SUDO_USER": caller}) == f"operator:{caller} as root"


@pytest.mark.parametrize("caller", ["", "a b", "x\ny", "-rf", "j" * 65])
def test_a_caller_that_is_no_login_is_not_recorded(monkeypatch, caller):
    """What stands in the environment is checked before it stands in the record."""
    monkeypatch.setattr(identities.os, "getuid", lambda: 0)
    assert identities.actor({"SUDO_USER": caller}) == "operator:root"
