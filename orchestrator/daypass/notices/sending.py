"""The outbox's turn: take what is due, hand it over, note what became of it.

A try is counted before it is made, and the next one set: of two processes only one takes a message, and one
that dies in the middle leaves it to the next pass. So a message whose sender was killed between sending and
noting comes twice; none is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from daypass.config.notices import Channel, Notices
from daypass.domain.notices import TOO_LATE, Delivery, DeliveryState, notice_pause
from daypass.domain.secrets import Secret, SecretReference
from daypass.errors import DaypassError
from daypass.notices.courier import Courier, Letter
from daypass.store.interface import Store, WriteWork

PER_CHANNEL = 50  # messages of one turn, so that a channel that is down doesn't hold up the others
MOST_TURNS = 5
KEPT = timedelta(days=30)  # what is done, for whoever asks whether somebody was told
PLACES = ("{email}", "{login}")


@dataclass(frozen=True)
class Sent:
    """What a pass over the outbox did, in numbers of messages."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(frozen=True)
class Sender:
    """All that sending needs.

    Attributes:
        reveal: A secret reference to its value; raises ConfigurationError.
        courier: Hands letters over, within a time.
    """

    settings: Notices
    store: Store
    reveal: Callable[[SecretReference], Secret]
    courier: Courier
    clock: Callable[[], datetime]
    actor: str

    def send_due(self, *, retries: bool, deadline_seconds: float) -> Sent:
        """Send what is due.

        Args:
            retries: False = only what was never tried, for a command that somebody waits for.
            deadline_seconds: For each turn; what has no answer by then has failed.
        """
        total = Sent()
        for _ in range(MOST_TURNS if retries else 1):
            if not (turn := self._turn(retries=retries, deadline_seconds=deadline_seconds)):
                break
            total = Sent(total.sent + turn.sent, total.failed + turn.failed, total.given_up + turn.given_up)
            if turn.failed:  # whoever called goes on: the rest can wait for the next pass
                break
        return total

    def _turn(self, *, retries: bool, deadline_seconds: float) -> Sent | None:
        now = self.clock()
        with self.store.read() as view:
            if not view.deliveries_due(now, retries=retries):
                return None
        taken = take_due(self.store, self.actor, now, retries=retries)
        tried = [one for one in taken if one.state is DeliveryState.WAITING]
        answers = self._hand_over(tried, deadline_seconds)
        now = self.clock()
        with self.store.write(self.actor, now) as work:
            for delivery, reason in zip(tried, answers, strict=True):
                work.set_delivery(_after(delivery, reason, now))
            work.forget_deliveries(now - KEPT)
        failed = sum(reason is not None for reason in answers)
        return Sent(len(tried) - failed, failed, len(taken) - len(tried))

    def _hand_over(self, deliveries: Sequence[Delivery], deadline_seconds: float) -> list[str | None]:
        """For each message why it wasn't sent, None where it was."""
        channels = {channel.name: channel for channel in self.settings.channels}
        answers: dict[int, str | None] = {}
        letters: dict[int, Letter] = {}
        for number, delivery in enumerate(deliveries):
            try:
                channel = channels.get(delivery.channel)
                url = self.url_for(channel, delivery.login, delivery.email)
                letters[number] = Letter(delivery.channel, url, delivery.title, delivery.body)
            except (DaypassError, ValueError) as error:
                answers[number] = error.sentence if isinstance(error, DaypassError) else str(error)
        answers |= self.courier(letters, deadline_seconds)
        return [answers[number] for number in range(len(deliveries))]

    def url_for(self, channel: Channel | None, login: str, email: str) -> Secret:
        """The channel's URL, for this person where it is for one.

        Raises:
            ConfigurationError: The secret can't be read.
            ValueError: The channel is gone, or the URL doesn't fit it.
        """
        if channel is None:
            raise ValueError("the channel isn't in the configuration any more")
        url = self.reveal(channel.url).reveal().decode("utf-8", "replace").strip()
        named = [place for place in PLACES if place in url]
        if channel.per_person and not named:
            raise ValueError("per_person is set, but the URL holds neither {email} nor {login}")
        if named and not channel.per_person:
            raise ValueError(f"the URL holds {named[0]}, but per_person isn't set")
        for place, value in zip(PLACES, (email, login), strict=True):
            url = url.replace(place, quote(value, safe=""))
        return Secret(url.encode("utf-8"))


def take_due(
    store: Store, actor: str, now: datetime, *, retries: bool = True, per_channel: int = PER_CHANNEL
) -> list[Delivery]:
    """Take messages to send, and give up those that are too late: of several processes one gets each."""
    with store.write(actor, now) as work:
        taken: list[Delivery] = []
        counts: Mapping[str, list[Delivery]] = defaultdict(list)
        for delivery in work.deliveries_due(now, retries=retries):
            if now - delivery.created_at >= TOO_LATE:
                taken.append(_given_up(work, delivery, now))
            elif len(counts[delivery.channel]) < per_channel:
                attempts = delivery.attempts + 1
                tried = replace(delivery, attempts=attempts, next_try_at=now + notice_pause(attempts))
                work.set_delivery(tried)
                counts[delivery.channel].append(tried)
                taken.append(tried)
        return taken


def _given_up(work: WriteWork, delivery: Delivery, now: datetime) -> Delivery:
    given_up = replace(delivery, state=DeliveryState.GIVEN_UP, done_at=now)
    work.set_delivery(given_up)
    details = {
        "event": delivery.event,
        "channel": delivery.channel,
        "person": delivery.login,
        "tries": delivery.attempts,
        "reason": delivery.reason,
    }
    work.append_event("notice.given_up", delivery.subject, details)
    return given_up


def _after(delivery: Delivery, reason: str | None, now: datetime) -> Delivery:
    if reason is None:
        return replace(delivery, state=DeliveryState.SENT, reason=None, done_at=now)
    pause = notice_pause(delivery.attempts)
    return replace(delivery, reason=reason, next_try_at=now + pause)
