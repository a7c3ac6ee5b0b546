"""What the workflow knows of the store's outbox: messages that wait to be sent, and what became of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from daypass.domain.notices import Delivery, DeliveryState


class OutboxView(Protocol):
    """The outbox in one consistent view of the record."""

    def deliveries(self, states: Collection[DeliveryState] | None = None) -> list[Delivery]:
        """Oldest first."""

    def deliveries_due(self, now: datetime, *, retries: bool = True) -> list[Delivery]:
        """Waiting ones whose pause is over, those that wait longest first.

        A next try further away than the longest pause was written by a clock that ran ahead, and is due.

        Args:
            retries: False = only what was never tried.
        """

    def topics_known(self, topics: Collection[str]) -> frozenset[str]:
        """Those of the topics that there are messages about, or were until they were forgotten."""


class OutboxWork(OutboxView, Protocol):
    """The outbox in a unit of work."""

    def add_delivery(self, delivery: Delivery) -> bool:
        """Add a message, unless one of this topic was added for this channel and person; whether it was."""

    def set_delivery(self, delivery: Delivery) -> None:
        """Raises: NotFoundError."""

    def forget_deliveries(self, before: datetime) -> None:
        """Take out what was sent or given up before that time."""
