"""`daypass extend` and `daypass certificate reissue`: a live grant with a later end, or for another key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass import wiring
from daypass.cli.durations import Length
from daypass.cli.files import read_text, save_text
from daypass.cli.grants.giving import MOST_KEY_BYTES, share_json, show_shares
from daypass.cli.names import GRANT
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, time_text
from daypass.domain.certificates import Certificate
from daypass.domain.durations import parse_moment
from daypass.domain.grants import ShareState
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.workflow.changing import ChangeAnswer

save_option = click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the new certificate to this file, over the old one.",
)
check_option = click.option("--check", is_flag=True, help="Look whether it could be done; change nothing.")


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option("--for", "length", type=Length(), help="How much later than now agreed: 30m, 2h, 1d.")
@click.option("--until", metavar="TIME", help="The new end: 18:30, or 2026-11-23T18:30, local time.")
@click.option("--reason", default="", help="Why; kept in the audit log.")
@save_option
@check_option
@common
def extend(
    invocation: Invocation,
    *,
    grant_id: str,
    length: timedelta | None,
    until: str | None,
    reason: str,
    save: Path | None,
    check: bool,
) -> int:
    """Move a grant's end, on every server: key line, sudo rules, timers. Sessions go on.

    A certificate can't be made longer: there is a new one, for the same key, and the person needs it for
    logins after the old end. A server that can't be reached keeps the old end until `daypass reconcile` has
    told it; the exit code is then 3.

    \b
    Example:
      daypass extend 01JD8F3K9M2N4P6Q8R0S2T4V6W --for 30m --save alice-cert.pub
      daypass extend 01JD8F3K9M2N4P6Q8R0S2T4V6W --until 18:30 --check
    """
    from daypass.workflow import extending

    if (length is None) == (until is None):
        raise UsageError("one of --for and --until is needed", hint="daypass extend GRANT --for 30m")
    check_folder(save)
    with wiring.open_daypass(invocation.config) as daypass:
        now = daypass.now()
        with wave_progress(invocation.screen, "extending") as progress:
            answer = extending.extend(
                daypass.seams,
                grant_id,
                now,
                length=length,
                until=_moment(until, now),
                reason=reason,
                check=check,
                progress=progress,
            )
        saved = save_certificates(save, answer)
        now = daypass.now()
    invocation.screen.emit(
        change_json(answer, saved, check), lambda: show_longer(invocation.screen, answer, now)
    )
    return tell_end(invocation.screen, answer, saved, check, "there the old end holds")


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option(
    "--public-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The person's new public key file.",
)
@click.option("--lost", is_flag=True, help="The old key was lost or stolen, not only replaced.")
@click.option("--reason", default="", help="More about it; kept in the audit log.")
@save_option
@check_option
@common
def reissue(
    invocation: Invocation,
    *,
    grant_id: str,
    public_key: Path,
    lost: bool,
    reason: str,
    save: Path | None,
    check: bool,
) -> int:
    """Sign a grant for another key; the old one opens nothing any more, and sessions begun with it end.

    The grant's window stays. A server that can't be reached takes the old key until `daypass reconcile` has
    told it, at most until the grant ends; the exit code is then 3.

    \b
    Example:
      daypass certificate reissue 01JD8F3K9M2N4P6Q8R0S2T4V6W --public-key new.pub --lost \\
          --reason "laptop stolen" --save new-cert.pub
    """
    from daypass.workflow import reissuing

    check_folder(save)
    kind = reissuing.LOST if lost else reissuing.REPLACED
    with wiring.open_daypass(invocation.config) as daypass:
        with wave_progress(invocation.screen, "reissuing") as progress:
            answer = reissuing.reissue(
                daypass.seams,
                grant_id,
                read_text(public_key, MOST_KEY_BYTES),
                daypass.now(),
                reason=f"{kind}: {reason}" if reason else kind,
                check=check,
                progress=progress,
            )
        saved = save_certificates(save, answer)
        now = daypass.now()
    invocation.screen.emit(
        change_json(answer, saved, check), lambda: _show_key(invocation.screen, answer, now)
    )
    code = tell_end(invocation.screen, answer, saved, check, "the old key still opens them")
    for other in answer.same_key:
        invocation.screen.note(
            f"the old key is also that of grant {other}: "
            f"daypass certificate reissue {other} --public-key {public_key}",
            style="yellow",
        )
    return code


def _moment(text: str | None, now: datetime) -> datetime | None:
    try:
        return None if text is None else parse_moment(text, now)
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from None


def check_folder(save: Path | None) -> None:
    """Looked at first: a folder that isn't there must not be found out when all is done."""
    if save is not None and not save.parent.is_dir():
        raise UsageError(f"there is no folder {save.parent}")


def save_certificates(save: Path | None, answer: ChangeAnswer) -> dict[int, Path]:
    """Write what was signed; the certificate of a second key goes to `NAME-2-cert.pub`. Files by serial."""
    signed = [one for one in answer.certificates if one.text is not None]
    saved: dict[int, Path] = {}
    if save is None:
        return saved
    stem = save.name.removesuffix("-cert.pub")
    end = save.name[len(stem) :]
    for number, one in enumerate(signed, start=1):
        saved[one.serial] = save if number == 1 else save.with_name(f"{stem}-{number}{end}")
        save_text(saved[one.serial], f"{one.text}\n")
    return saved


def change_json(answer: ChangeAnswer, saved: Mapping[int, Path], check: bool) -> dict[str, object]:
    """The whole answer for programs; `certificate` is the newest one."""
    grant = answer.grant
    certificates = [_certificate_json(one, saved, check) for one in answer.certificates]
    return {
        "check": check,
        "grant": {
            "id": grant.id,
            "login": grant.login,
            "state": str(grant.state),
            "not_before": grant.window.not_before,
            "not_after": grant.window.not_after,
            "not_after_before": answer.before.window.not_after,
            "times_extended": grant.times_extended,
        },
        "certificate": certificates[-1],
        "certificates": certificates,
        "servers": {share.server: share_json(share) for share in answer.shares},
        "same_key": list(answer.same_key),
    }


def _certificate_json(certificate: Certificate, saved: Mapping[int, Path], check: bool) -> dict[str, object]:
    return {
        "serial": None if check else str(certificate.serial),
        "number": certificate.number,
        "principal": certificate.principal,
        "public_key": certificate.fingerprint,
        "valid_before": certificate.valid_before,
        "text": certificate.text,
        "file": saved.get(certificate.serial),
    }


def show_longer(screen: Screen, answer: ChangeAnswer, now: datetime) -> None:
    """The new end beside the old one, and where it holds already."""
    old, new = answer.before.window.not_after, answer.grant.window.not_after
    screen.line(f"grant {answer.grant.id} of {answer.grant.login}: until {time_text(new, now)}")
    screen.line(f"before: until {time_text(old, now)}")
    show_shares(screen, answer.shares, now)


def _show_key(screen: Screen, answer: ChangeAnswer, now: datetime) -> None:
    end = time_text(answer.grant.window.not_after, now)
    screen.line(
        f"grant {answer.grant.id} of {answer.grant.login}: for the key {answer.certificate.fingerprint}"
    )
    screen.line(f"as before: until {end}")
    show_shares(screen, answer.shares, now)


def tell_end(
    screen: Screen, answer: ChangeAnswer, saved: Mapping[int, Path], check: bool, meanwhile: str
) -> int:
    """What to do next, and the exit code."""
    if check:
        screen.note("nothing was changed (--check)")
        return EXIT_DONE
    if not screen.is_json:
        texts = [certificate.text for certificate in answer.certificates if certificate.text]
        for line in [f"certificate: {file}" for file in saved.values()] or texts:
            screen.line(line)
        if not saved:
            screen.note(f"to write it to a file: daypass certificate show {answer.grant.id} --save FILE")
    begun = bool(answer.outcomes)  # servers aren't told of what begins later
    late = [share.server for share in answer.shares if begun and share.state is not ShareState.APPLIED]
    if late:
        screen.note(
            f"not confirmed yet by {', '.join(late)}: {meanwhile} until it is told by: daypass reconcile",
            style="yellow",
        )
    return EXIT_PARTLY if late else EXIT_DONE
