"""Hosts say ids; people know names."""

from __future__ import annotations

import re
from dataclasses import replace

from daypass.domain.outcomes import Outcome
from daypass.store.interface import ReadView

HOST_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
OTHER_HOST = "host_id_mismatch"


def with_names(view: ReadView, outcome: Outcome) -> Outcome:
    """The outcome of a host that is another one, with the names that its ids have in our record."""
    if outcome.code != OTHER_HOST or outcome.message is None:
        return outcome

    def named(match: re.Match[str]) -> str:
        host = view.host_by_id(match.group())
        return match.group() if host is None else f"{host.server} ({match.group()})"

    return replace(outcome, message=HOST_ID.sub(named, outcome.message))
