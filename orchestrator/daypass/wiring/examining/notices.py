"""What `daypass doctor` says of the channels of notices. Nothing is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator

from daypass.config import Settings
from daypass.domain.notices import NoticeEvent
from daypass.domain.secrets import Secret, SecretReference
from daypass.errors import DaypassError
from daypass.notices.courier import send_letters
from daypass.notices.sending import Sender
from daypass.notices.trying import check_urls, failing
from daypass.secret_stores import resolve
from daypass.store.interface import Store
from daypass.wiring.clock import now
from daypass.wiring.opening import open_record
from daypass.workflow.doctor.findings import Check, Finding, fail, ok, warn


def checks(settings: Settings) -> Iterator[Check]:
    """Whether break-glass is told, and whether each channel works."""
    yield Check("break-glass notices", lambda: _untold(settings))
    if settings.notices.channels:
        yield Check("notices", lambda: _channels(settings))


def _channels(settings: Settings) -> Iterator[Finding]:
    """Whether each channel's URL can be used, and what didn't go through it."""
    try:
        store = open_record(settings)
    except DaypassError:
        return  # the database has a finding of its own
    try:
        yield from _findings(settings, store)
    finally:
        store.close()


def _untold(settings: Settings) -> Iterator[Finding]:
    """Break-glass asks nobody because people are told: without a channel nobody is."""
    flows = [flow.name for flow in settings.access_flows if flow.active and flow.break_glass]
    if flows and not settings.notices.wants(NoticeEvent.BREAK_GLASS):
        found = f"nobody is told of access by {', '.join(flows)}: no channel is for break_glass"
        yield warn("break-glass notices", found, "add a channel to `notices` in daypass.yaml")


def _findings(settings: Settings, store: Store) -> Iterator[Finding]:
    def reveal(reference: SecretReference) -> Secret:
        return resolve(reference, dict(os.environ))  # a copy: the next look needs the variable, too

    with store.read() as view:
        silent = failing(view)
    reasons = check_urls(Sender(settings.notices, store, reveal, send_letters, now, "doctor"))
    for channel in settings.notices.channels:
        what, reason = f"notices through {channel.name}", reasons.get(channel.name)
        if reason is not None:
            yield fail(what, reason, f"the Apprise URL is kept in {channel.url}")
        elif (unsent := silent.get(channel.name)) is not None:
            found = f"{unsent.count} can't be sent: {unsent.reason}"
            yield warn(what, found, "daypass notices list")
        else:
            yield ok(what, f"the URL in {channel.url} can be used; try it: daypass notices test")
