"""Grants of several people in one wave, where a test is about what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from daypass.ca.public_keys import check_public_key
from daypass.domain.certificates import Certificate, Constraints
from daypass.domain.outcomes import OutcomeKind
from daypass.domain.windows import window_from
from daypass.workflow.giving import NewGrant, record_grant
from daypass.workflow.signing import sign_reserved
from daypass.workflow.waves import converge
from tests.orchestrator import Orchestrator


@dataclass(frozen=True)
class Wanted:
    """What somebody is to have for an hour."""

    servers: tuple[str, ...]
    groups: tuple[str, ...] = ()
    constraints: Constraints = field(default_factory=Constraints)


def give_together(site: Orchestrator, people: Mapping[str, Wanted]) -> dict[str, Certificate]:
    """Recorded and signed one by one as a decision is, then applied in one wave; certificates by login."""
    with site.opened() as daypass:
        seams, now = daypass.seams, daypass.now()
        with seams.store.write("test", now) as work:
            grants = [
                record_grant(seams, work, _new(site, login, one, now), now) for login, one in people.items()
            ]
            serials = {grant.id: work.certificates(grant.id)[0].serial for grant in grants}
        signed = {grant.login: sign_reserved(seams, grant, serials[grant.id], now) for grant in grants}
        outcomes = converge(seams, {server for one in people.values() for server in one.servers})
    assert {outcome.kind for outcome in outcomes.values()} == {OutcomeKind.APPLIED}, outcomes
    return signed


def _new(site: Orchestrator, login: str, wanted: Wanted, now: datetime) -> NewGrant:
    return NewGrant(
        login=login,
        comment="",
        flow="watchers",
        reason="",
        window=window_from(now, timedelta(hours=1)),
        servers=wanted.servers,
        groups=wanted.groups,
        public_keys=(check_public_key(Path(f"{site.key(login)}.pub").read_text()),),
        constraints=wanted.constraints,
    )
