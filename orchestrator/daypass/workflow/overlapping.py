"""What else a person has at the same time on the same servers: constraints don't mix (host-contract.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from daypass.domain.certificates import Constraints
from daypass.domain.windows import Window
from daypass.errors import DeniedError
from daypass.flows.case import OpenAccess
from daypass.plan.documents import GIVING
from daypass.store.interface import ReadView


def open_access(view: ReadView, login: str, servers: Collection[str]) -> tuple[OpenAccess, ...]:
    """Access that this person has or will have on these servers; what was taken back is none, though a server
    may not have confirmed its end: the document that opens the new one closes the old one first.
    """
    shares = [share for share in view.shares(login=login, states=GIVING) if share.server in servers]
    grants = {share.grant_id: view.grant(share.grant_id) for share in shares}
    return tuple(
        OpenAccess(share.grant_id, share.server, share.window, grant.constraints.critical_options)
        for share in shares
        if (grant := grants[share.grant_id]) is not None and grant.ended_at is None
    )


def check_constraints(
    view: ReadView, login: str, servers: Collection[str], window: Window, constraints: Constraints
) -> None:
    """Refuse access that overlaps with access of the same person whose certificates are bound otherwise.

    A forced command or a source address binds one certificate; what the account can do through the other one
    (files in its home, sudo rules) would undo it.

    Raises:
        DeniedError: `constraints_differ`.
    """
    for other in open_access(view, login, servers):
        if other.window.overlaps(window) and other.critical_options != constraints.critical_options:
            raise DeniedError(
                f"{login} has access to {other.server} until {other.window.not_after:%Y-%m-%d %H:%M} UTC "
                f"(grant {other.grant_id}) with certificates that are bound otherwise: "
                f"{_words(other.critical_options)} there, {_words(constraints.critical_options)} here",
                hint=f"wait until it has ended, or end it: daypass revoke {other.grant_id}",
                code="constraints_differ",
            )


def _words(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(options.items())) or "no bounds"
