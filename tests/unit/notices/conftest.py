"""Receivers, and a sender with its channels as files would name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daypass.config.notices import Channel, Notices
from daypass.domain.notices import Delivery
from daypass.domain.secrets import FromEnvironment, Secret, SecretReference
from daypass.errors import ConfigurationError
from daypass.notices.courier import send_letters
from daypass.notices.sending import Sender, Sent
from daypass.store import Store, open_store
from tests import receivers
from tests.fakes import START, Clock, new_store

# A machine under load starts a process late; only tests of the limit itself set a shorter one.
PATIENT_SECONDS = 100


@pytest.fixture
def webhook() -> Iterator[receivers.Webhook]:
    with receivers.webhook() as one:
        yield one


@pytest.fixture
def mail() -> Iterator[receivers.Mail]:
    with receivers.mail_server() as one:
        yield one


@dataclass
class Outbox:
    """A record with messages in it, and channels to send them through."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    channels: list[Channel] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)

    def channel(self, name: str, url: str | None, **settings: Any) -> None:
        """Add a channel; no URL = its variable isn't set."""
        reference = FromEnvironment(name.upper())
        self.channels.append(Channel.model_construct(name=name, url=reference, **settings))
        if url is not None:
            self.urls[str(reference)] = url

    def reveal(self, reference: SecretReference) -> Secret:
        if str(reference) not in self.urls:
            raise ConfigurationError(f"{reference} isn't set")
        return Secret(self.urls[str(reference)].encode())

    def put(self, channel: str, topic: str = "ended:01JD1", **fields: Any) -> None:
        made = Delivery(
            topic, channel, "", "ended", "01JD1", "", "A title", "A text", self.clock(), self.clock()
        )
        with self.store.write("test", self.clock()) as work:
            work.add_delivery(replace(made, **fields))

    @property
    def sender(self) -> Sender:
        settings = Notices.model_construct(channels=tuple(self.channels))
        return Sender(settings, self.store, self.reveal, send_letters, self.clock, "test")

    def send(self, *, retries: bool = True, deadline_seconds: float = PATIENT_SECONDS) -> Sent:
        return self.sender.send_due(retries=retries, deadline_seconds=deadline_seconds)

    def later(self, **length: float) -> None:
        self.clock.forward(timedelta(**length))

    def all(self) -> list[Delivery]:
        with self.store.read() as view:
            return view.deliveries()

    def reason(self) -> str:
        """Of the only message."""
        [delivery] = self.all()
        return str(delivery.reason)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    store = new_store(tmp_path / "record.sqlite3")
    yield Outbox(store, Clock(START))
    store.close()


@pytest.fixture
def made_outbox(outbox: Outbox, tmp_path: Path) -> Callable[[], Outbox]:
    """Makes another process's view of the same outbox."""

    def another() -> Outbox:
        return replace(outbox, store=open_store(tmp_path / "record.sqlite3"))

    return another
