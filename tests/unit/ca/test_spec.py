"""The fields of a certificate, before anything is signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from daypass.ca.spec import BACKDATE_SECONDS, MAX_SERIAL, check_spec
from daypass.errors import SigningError

from .conftest import GRANT_ID, NOW


def refused(make_spec, **changes: object) -> str:
    with pytest.raises(SigningError) as caught:
        check_spec(replace(make_spec(), **changes))
    return caught.value.code


def test_spec_follows_the_profile(make_spec):
    """design.md, certificate profile: principal, key id, backdating, a pty and nothing else."""
    spec = make_spec()
    assert spec.principal == f"daypass-{GRANT_ID}-1"
    assert spec.key_id == f"daypass user=alice grant={GRANT_ID} flow=direct"
    assert spec.valid_after == NOW - timedelta(seconds=60)
    assert spec.valid_before == NOW + timedelta(hours=2)
    assert spec.critical_options == {}
    assert spec.extensions == ("permit-pty",)
    assert BACKDATE_SECONDS == 60


@pytest.mark.parametrize("serial", [0, -1, MAX_SERIAL + 1])
def test_serial_outside_63_bits_is_refused(make_spec, serial):
    """Serials are 1 to 2**63 - 1."""
    assert refused(make_spec, serial=serial) == "spec_serial"


@pytest.mark.parametrize(
    "principal",
    ["", "alice", "root", "*", "daypass-*-1", "daypass--1", "daypass-01JD-0", "daypass-01JD-01",
     "daypass-01JD", "daypass-01JD-1\n", "daypass-01JD-1,root", f"daypass-{'A' * 41}-1"],
)  # fmt: skip
def test_principal_other_than_a_grants_own_is_refused(make_spec, principal):
    """Never empty, never a login name, never a wildcard."""
    assert refused(make_spec, principal=principal) == "spec_principal"


@pytest.mark.parametrize("login", ["", "a b", "alice\n", "alice grant=x", "a=b", "é", "a" * 65])
def test_key_id_with_an_odd_login_is_refused(make_spec, login):
    """The key id tells its story in sshd's log; nothing in it may tell another one."""
    with pytest.raises(SigningError) as caught:
        make_spec(login=login)
    assert caught.value.code == "spec_key_id"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_after": datetime(2026, 1, 1)}, "valid_after"),  # noqa: DTZ001 # that is what is refused
        ({"valid_before": NOW + timedelta(microseconds=1)}, "valid_before"),
        ({"valid_before": NOW - timedelta(seconds=60)}, "valid_before"),
        ({"valid_after": datetime(1969, 12, 31, tzinfo=UTC)}, "valid_after"),
    ],
)
def test_times_that_are_not_a_window_in_whole_utc_seconds_are_refused(make_spec, changes, field):
    """A certificate holds seconds; rounding would be a repair."""
    assert refused(make_spec, **changes) == f"spec_{field}"


@pytest.mark.parametrize(
    "options",
    [{"verify-required": ""}, {"source-address": ""}, {"source-address": "10.0.0.0/8, 10.1.0.0/16"},
     {"source-address": "10.0.0.1/8"}, {"source-address": "10.0.0.0/255.0.0.0"}, {"source-address": "web-1"},
     {"source-address": "fe80::1%eth0"}, {"source-address": ",".join(["10.0.0.1"] * 101)},
     {"force-command": ""}, {"force-command": " "}, {"force-command": "a\nb"}, {"force-command": "a" * 1025}],
)  # fmt: skip
def test_critical_option_that_sshd_would_read_otherwise_is_refused(make_spec, options):
    """An option that is malformed or unknown makes a certificate that fails, or means something else."""
    assert refused(make_spec, critical_options=options) == "spec_critical_options"


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "10.0.0.0/8", "10.0.0.0/8,192.0.2.7", "2001:db8::/32", "::1"]
)
def test_source_addresses_in_cidr_are_allowed(make_spec, address):
    """PROTOCOL.certkeys: a comma-separated list of addresses and networks."""
    assert (
        make_spec(critical_options={"source-address": address}).critical_options["source-address"] == address
    )


@pytest.mark.parametrize(
    "extensions", [("permit-user-rc",), ("permit-everything",), ("permit-pty", "permit-pty")]
)
def test_extension_outside_the_known_ones_is_refused(make_spec, extensions):
    """Only what a flow can mean is signed, and once."""
    assert refused(make_spec, extensions=extensions) == "spec_extensions"
