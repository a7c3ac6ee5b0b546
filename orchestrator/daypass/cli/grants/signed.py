"""`daypass certificate` and `daypass ca`: what was signed, and by whom."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from daypass import wiring
from daypass.ca.public_keys import check_public_key
from daypass.cli.files import read_text, save_text
from daypass.cli.grants.changes import reissue
from daypass.cli.grants.giving import MOST_KEY_BYTES
from daypass.cli.names import GRANT
from daypass.cli.options import Invocation, common
from daypass.cli.render import Screen, time_text
from daypass.domain.certificates import Certificate, CertificateState
from daypass.errors import UsageError
from daypass.workflow.revoking import find_grant


@click.group()
def certificate() -> None:
    """Certificates of grants."""


certificate.add_command(reissue, "reissue")


@certificate.command("show")
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the newest certificate to this file.",
)
@click.option(
    "--public-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only certificates for this public key file.",
)
@common
def show(invocation: Invocation, *, grant_id: str, save: Path | None, public_key: Path | None) -> None:
    """Show the certificates of a grant.

    There is one for each key that the person has, and one more for each after an extension.

    \b
    Example:
      daypass certificate show 01JD8F3K9M2N4P6Q8R0S2T4V6W --save ~/.ssh/id_ed25519-cert.pub
      daypass certificate show 01JD8F3K9M2N4P6Q8R0S2T4V6W --public-key laptop.pub --save laptop-cert.pub
    """
    with wiring.open_daypass(invocation.config) as daypass:
        with daypass.seams.store.read() as view:
            grant = find_grant(view, grant_id)
            certificates = sorted(view.certificates(grant.id), key=lambda c: c.number)
        if public_key is not None:
            wanted = check_public_key(read_text(public_key, MOST_KEY_BYTES)).fingerprint
            certificates = [one for one in certificates if one.fingerprint == wanted]
        now = daypass.now()
    signed = [c for c in certificates if c.text and c.state is CertificateState.SIGNED]
    if save and not signed:
        of_key = " for this key" if public_key else ""
        raise UsageError(f"the grant {grant.id} has no certificate{of_key} that is good for anything")
    if save:
        save_text(save, f"{signed[-1].text}\n")
    invocation.screen.emit(
        {"grant": grant.id, "login": grant.login, "certificates": [_as_json(c) for c in certificates]},
        lambda: _show(invocation.screen, certificates, now),
    )


def _as_json(certificate: Certificate) -> dict[str, object]:
    return {
        "serial": str(certificate.serial),
        "number": certificate.number,
        "principal": certificate.principal,
        "public_key": certificate.fingerprint,
        "valid_after": certificate.valid_after,
        "valid_before": certificate.valid_before,
        "state": str(certificate.state),
        "revoked_at": certificate.revoked_at,
        "revoke_reason": certificate.revoke_reason,
        "text": certificate.text,
    }


def _show(screen: Screen, certificates: list[Certificate], now: datetime) -> None:
    rows = [
        (
            c.number,
            c.serial,
            c.state,
            c.principal,
            c.fingerprint,
            time_text(c.valid_before, now),
            c.revoke_reason or "-",
        )
        for c in certificates
    ]
    screen.table(["n", "serial", "state", "principal", "public key", "valid until", "revoked"], rows)
    for item in certificates:
        if item.text and item.state is not CertificateState.REVOKED:
            screen.line(item.text)


@click.group()
def ca() -> None:
    """The certificate authority."""


@ca.command("show")
@common
def ca_show(invocation: Invocation) -> None:
    """Show the public key that servers trust, line by line, for managed accounts only.

    \b
    Example:
      daypass ca show
    """
    with wiring.open_daypass(invocation.config) as daypass:
        keys = daypass.ca_public_keys()
    invocation.screen.emit(
        {
            "keys": [
                {"public_key": key.line, "fingerprint": key.fingerprint, "type": key.type} for key in keys
            ]
        },
        lambda: invocation.screen.table(
            ["fingerprint", "public key"], [(key.fingerprint, key.line) for key in keys]
        ),
    )
