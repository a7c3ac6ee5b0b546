"""`daypass access show`: everything of one grant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from daypass.cli.access.notes import show_notes
from daypass.cli.access.words import access_json, groups_text, times_text
from daypass.cli.acting import acting, as_person
from daypass.cli.grants.giving import place, share_json
from daypass.cli.names import GRANT
from daypass.cli.options import Invocation, common
from daypass.cli.render import NOTHING, Screen, clock_text, countdown, time_text
from daypass.cli.ssh_words import ssh_command
from daypass.domain.certificates import Certificate, CertificateState
from daypass.domain.durations import length_text

if TYPE_CHECKING:
    from daypass.flows.extending import Extension
    from daypass.workflow.access import AccessDetails
    from daypass.workflow.seams import Seams


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option("--key", metavar="FILE", help="The private key in the ssh commands.  [~/.ssh/<user_key_name>]")
@as_person
@common
def show(invocation: Invocation, *, grant_id: str, key: str | None, person: str | None) -> None:
    """Show everything of one grant, and how to log in.

    Servers with what stands in the way, certificates, extensions that are left, the integration's own words.

    \b
    Example:
      daypass access show 01JD8F3K9M2N4P6Q8R0S2T4V6W --as alice
    """
    from daypass.workflow.access import show_access

    with invocation.open() as daypass:
        seams, who = acting(daypass.seams, person)
        now = daypass.now()
        found = show_access(seams, grant_id, now, login=who.login if who else None)
        logins = _logins(seams, found, key)
    invocation.screen.emit(
        _details_json(found, logins, now), lambda: _show(invocation.screen, found, logins, now)
    )


class Login(NamedTuple):
    """How to log in to one server: where its certificate is expected, and what to type."""

    certificate: str
    command: str


def _logins(seams: Seams, found: AccessDetails, key: str | None) -> dict[str, Login]:
    """For each server that the grant isn't over on; the certificate beside the key, named after the grant."""
    from daypass.workflow.settle import OVER

    logins = {}
    for share in found.shares:
        if share.state in OVER or share.server not in seams.servers:
            continue
        private = key or f"~/.ssh/{seams.integration_of(share.server).user_key_name}"
        file = f"{private}-daypass-{found.grant.id}-cert.pub"
        command = ssh_command(seams.servers[share.server], found.grant.login, private, file)
        logins[share.server] = Login(file, command)
    return logins


def _details_json(found: AccessDetails, logins: dict[str, Login], now: datetime) -> dict[str, object]:
    from daypass.workflow.status import GrantStatus

    request = found.request
    return access_json(GrantStatus(found.grant, found.shares), now) | {
        "servers": {
            share.server: share_json(share)
            | {
                "integration": share.integration,
                "ssh": logins[share.server].command if share.server in logins else None,
            }
            for share in found.shares
        },
        "certificates": [_certificate_json(one) for one in found.certificates],
        "access_details": dict(found.notes),
        "extension": found.extension and _extension_json(found.extension),
        "requested": request
        and {
            "id": request.id,
            "requester": request.requester,
            "justification": request.justification,
            "ticket": request.ticket,
            "decision": request.decision,
            "votes": [
                {"person": vote.person, "at": vote.at, "yes": vote.yes, "reason": vote.reason}
                for vote in found.votes
            ],
        },
    }


def _certificate_json(certificate: Certificate) -> dict[str, object]:
    return {
        "serial": str(certificate.serial),
        "number": certificate.number,
        "public_key": certificate.fingerprint,
        "valid_before": certificate.valid_before,
        "state": str(certificate.state),
        "text": certificate.text if certificate.state is CertificateState.SIGNED else None,
    }


def _extension_json(extension: Extension) -> dict[str, object]:
    return {
        "possible": extension.window is not None,
        "times_left": extension.times_left,
        "each_seconds": int(extension.each.total_seconds()) if extension.each else None,
        "until": extension.window.not_after if extension.window else None,
        "objections": [objection._asdict() for objection in extension.objections],
    }


def _show(screen: Screen, found: AccessDetails, logins: dict[str, Login], now: datetime) -> None:
    grant = found.grant
    left = countdown(grant.window, grant.ended_at, now)
    screen.line(f"grant {grant.id} of {grant.login} by {grant.flow}: {left}", style="bold")
    for line in _story(found, now):
        screen.line(f"  {line}")
    screen.line()
    rows = [
        (
            share.server,
            groups_text(share),
            place(share),
            share.outcome_code or share.outcome or NOTHING,
            share.outcome_message or NOTHING,
            time_text(share.next_try_at, now),
        )
        for share in found.shares
    ]
    screen.table(["server", "groups", "state", "outcome", "message", "next try"], rows)
    screen.line()
    certificates = [
        (one.number, one.serial, one.state, one.fingerprint, time_text(one.valid_before, now))
        for one in found.certificates
    ]
    screen.table(["n", "serial", "certificate", "public key", "valid until"], certificates)
    show_notes(screen, found.notes)
    if found.extension is not None:
        _show_logins(screen, found, logins)


def _show_logins(screen: Screen, found: AccessDetails, logins: dict[str, Login]) -> None:
    """What to type: the certificate to a file first, then ssh."""
    screen.line()
    one = "" if len({c.fingerprint for c in found.certificates}) == 1 else " --public-key KEY.pub"
    for file in dict.fromkeys(login.certificate for login in logins.values()):
        screen.line(f"daypass certificate show {found.grant.id}{one} --save {file}", style="bold")
    for login in logins.values():
        screen.line(login.command, style="bold")


def _story(found: AccessDetails, now: datetime) -> Iterator[str]:
    """When, why, after whose yes, and what may still come, a line each."""
    grant = found.grant
    yield f"from {clock_text(grant.window.not_before, now)} to {clock_text(grant.window.not_after, now)}"
    if grant.end_reason:
        yield f"ended: {grant.end_reason}"
    if grant.reason:
        yield f"why: {grant.reason}"
    if found.request is not None:
        asked = found.request
        for_whom = "" if asked.for_oneself else f" for {asked.grantee}"
        yield f"asked by {asked.requester}{for_whom}, request {asked.id}: {asked.decision or asked.state}"
    for vote in found.votes:
        reason = f": {vote.reason}" if vote.reason else ""
        yield f"{vote.person} said {'yes' if vote.yes else 'no'} {time_text(vote.at, now)}{reason}"
    for name, value in sorted(grant.constraints.critical_options.items()):
        yield f"certificates are bound to {name} {value}"
    if grant.times_extended:
        yield f"extended {times_text(grant.times_extended)} so far"
    if found.extension is not None:
        yield from extension_text(found.extension, grant.id)


def extension_text(extension: Extension, grant_id: str) -> Iterator[str]:
    """Whether and how the end can be moved."""
    if extension.window is not None and extension.each is not None:
        times = times_text(extension.times_left)
        each = length_text(extension.each)
        yield f"may be extended {times} more, by {each} each: daypass access extend {grant_id}"
        return
    reasons = "; ".join(objection.text for objection in extension.objections)
    hint = extension.objections[0].hint
    yield f"can't be extended: {reasons}" + (f" ({hint})" if hint else "")
