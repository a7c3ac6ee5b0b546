"""What the lab finds out about the machine."""

from __future__ import annotations

import resource

import pytest

from lab import machine

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
ON_ALL = "   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
ON_ALL_V6 = (
    "   0: 00000000000000000000000000000000:08AE 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0\n"
)
ON_LOOPBACK = "   1: 01004D7F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n"
CONNECTED = "   2: 00000000:0016 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0\n"


def test_listener_on_all_addresses_takes_the_port():
    """The kernel refuses a second listener on the same port even on one address alone."""
    assert machine.wildcard_ports(HEADER + ON_ALL) == {22}
    assert machine.wildcard_ports(HEADER + ON_ALL_V6) == {2222}


def test_listener_on_one_address_and_connections_take_nothing():
    """Other labs' hosts don't make the port unusable."""
    assert machine.wildcard_ports(HEADER + ON_LOOPBACK + CONNECTED) == set()


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ((100, 500), "nofile=500:500"),
        ((1024, 20000), "nofile=1024:20000"),
        ((1024, resource.RLIM_INFINITY), "nofile=1024:524288"),
    ],
)
def test_limits_never_exceed_what_the_process_has(
    monkeypatch: pytest.MonkeyPatch, own: tuple[int, int], expected: str
):
    """Where limits can't be raised, a container with higher ones doesn't start."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: own)
    assert machine.limit("nofile", resource.RLIMIT_NOFILE, (1024, 524288)) == expected
