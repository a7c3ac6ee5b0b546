"""`daypass reconcile`: one pass of the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from daypass import wiring
from daypass.cli.names import SERVER
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.policy.people_words import note_people
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, time_text
from daypass.cli.upkeep.automatic import note_json, show_notes
from daypass.domain.outcomes import OutcomeKind
from daypass.workflow.rebasing import rebase
from daypass.workflow.reconciling import Pass, reconcile_once

NOTICES_SECONDS = 20  # that one turn of them may take; the next pass is due in a minute


@click.command()
@click.option(
    "--rebase",
    "rebased",
    metavar="SERVER",
    type=SERVER,
    help="Accept that this server has seen a higher sequence than ours.",
)
@click.option("--now", "at_once", is_flag=True, help="Don't wait for pauses after failed tries.")
@common
def reconcile(invocation: Invocation, *, rebased: str | None, at_once: bool) -> int:
    """End what is due, retry what failed, remove accounts that passed their cleanup window.

    Made for cron or a systemd timer: safe at any time, twice at a time too. Exit code 3 when a server still
    has to be tried again, or the directory can't tell who is here. A server that failed is left alone for a
    while, 15 minutes at most; when it is back and you don't want to wait: --now.

    \b
    Example:
      daypass reconcile --output json
      daypass reconcile --now
    """
    with wiring.open_daypass(invocation.config) as daypass:
        if rebased:
            rebase(daypass.seams, rebased, daypass.now())
        try:
            with wave_progress(invocation.screen, "reconciling") as progress:
                done = reconcile_once(daypass.seams, daypass.now(), progress, pauses=not at_once)
        finally:  # whatever a pass couldn't do, people are told what has happened
            sent = daypass.send_notices(retries=True, deadline_seconds=NOTICES_SECONDS)
        now = daypass.now()
        people = note_people(invocation.screen, daypass.seams, now)
    told = {"sent": sent.sent, "failed": sent.failed, "given_up": sent.given_up}
    invocation.screen.emit(
        _pass_json(done) | {"notices": told, "people": people}, lambda: _show(invocation.screen, done, now)
    )
    if sent.failed or sent.given_up:
        count = sent.failed + sent.given_up
        invocation.screen.note(f"{count} notices couldn't be sent: daypass notices list", style="yellow")
    late = any(outcome.kind is not OutcomeKind.APPLIED for outcome in done.outcomes.values())
    unsure = people["held"] or people["trouble"]
    return EXIT_PARTLY if late or done.waiting or unsure else EXIT_DONE


def _pass_json(done: Pass) -> dict[str, object]:
    return {
        "ended": list(done.ended),
        "left": list(done.left),
        "decided": [{"request": one.id, "state": str(one.state)} for one in done.decided],
        "signed": [str(serial) for serial in done.signed],
        "removals": {server: sorted(logins) for server, logins in done.removals.items()},
        "servers": {
            name: {"outcome": str(o.kind), "code": o.code, "message": o.message}
            for name, o in done.outcomes.items()
        },
        "busy": list(done.busy),
        "waiting": dict(done.waiting),
        "unremoved": [
            {"server": a.server, "login": a.login, "message": a.removal_message} for a in done.unremoved
        ],
        "not_begun": [{"grant": grant_id, "why": why} for grant_id, why in done.not_begun],
        "automatic": {
            "opened": list(done.automatic.opened),
            "changed": list(done.automatic.changed),
            "taken": list(done.automatic.taken),
            "notes": [note_json(note) for note in done.automatic.notes],
        },
    }


def _show(screen: Screen, done: Pass, now: datetime) -> None:
    show_notes(screen, done.automatic.notes)
    if lines := [*_grant_lines(done), *(f"request {r.id} is {r.state}: {r.decision}" for r in done.decided)]:
        for line in lines:
            screen.line(line)
    elif not (done.outcomes or done.busy or done.waiting):
        screen.line("nothing to do")
        return
    if done.outcomes:
        rows = [(name, o.kind, o.code or "-", o.message or "-") for name, o in sorted(done.outcomes.items())]
        screen.table(["server", "outcome", "code", "message"], rows)
    for server, logins in sorted(done.removals.items()):
        screen.line(f"cleanup window passed on {server}: {', '.join(sorted(logins))}")
    if done.busy:
        screen.note(f"another process is talking to: {', '.join(done.busy)}")
    for account in done.unremoved:
        left = account.removal_message or "not begun"
        screen.note(f"{account.login} isn't removed from {account.server} yet: {left}", style="yellow")
    for server, moment in sorted(done.waiting.items()):
        screen.note(
            f"{server} is tried again at {time_text(moment, now)}, or at once: daypass reconcile --now"
        )


def _grant_lines(done: Pass) -> Iterator[str]:
    """What became of grants, each on a line."""
    for words, grants in (
        ("window closed", done.ended),
        ("person left", done.left),
        ("automatic access given", done.automatic.opened),
        ("automatic access changed", done.automatic.changed),
        ("automatic access ended", done.automatic.taken),
    ):
        yield from (f"{words}: grant {grant_id}" for grant_id in grants)
    yield from (f"doesn't begin: grant {grant_id}, {why}" for grant_id, why in done.not_begun)
