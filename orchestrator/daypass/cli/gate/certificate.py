"""`ssh daypass@broker certificate GRANT > file`: the certificate, and nothing else, on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from daypass.cli.names import GRANT
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY, Invocation, common
from daypass.cli.progress import wave_progress
from daypass.domain.grants import ShareState
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.workflow.certifying import Certified


@click.command()
@click.argument("grant_id", metavar="GRANT", type=GRANT)
@common
def certificate(invocation: Invocation, *, grant_id: str) -> int:
    """Print the certificate of your access for the key that you log in with, or for one that you send.

    On another machine, with another key of yours, it is signed when it is asked for; exit code 3 when a
    server doesn't know it yet.

    \b
    Example:
      daypass certificate show 01JD8F3K9M2N4P6Q8R0S2T4V6W --save ~/.ssh/id_ed25519-cert.pub
    """
    from daypass.workflow.acting import acting_for
    from daypass.workflow.certifying import certificate_for

    caller = invocation.caller
    if caller is None:
        raise UsageError("this is for people who come in over SSH", hint="daypass certificate show GRANT")
    with invocation.open() as daypass:
        seams, person = acting_for(daypass.seams, caller.login)
        with wave_progress(invocation.screen, "signing") as progress:
            found = certificate_for(
                seams, grant_id, person.login, caller.public_key, daypass.now(), progress=progress
            )
    invocation.screen.emit(_as_json(found), lambda: invocation.screen.line(found.certificate.text or ""))
    late = (
        [share.server for share in found.shares if share.state is ShareState.PENDING] if found.added else []
    )
    if late:
        invocation.screen.note(f"not known yet to {', '.join(late)}; they are told soon", style="yellow")
    return EXIT_PARTLY if late else EXIT_DONE


def _as_json(found: Certified) -> dict[str, object]:
    certificate = found.certificate
    return {
        "grant": found.grant.id,
        "added": found.added,
        "certificate": {
            "serial": str(certificate.serial),
            "public_key": certificate.fingerprint,
            "valid_after": certificate.valid_after,
            "valid_before": certificate.valid_before,
            "text": certificate.text,
        },
    }
