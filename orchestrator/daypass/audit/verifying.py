"""Walking the chain from the first event to the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from daypass.audit.anchor import read_anchor
from daypass.domain.events import GENESIS_HASH, Event, event_hash
from daypass.errors import AuditError
from daypass.store.interface import AuditHead, ReadView

OnEvents = Callable[[int], None]
_NOTHING = AuditHead(0, GENESIS_HASH)


@dataclass(frozen=True)
class Report:
    """What a walk found.

    Attributes:
        checked: Events that hold, from the first on.
        head: The last of them.
        problems: Findings in sentences; empty = the log is whole.
    """

    checked: int
    head: AuditHead
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        return not self.problems


@dataclass
class _Walk:
    """Where the walk is: the last event that holds, and which of the wanted hashes it has met."""

    head: AuditHead
    wanted: dict[str, int | None]  # hash -> the number it must stand at, None = anywhere

    def step(self, event: Event) -> str | None:
        """Go on to the next event; a sentence where it doesn't follow."""
        if event.number != self.head.number + 1:
            return f"event {self.head.number + 1} is missing: {event.number} stands in its place"
        if event.previous_hash != self.head.hash:
            return f"event {event.number} doesn't follow the event before it"
        if not _holds(event):
            return f"event {event.number} was altered"
        self.head = AuditHead(event.number, event.hash)
        if self.wanted.get(event.hash, -1) in (None, event.number):
            del self.wanted[event.hash]
        return None


def verify(
    events: Iterable[Event],
    *,
    anchor: AuditHead | None = None,
    head: AuditHead | None = None,
    expect: str | None = None,
) -> Report:
    """Prove that nothing was altered, moved, cut out or cut off; one event at a time is in memory.

    Args:
        events: All events in order, the first one included.
        anchor: Number and hash from outside the database; the chain must hold it.
        head: Number and hash that the store keeps; the chain must end with it.
        expect: A hash that somebody noted earlier; the chain must hold it.
    """
    walk = _Walk(_NOTHING, {})
    if anchor is not None and anchor.number:
        walk.wanted[anchor.hash] = anchor.number
    if expect is not None:
        walk.wanted.setdefault(expect, None)
    problem = _walk_all(walk, events)
    if problem is not None:
        # What comes after a break proves nothing, so only the first one is named.
        return Report(walk.head.number, walk.head, (problem,))
    return Report(walk.head.number, walk.head, tuple(_end_problems(walk, anchor, head, expect)))


def all_events(view: ReadView, on_events: OnEvents | None = None) -> Iterator[Event]:
    """The whole log in order, read page by page.

    Args:
        on_events: Called with the number of events of each page.

    Raises:
        AuditError: `audit_unreadable`.
    """
    last = 0
    while page := view.events(after=last):
        yield from page
        last = page[-1].number
        if on_events:
            on_events(len(page))


def verify_store(
    view: ReadView,
    *,
    anchor: AuditHead | None,
    expect: str | None = None,
    on_events: OnEvents | None = None,
) -> Report:
    """`verify` for everything that a view of the store holds."""
    events = all_events(view, on_events)
    return verify(events, anchor=anchor, head=view.audit_head(), expect=expect)


def verify_with_anchor(
    view: ReadView, path: Path, *, expect: str | None = None, on_events: OnEvents | None = None
) -> Report:
    """`verify_store` against the anchor beside the database; a missing one is a problem.

    Raises:
        AuditError: `anchor_unreadable`.
    """
    anchor = read_anchor(path)
    report = verify_store(view, anchor=anchor, expect=expect, on_events=on_events)
    if anchor is not None:
        return report
    missing = f"the anchor {path} is missing: a cut-off end can't be seen; daypass init makes a new one"
    return replace(report, problems=(*report.problems, missing))


def _walk_all(walk: _Walk, events: Iterable[Event]) -> str | None:
    try:
        for event in events:
            if problem := walk.step(event):
                return problem
    except AuditError as error:
        return error.sentence.rstrip(".")
    return None


def _end_problems(
    walk: _Walk, anchor: AuditHead | None, head: AuditHead | None, expect: str | None
) -> Iterator[str]:
    if head is not None and head != walk.head:
        yield f"the log ends at event {walk.head.number}, but the store's own head is {head.number}"
    if anchor is not None and anchor.number > walk.head.number:
        yield f"the log ends at event {walk.head.number}, but the anchor knows event {anchor.number}"
    elif anchor is not None and anchor.hash in walk.wanted:
        yield f"event {anchor.number} isn't the one that the anchor knows: the log was written anew"
    if expect is not None and expect in walk.wanted:
        yield f"no event has the hash {expect}"


def _holds(event: Event) -> bool:
    """The hash fits the fields; fields of odd types, as an altered row may have them, never fit."""
    fields = (event.actor, event.kind, event.subject, event.details, event.previous_hash)
    try:
        return event.hash == event_hash(event.number, event.at, *fields)
    except (TypeError, ValueError, AttributeError):
        return False
