"""Automatic access: recorded as the flows say; the pass of `reconcile` that it is part of signs and sends it.

Whatever is decided here is decided again in the unit of work that records it: of two passes at once, one does
the work. People that something stands in the way of hold up nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from daypass.domain.windows import Window
from daypass.errors import ConfigurationError, DaypassError, DeniedError, UsageError
from daypass.flows.automatic import AutomaticPlan, Change, End, Keep, Open, flows_gone, is_on, plan_automatic
from daypass.flows.checking import some
from daypass.flows.entitled import Note, Wanted, digest_of, with_keys
from daypass.store.interface import ReadView, WriteWork
from daypass.workflow.following import fit, give_anew, take_away
from daypass.workflow.overlapping import open_access
from daypass.workflow.seams import Seams
from daypass.workflow.waves import check_documents

BATCH = 50  # people whose access is recorded together: other commands wait for a unit of work


@dataclass(frozen=True)
class Followed:
    """What one look at the automatic flows did.

    Attributes:
        opened, changed, taken: Ids of grants that began, that were made to fit, that ended.
        notes: What was left out, and why.
        problems: What kept the rest from being done.
    """

    opened: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    problems: tuple[DaypassError, ...] = ()


@dataclass
class _Done:
    """The same, while it grows."""

    opened: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)


def follow_flows(seams: Seams, now: datetime) -> Followed:
    """Record what automatic access there is to be at `now`; servers are told with the same pass.

    People and flows that can't be read change nothing.
    """
    try:
        plan = look(seams, now)
    except ConfigurationError as error:
        return Followed(problems=(error,))
    done, notes, problems = _Done(), list(plan.notes), []
    for batch in _batches(plan.changes):
        try:
            _record(seams, batch, now, done)
        except DaypassError:
            for change in batch:  # find out which of them it is; the others go on
                try:
                    _record(seams, [change], now, done)
                except (UsageError, DeniedError) as error:
                    notes.append(_refused(change, error))
                except DaypassError as error:
                    problems.append(error)
    return Followed(tuple(done.opened), tuple(done.changed), tuple(done.taken), tuple(notes), tuple(problems))


def look(seams: Seams, now: datetime) -> AutomaticPlan:
    """What is to change now, and what is left out; nothing is recorded, and nothing read without need.

    Raises:
        ConfigurationError: People or flows can't be read.
    """
    flows = seams.settings.access_flows
    with seams.store.read() as view:
        accesses = view.automatic_access()
        if not any(map(is_on, flows)):
            return AutomaticPlan((*flows_gone(flows, accesses),))
        plan = plan_automatic(seams.policy(), accesses, view.onboarded_servers(), now)
        clashes: dict[str, list[str]] = {}
        changes = [
            fitting
            for change in plan.changes
            if (fitting := _without_clashes(view, change, now, clashes)) is not None
        ]
    texts = (
        Note(flow, "constraints_differ", f"access with other bounds is there already: {some(found)}")
        for flow, found in clashes.items()
    )
    return AutomaticPlan(tuple(changes), (*plan.notes, *texts))


def left_out(seams: Seams, now: datetime) -> tuple[Note, ...]:
    """What automatic access leaves out now; that people can't be read is one thing more."""
    try:
        return look(seams, now).notes
    except ConfigurationError as error:
        return (Note("every flow", error.code, error.sentence),)


def _without_clashes(
    view: ReadView, change: Change, now: datetime, clashes: dict[str, list[str]]
) -> Change | None:
    """The change without servers where the person has access with other bounds: what is there stands."""
    if isinstance(change, End):
        return change
    access = change.access if isinstance(change, Keep) else change.before
    until = change.until or (access.window.not_after if access else now)
    options = change.wanted.flow.settings.certificate.critical_options
    window = Window(now.replace(microsecond=0), until)
    clashing = {
        one.server
        for one in open_access(view, change.wanted.person.login, change.wanted.places)
        if one.window.overlaps(window)
        and dict(one.critical_options) != options
        and (access is None or one.grant_id != access.grant_id)
    }
    if not clashing:
        return change
    clashes.setdefault(change.wanted.flow.name, []).extend(
        f"{change.wanted.person.login} on {server}" for server in sorted(clashing)
    )
    return _over(change, _narrowed(change.wanted, clashing))


def _narrowed(wanted: Wanted, without: set[str]) -> Wanted:
    places = {name: place for name, place in wanted.places.items() if name not in without}
    return replace(wanted, places=places, digest=with_keys(digest_of(places), wanted.person))


def _over(change: Open | Keep, wanted: Wanted) -> Change | None:
    """The change over fewer servers, None where nothing is left to do."""
    if isinstance(change, Keep):
        if not wanted.places:
            return End(change.access, "access with other bounds is there already")
        unchanged = change.until is None and change.access.digest == wanted.digest
        return None if unchanged else replace(change, wanted=wanted)
    if wanted.places:
        return replace(change, wanted=wanted)
    live = change.before is not None and change.before.ended_at is None
    return End(change.before, change.reason) if change.before is not None and live else None


def _batches(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    return (changes[n : n + BATCH] for n in range(0, len(changes), BATCH))


def _record(seams: Seams, changes: Iterable[Change], now: datetime, done: _Done) -> None:
    """Some changes in one unit of work: all of them, or none."""
    mine, servers = _Done(), set()
    with seams.write(now) as work:
        for change in changes:
            seen = change.before if isinstance(change, Open) else change.access
            if work.automatic_of(*_whose(change)) != seen:
                continue  # another pass was here; the next one looks again
            servers |= _apply(seams, work, change, now, mine)
        check_documents(seams, work, sorted(servers), now)
    done.opened += mine.opened
    done.changed += mine.changed
    done.taken += mine.taken


def _apply(seams: Seams, work: WriteWork, change: Change, now: datetime, done: _Done) -> set[str]:
    """One change; returns the servers that are to give something else now."""
    if isinstance(change, End):
        if take_away(seams, work, change.access, change.reason, now):
            done.taken.append(change.access.grant_id)
        return set()
    if isinstance(change, Open):
        if change.before is not None and take_away(seams, work, change.before, change.reason, now):
            done.taken.append(change.before.grant_id)
        done.opened.append(give_anew(seams, work, change.wanted, change.until, now).id)
    else:
        grant_id = fit(seams, work, change, now)
        (done.changed if grant_id == change.access.grant_id else done.opened).append(grant_id)
    return set(change.wanted.places)


def _whose(change: Change) -> tuple[str, str]:
    """Flow and login."""
    if isinstance(change, End):
        return change.access.flow, change.access.login
    return change.wanted.flow.name, change.wanted.person.login


def _refused(change: Change, error: DaypassError) -> Note:
    flow, login = _whose(change)
    return Note(flow, error.code, f"{login}: {error.sentence}")
