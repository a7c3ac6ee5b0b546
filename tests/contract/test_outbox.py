"""The outbox of notices, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.domain.notices import Delivery, DeliveryState
from daypass.errors import NotFoundError
from daypass.store import Store

from . import racing
from .samples import ACTOR, HOUR, NOW
from .test_units import PROCESSES, at_the_same_moment

MINUTE = timedelta(minutes=1)


def message(topic: str = "ended:01JD1", **changes: Any) -> Delivery:
    made = Delivery(
        topic=topic, channel="mail", login="bob", event="ended", subject="01JD1", email="bob@example.com",
        title="A title", body="A text\nof two lines", created_at=NOW, next_try_at=NOW,
    )  # fmt: skip
    return replace(made, **changes)


def add(store: Store, *messages: Delivery) -> list[bool]:
    with store.write(ACTOR, NOW) as work:
        return [work.add_delivery(one) for one in messages]


def test_message_comes_back_as_it_was(store: Store):
    """Every field survives, the empty optional too."""
    plain = message()
    full = message(
        "failed:x", login="", email="", state=DeliveryState.GIVEN_UP, attempts=9, reason="why",
        done_at=NOW + HOUR,
    )  # fmt: skip
    add(store, plain, full)
    with store.read() as view:
        assert view.deliveries() == [plain, full]
        assert view.deliveries(states=[DeliveryState.WAITING]) == [plain]


def test_same_thing_is_told_once(store: Store):
    """Once for each channel and person; what was told stays as it was told."""
    assert add(store, message(), message(body="again"), message(login="eve"), message(channel="chat")) == [
        True, False, True, True,
    ]  # fmt: skip
    with store.read() as view:
        assert {(one.channel, one.login, one.body) for one in view.deliveries()} == {
            (channel, login, "A text\nof two lines")
            for channel, login in (("mail", "bob"), ("mail", "eve"), ("chat", "bob"))
        }


def test_due_is_what_waits_and_may_be_tried(store: Store):
    """Pauses are kept, what is done isn't due; a pause that a wrong clock wrote counts for nothing."""
    add(
        store,
        message("new"),
        message("again", attempts=2, next_try_at=NOW - MINUTE),
        message("pausing", attempts=1, next_try_at=NOW + MINUTE),
        message("wrong clock", attempts=1, next_try_at=NOW + 3 * HOUR),
        message("sent", state=DeliveryState.SENT, done_at=NOW),
        message("given up", state=DeliveryState.GIVEN_UP, done_at=NOW),
    )
    with store.read() as view:
        assert [one.topic for one in view.deliveries_due(NOW)] == ["again", "new", "wrong clock"]
        assert [one.topic for one in view.deliveries_due(NOW, retries=False)] == ["new"]


def test_change_is_of_one_message(store: Store):
    """The others stay; one that isn't there is an error."""
    add(store, message(), message(login="eve"))
    with store.write(ACTOR, NOW) as work:
        work.set_delivery(message(state=DeliveryState.SENT, done_at=NOW))
        with pytest.raises(NotFoundError):
            work.set_delivery(message("unknown"))
    with store.read() as view:
        assert [(one.login, one.state) for one in view.deliveries()] == [("bob", "sent"), ("eve", "waiting")]


def test_odd_answers_of_servers_can_be_recorded(store: Store):
    """A reason that no database takes as it is keeps nothing from being recorded."""
    add(store, message())
    with store.write(ACTOR, NOW) as work:
        work.set_delivery(message(reason="a\x00b\ud800" + "x" * 10_000))
    with store.read() as view:
        assert str(view.deliveries()[0].reason).startswith("a\ufffdb")


def test_old_messages_are_forgotten(store: Store):
    """Those that are done, and only they."""
    done = {"state": DeliveryState.SENT, "done_at": NOW - HOUR}
    add(store, message("old", **done), message("fresh", **done | {"done_at": NOW}), message("waiting"))
    with store.write(ACTOR, NOW) as work:
        work.forget_deliveries(NOW)
    with store.read() as view:
        assert {one.topic for one in view.deliveries()} == {"fresh", "waiting"}


def test_topics_that_were_told_are_known(store: Store):
    """Whatever became of their messages."""
    add(store, message("waiting"), message("sent", state=DeliveryState.SENT, done_at=NOW))
    with store.read() as view:
        assert view.topics_known(["waiting", "sent", "new"]) == {"waiting", "sent"}
        assert view.topics_known([]) == frozenset()


def test_processes_never_take_the_same_message(store: Store, database: str | Path):
    """Each message is taken by exactly one process."""
    add(store, *(message(f"topic{number:02}") for number in range(racing.ROUNDS)))
    taken = [topic for topics in at_the_same_moment(racing.take, database) for topic in topics]
    assert sorted(taken) == [f"topic{number:02}" for number in range(racing.ROUNDS)]
    assert PROCESSES > 1
