from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from daypass.inventory.host_key_text import fingerprint
from daypass.workflow.host_keys import Standing, compare, record


def new_key() -> str:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


OLD, OTHER = sorted((new_key(), new_key()))


@pytest.fixture
def look(world):
    """Compare what web-1 shows with what is known of it."""

    def look_at(found, server=None):
        with world.seams.store.read() as view:
            return compare(view, [server or world.seams.server("web-1")], {"web-1": found})[0]

    return look_at


@pytest.fixture
def recorded(world, look):
    """web-1 with OLD on record."""
    with world.seams.store.write("test", world.seams.clock()) as work:
        work.replace_host_keys("web-1", [])
    record(world.seams, [look([OLD])], world.seams.clock())


@pytest.fixture(autouse=True)
def _blank(world):
    with world.seams.store.write("test", world.seams.clock()) as work:
        work.replace_host_keys("web-1", [])


def test_first_keys_of_a_server_are_new(look):
    """Nothing is known, so a person has to confirm them."""
    one = look([OTHER, OLD])
    assert (one.standing, one.keys) == (Standing.NEW, (OLD, OTHER))


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("shown", "standing"),
    [
        ([OLD], Standing.SAME),
        ([OTHER], Standing.CHANGED),
        ([OLD, OTHER], Standing.CHANGED),
        ("it is down", Standing.FAILED),
        ([], Standing.FAILED),
        (["ssh-ed25519 AAAA", "-o evil"], Standing.FAILED),
    ],
)
def test_shown_keys_are_measured_against_the_record(look, shown, standing):
    """The same set or changed; a key that was added is a change too, since nobody confirmed it."""
    one = look(shown)
    assert one.standing is standing
    assert one.known == (OLD,)


def test_host_key_of_the_list_wins_over_the_record(world, look, recorded):
    """The list names one key of several; it must be among those that are shown."""
    listed = replace(world.seams.server("web-1"), host_key=OTHER)
    assert look([OLD], listed).standing is Standing.CHANGED
    assert look([OLD, OTHER], listed).standing is Standing.SAME


def test_recorded_keys_replace_the_ones_before_and_leave_an_event(world, look, recorded):
    """The audit log says which key went and which came."""
    record(world.seams, [look([OTHER])], world.seams.clock())
    with world.seams.store.read() as view:
        assert [key.key for key in view.host_keys("web-1")] == [OTHER]
        event = [event for event in view.events(0, 100) if event.kind == "host_keys.recorded"][-1]
    assert event.details == {"fingerprints": [fingerprint(OTHER)], "before": [fingerprint(OLD)]}
