"""Automatic access: which grant is whose by which flow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daypass.domain.windows import Window


@dataclass(frozen=True)
class AutomaticAccess:
    """What one person has, or had last, by one automatic flow; there is one grant of it at a time.

    Attributes:
        window: The grant's.
        ended_at: When the grant was ended, None while it gives access.
        critical_options: What the grant's certificates are bound to.
        extensions: What they may do.
        digest: Of the servers with groups and sudo rules, and of the public keys, that the grant was made to
            fit; so that a pass over many people reads no more of each than this line.
        keys: The person's keys in the directory when it was last made to fit, `TYPE BASE64` each.
    """

    flow: str
    login: str
    grant_id: str
    window: Window
    ended_at: datetime | None
    critical_options: Mapping[str, str] = field(hash=False)
    extensions: tuple[str, ...]
    digest: str
    keys: tuple[str, ...]
