"""`daypass grant` and `daypass revoke`: the operator's own way, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass import wiring
from daypass.cli.durations import Length
from daypass.cli.files import read_text, save_text
from daypass.cli.names import GRANT, GROUP, PERSON
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.cli.render import Screen, time_text
from daypass.cli.ssh_words import ssh_command
from daypass.cli.words import as_tags, several_servers
from daypass.domain.grants import Share, ShareState
from daypass.domain.servers import Server

if TYPE_CHECKING:
    from daypass.workflow.giving import GrantAnswer
    from daypass.workflow.revoking import RevokeAnswer

MOST_KEY_BYTES = 16384  # twice what a public key line may be; a larger file isn't a public key


@click.command()
@click.option("--login", required=True, type=PERSON, help="The person's login on the servers.")
@several_servers
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", type=GROUP, help="A user group of the integration."
)
@click.option("--for", "length", required=True, type=Length(), help="How long: 2h, 2h30m, 45m, 1d, PT2H30M.")
@click.option(
    "--public-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The person's public key file.",
)
@click.option("--reason", default="", help="Why; kept in the audit log.")
@click.option(
    "--comment", default="", help="What marks the account as this person's, such as an e-mail address."
)
@click.option(
    "--save",
    # Looked at first: a folder that isn't there must not be found out when access has been given.
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="Folder to write the certificate to.",
)
@common
def grant(
    invocation: Invocation,
    *,
    login: str,
    servers: tuple[str, ...],
    tags: tuple[str, ...],
    groups: tuple[str, ...],
    length: timedelta,
    public_key: Path,
    reason: str,
    comment: str,
    save: Path | None,
) -> int:
    """Give a person access now, for a while.

    Prints the grant's id, the certificate, what each server says, and the ssh command to type. Servers that
    can't be reached now are tried again by `daypass reconcile`; the exit code is then 3.

    \b
    Example:
      daypass grant --login alice --server web-1 --group ops --for 2h \\
          --public-key ~/.ssh/id_ed25519.pub --reason "INC-4711" --save ~/.ssh
    """
    from daypass.workflow.granting import GrantRequest, give

    with wiring.open_daypass(invocation.config) as daypass:
        request = GrantRequest(
            login=login,
            servers=servers,
            tags=as_tags(tags),
            groups=groups,
            length=length,
            public_key=read_text(public_key, MOST_KEY_BYTES),
            reason=reason,
            comment=comment,
        )
        with wave_progress(invocation.screen, "granting") as progress:
            answer = give(daypass.seams, request, daypass.now(), progress)
        saved = _save(answer, save, public_key)
        commands = ssh_commands(answer, daypass.seams.servers, public_key, saved)
        now = daypass.now()
        invocation.screen.emit(
            grant_json(answer, commands, saved),
            lambda: _show_grant(invocation.screen, answer, commands, saved, now),
        )
    return _exit_code(answer.shares, ShareState.APPLIED)


def _save(answer: GrantAnswer, folder: Path | None, public_key: Path) -> Path | None:
    """Write it as `<key>-daypass-<grant>-cert.pub`: several grants of one key stand side by side."""
    if folder is None or answer.certificate.text is None:  # revoked before it was signed
        return None
    target = folder / f"{public_key.name.removesuffix('.pub')}-daypass-{answer.grant.id}-cert.pub"
    save_text(target, f"{answer.certificate.text}\n")
    return target


def ssh_commands(
    answer: GrantAnswer, servers: Mapping[str, Server], public_key: Path, saved: Path | None
) -> dict[str, str]:
    """The ssh command for each server; the private key is expected beside the public one."""
    private = str(public_key).removesuffix(".pub")
    certificate = str(saved) if saved else "CERTIFICATE_FILE"
    return {
        share.server: ssh_command(servers[share.server], answer.grant.login, private, certificate)
        for share in answer.shares
    }


def grant_json(answer: GrantAnswer, commands: Mapping[str, str], saved: Path | None) -> dict[str, object]:
    """The whole answer for programs."""
    certificate = answer.certificate
    return {
        "grant": {
            "id": answer.grant.id,
            "login": answer.grant.login,
            "state": str(answer.grant.state),
            "flow": answer.grant.flow,
            "reason": answer.grant.reason,
            "not_before": answer.grant.window.not_before,
            "not_after": answer.grant.window.not_after,
        },
        "certificate": {
            "serial": str(certificate.serial),  # 63 bits don't survive programs that read numbers as doubles
            "principal": certificate.principal,
            "public_key": certificate.fingerprint,
            "valid_after": certificate.valid_after,
            "valid_before": certificate.valid_before,
            "text": certificate.text,
            "file": saved,
        },
        "servers": {
            share.server: share_json(share) | {"ssh": commands[share.server]} for share in answer.shares
        },
    }


def share_json(share: Share) -> dict[str, object]:
    """One server's part of a grant for programs."""
    return {
        "state": str(share.state),
        "outcome": share.outcome,
        "code": share.outcome_code,
        "message": share.outcome_message,
        "groups": list(share.groups),
        "next_try_at": share.next_try_at,
    }


def place(share: Share) -> str:
    """`ending` of a share means that the server hasn't confirmed yet (design.md, life of a grant)."""
    from daypass.workflow.settle import in_effect

    if share.state is ShareState.ENDING:
        return "ending (unconfirmed)"
    changed = share.state is ShareState.PENDING and in_effect(share)
    return "applied (change pending)" if changed else str(share.state)


def show_shares(screen: Screen, shares: Iterable[Share], now: datetime) -> None:
    """A table of servers: where the grant stands, and why not further."""
    rows = [
        (
            s.server,
            place(s),
            s.outcome_code or s.outcome or "-",
            s.outcome_message or "-",
            time_text(s.next_try_at, now),
        )
        for s in shares
    ]
    screen.table(["server", "state", "outcome", "message", "next try"], rows)


def _show_grant(
    screen: Screen, answer: GrantAnswer, commands: Mapping[str, str], saved: Path | None, now: datetime
) -> None:
    grant = answer.grant
    screen.line(f"grant {grant.id} for {grant.login}, until {time_text(grant.window.not_after, now)}")
    show_shares(screen, answer.shares, now)
    screen.line()
    if saved:
        screen.line(f"certificate: {saved}")
    elif answer.certificate.text:
        screen.line(answer.certificate.text)
        screen.note(f"to write it to a file: daypass certificate show {grant.id} --save CERTIFICATE_FILE")
    for share in answer.shares:
        if share.state is ShareState.APPLIED:
            screen.line(commands[share.server], style="bold")
    if any(share.state is not ShareState.APPLIED for share in answer.shares):
        screen.note(
            "some servers are still pending; they are tried again by: daypass reconcile", style="yellow"
        )


def _exit_code(shares: Iterable[Share], *wanted: ShareState) -> int:
    return EXIT_DONE if all(share.state in wanted for share in shares) else EXIT_PARTLY


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option("--reason", default="revoked", show_default=True, help="Why; kept in the audit log.")
@common
def revoke(invocation: Invocation, *, grant_id: str, reason: str) -> int:
    """Take a grant back now: key line, groups, sudo, sessions and processes, on every server.

    A server that can't be reached is tried again by `daypass reconcile`; the exit code is then 3.

    \b
    Example:
      daypass revoke 01JD8F3K9M2N4P6Q8R0S2T4V6W
    """
    from daypass.workflow.revoking import take_back
    from daypass.workflow.settle import OVER

    with wiring.open_daypass(invocation.config) as daypass:
        with wave_progress(invocation.screen, "revoking") as progress:
            answer = take_back(daypass.seams, grant_id, daypass.now(), reason=reason, progress=progress)
        now = daypass.now()
        invocation.screen.emit(revoke_json(answer), lambda: show_revoke(invocation.screen, answer, now))
    return _exit_code(answer.shares, *OVER)


def revoke_json(answer: RevokeAnswer) -> dict[str, object]:
    """The whole answer for programs."""
    return {
        "grant": {"id": answer.grant.id, "login": answer.grant.login, "state": str(answer.grant.state)},
        "servers": {share.server: share_json(share) for share in answer.shares},
    }


def show_revoke(screen: Screen, answer: RevokeAnswer, now: datetime) -> None:
    """Where it has ended, and where it hasn't yet."""
    from daypass.workflow.settle import OVER

    screen.line(f"grant {answer.grant.id} of {answer.grant.login}: {answer.grant.state}")
    show_shares(screen, answer.shares, now)
    late = [share.server for share in answer.shares if share.state not in OVER]
    if late:
        end = time_text(answer.grant.window.not_after, now)
        screen.note(
            f"not confirmed yet by {', '.join(late)}: open there until told by daypass reconcile, "
            f"or until the server itself ends it: {end}",
            style="yellow",
        )
