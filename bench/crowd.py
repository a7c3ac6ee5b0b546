"""Many people on a host, brought there in one wave or by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.people import LENGTH, next_number
from bench.site import GROUP, Site
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.execution.executor import WaveServer
from daypass.wiring.opening import Daypass
from daypass.workflow.granting import GrantRequest, give


class _NotSent:
    """An executor that reaches nobody: what was decided stays to be sent."""

    def run(self, kind: str, servers: Sequence[WaveServer], **options: Any) -> dict[str, Outcome]:
        outcomes = {wave.server.name: Outcome(OutcomeKind.UNREACHABLE, kind) for wave in servers}
        on_outcome: Callable[[str, Outcome], None] = options["on_outcome"]
        for name, outcome in outcomes.items():
            on_outcome(name, outcome)
        return outcomes


def give_unsent(site: Site, daypass: Daypass, people: int) -> None:
    """Give so many new people access on all hosts of the site; the next wave brings them."""
    unsent = replace(daypass.seams, executor=lambda _integration: _NotSent())
    for _ in range(people):
        request = GrantRequest(
            login=f"person{next_number(site)}",
            servers=site.hosts,
            tags=(),
            groups=(GROUP,),
            length=LENGTH,
            public_key=site.user_key.with_suffix(".pub").read_text(),
        )
        give(unsent, request, daypass.now())
