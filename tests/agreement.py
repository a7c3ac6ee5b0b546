"""Whether the record and a server say the same; the server's side is given as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from daypass.domain.certificates import CertificateState
from daypass.domain.grants import ShareState
from daypass.store.interface import ReadView

UNSETTLED = (ShareState.PENDING, ShareState.ENDING)


def granted(view: ReadView, server: str, now: datetime) -> dict[str, set[str]]:
    """Login -> principals that the record gives on this server at `now`."""
    wanted: dict[str, set[str]] = {}
    for share in view.shares(server=server, states=(ShareState.PENDING, ShareState.APPLIED)):
        if share.window.holds(now):
            signed = [c for c in view.certificates(share.grant_id) if c.state is CertificateState.SIGNED]
            wanted.setdefault(share.login, set()).update(c.principal for c in signed)
    return {login: principals for login, principals in wanted.items() if principals}


def check_not_more(view: ReadView, server: str, opened: Mapping[str, set[str]], now: datetime) -> None:
    """Nobody has more on the server than the record gives."""
    allowed = granted(view, server, now)
    for login, principals in opened.items():
        assert principals <= allowed.get(login, set()), f"{login} on {server}"


def check_agreement(view: ReadView, server: str, opened: Mapping[str, set[str]], now: datetime) -> None:
    """The server gives exactly what the record gives, and the record knows it: nothing is left to do."""
    unsettled = view.shares(server=server, states=UNSETTLED)
    assert unsettled == [], f"{server}: {unsettled}"
    assert {k: v for k, v in opened.items() if v} == granted(view, server, now), server


def check_certificates(view: ReadView) -> None:
    """Every serial was signed for one certificate, and every live grant has a certificate that is signed."""
    signed = [c for grant in view.grants() for c in view.certificates(grant.id) if c.text]
    assert len({c.serial for c in signed}) == len(signed)
    for grant in view.grants():
        shares = view.shares(grant_id=grant.id, states=(ShareState.APPLIED,))
        states = {c.state for c in view.certificates(grant.id)}
        assert not shares or states - {CertificateState.REVOKED} == {CertificateState.SIGNED}, grant.id
