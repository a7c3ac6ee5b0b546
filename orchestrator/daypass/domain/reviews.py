"""Reviews: what somebody has to look at after access that nobody was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Review:
    """The review of one break-glass grant; open until somebody closes it with a reason.

    Attributes:
        login: Who had the access.
        opened_at: When the grant was recorded.
        notify: Logins of those who were told, sorted.
        closed_at: None = open.
        closed_by: Login; empty while it is open.
        reason: What was found; empty while it is open.
    """

    grant_id: str
    login: str
    opened_at: datetime
    notify: tuple[str, ...]
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.closed_at is None
