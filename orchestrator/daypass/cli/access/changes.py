"""`daypass access end` and `daypass access extend`: what a person does with own access."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from daypass.cli.acting import acting, acting_person, as_person
from daypass.cli.confirming import confirm
from daypass.cli.durations import Length
from daypass.cli.grants.changes import (
    change_json,
    check_folder,
    check_option,
    save_certificates,
    save_option,
    show_longer,
    tell_end,
)
from daypass.cli.grants.giving import revoke_json, show_revoke
from daypass.cli.names import GRANT
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import countdown

GIVEN_BACK = "given back"  # a grant's `end_reason` when its person ended it


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@check_option
@as_person
@common
def end(
    invocation: Invocation, *, grant_id: str, reason: str, yes: bool, check: bool, person: str | None
) -> int:
    """End access before its time, with its sessions.

    On every server: key line, groups, sudo, sessions and processes. With --as, one's own; without, as an
    operator, anybody's, as `daypass revoke` does. A server that can't be reached is tried again by `daypass
    reconcile`; the exit code is then 3.

    \b
    Example:
      daypass access end 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice
    """
    from daypass.workflow.access import show_access
    from daypass.workflow.ending import REVOKED
    from daypass.workflow.revoking import take_back
    from daypass.workflow.settle import OVER

    screen = invocation.screen
    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        login = who.login if who else None
        now = daypass.now()
        found = show_access(seams, grant_id, now, login=login)
        servers = [share.server for share in found.shares if share.state not in OVER]
        left = countdown(found.grant.window, found.grant.ended_at, now)
        question = f"End the access of {found.grant.login} to {', '.join(servers) or 'nothing'} ({left})"
        if check:
            screen.emit(
                {"check": True, "grant": found.grant.id, "ends": servers}, lambda: screen.line(question)
            )
            screen.note("nothing was changed (--check)")
            return EXIT_DONE
        confirm(screen, f"{question}?", confirmed=yes or not servers)
        with wave_progress(screen, "ending") as progress:
            why = reason or (GIVEN_BACK if login else REVOKED)
            answer = take_back(seams, grant_id, daypass.now(), login=login, reason=why, progress=progress)
        now = daypass.now()
        screen.emit(revoke_json(answer), lambda: show_revoke(screen, answer, now))
    return EXIT_DONE if all(share.state in OVER for share in answer.shares) else EXIT_PARTLY


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option("--for", "length", type=Length(), help="How much later than now agreed.  [the flow's own step]")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@save_option
@check_option
@as_person
@common
def extend(
    invocation: Invocation,
    *,
    grant_id: str,
    length: timedelta | None,
    reason: str,
    save: Path | None,
    check: bool,
    person: str | None,
) -> int:
    """Move the end of one's own access.

    As often and as far as its access flow allows now; sessions go on. Nobody is asked: the flow says how
    often (`max_extensions`) and how much at a time (`extension_duration`), and its hours end the access all
    the same. There is a new certificate for the same key, which logins after the old end need. Exit code 4
    when the flow says no, with every reason.

    \b
    Example:
      daypass access extend 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice --check
      daypass access extend 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice --for 15m --save alice-cert.pub
    """
    from daypass.workflow.extending import extend_by_flow

    check_folder(save)
    screen = invocation.screen
    with invocation.open() as daypass:
        seams, who = acting_person(daypass.seams, person)
        with wave_progress(screen, "extending") as progress:
            answer, extension = extend_by_flow(
                seams,
                grant_id,
                daypass.now(),
                login=who.login,
                length=length,
                reason=reason,
                check=check,
                progress=progress,
            )
        saved = save_certificates(save, answer)
        now = daypass.now()
    screen.emit(
        change_json(answer, saved, check) | {"times_left": extension.times_left - 1, "cut": extension.cut},
        lambda: show_longer(screen, answer, now),
    )
    if extension.cut:
        screen.note("it ends with the hours of its access flow, sooner than asked", style="yellow")
    screen.note(f"extensions left: {extension.times_left - 1}")
    return tell_end(screen, answer, saved, check, "there the old end holds")
