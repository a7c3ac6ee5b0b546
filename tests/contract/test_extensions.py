"""Extensions by a flow at the same moment: each is counted in the unit of work that makes it."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from daypass.domain.certificates import CertificateState
from daypass.errors import DeniedError, UsageError
from daypass.workflow.extending import extend_by_flow
from daypass.workflow.revoking import take_back
from tests.fakes import make_world
from tests.flow_access import given, with_flow

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.mark.parametrize(("most", "second"), [(1, "no_extensions_left"), (2, "extended")])
def test_extensions_at_the_same_moment_are_counted_one_after_the_other(store, opened, tmp_path, most, second):
    """With one left, one of two gets it; with two, both do, and the end moves twice."""
    world = with_flow(make_world(tmp_path, "web-1", store=store), max_extensions=most)
    grant = given(world)
    ready, codes = threading.Barrier(2), []

    def attempt(seams) -> None:
        ready.wait()
        try:
            extend_by_flow(seams, grant.id, world.clock(), login="alice")
            codes.append("extended")
        except DeniedError as error:
            codes.append(error.code)

    seams = [replace(world.seams, store=opened(), owner=f"here/{n}/1") for n in range(2)]
    threads = [threading.Thread(target=attempt, args=(one,)) for one in seams]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == sorted(["extended", second])
    with world.seams.store.read() as view:
        after = view.grant(grant.id)
        assert len(view.certificates(grant.id)) == 1 + most
    assert after.times_extended == most
    assert after.window.not_after == grant.window.not_after + most * HALF_AN_HOUR


def test_an_extension_and_an_end_at_the_same_moment_leave_nothing_open(store, opened, tmp_path):
    """Whichever comes first: the grant is ended, and none of its certificates is good for anything."""
    world = with_flow(make_world(tmp_path, "web-1", store=store))
    grant = given(world)
    ready = threading.Barrier(2)
    seams = [replace(world.seams, store=opened(), owner=f"here/{n}/1") for n in range(2)]

    def extend() -> None:
        ready.wait()
        with suppress(UsageError):  # it had ended already
            extend_by_flow(seams[0], grant.id, world.clock(), login="alice")

    def end() -> None:
        ready.wait()
        take_back(seams[1], grant.id, world.clock(), login="alice")

    threads = [threading.Thread(target=one) for one in (extend, end)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.seams.store.read() as view:
        assert view.grant(grant.id).ended_at == world.clock()
        assert {one.state for one in view.certificates(grant.id)} == {CertificateState.REVOKED}
