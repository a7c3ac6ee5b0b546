"""A request as `request show --output json` tells of it, checked before anything is believed."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from daypass.client.answer import AnswerRefused

Id = Annotated[str, Field(pattern=r"^[0-9A-Z]{26}$")]  # a ULID; it becomes a word of the next command


class Verdict(Enum):
    """How waiting ends."""

    ACTIVE = "active"  # on every server
    PARTLY = "partly"  # each server has said something, and not all of them yes
    REFUSED = "refused"  # denied, cancelled, expired, or ended again


class _Part(BaseModel):
    """Fields may be added by the other side."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class OnServer(_Part):
    """The grant on one server, as of a share (`domain/grants.py`)."""

    state: Literal["pending", "applied", "ending", "ended", "removed"]
    outcome: str | None = None
    message: str | None = None

    @property
    def told(self) -> bool:
        """Whether the server was asked, whatever came of it."""
        return self.state != "pending" or self.outcome is not None


class Access(_Part):
    """What came of a request."""

    grant: Id
    not_before: AwareDatetime
    not_after: AwareDatetime
    servers: dict[str, OnServer]


class Asked(_Part):
    """The request itself."""

    id: Id
    state: Literal["pending", "approved", "denied", "cancelled", "expired"]
    decision: str = ""


class Standing(_Part):
    """Where the answers stand."""

    waiting_for: str = ""
    may_answer: tuple[str, ...] = ()


class Rule(_Part):
    """One rule of a flow, and what it says of a request."""

    ok: bool
    text: str = ""


class Judged(_Part):
    """One flow, and what it says."""

    flow: str
    rules: tuple[Rule, ...] = ()


class Decision(_Part):
    """Why, flow by flow; told when a request is made."""

    reasons: tuple[Judged, ...] = ()


class Followed(_Part):
    """A request with what came of it."""

    request: Asked
    decision: Decision | None = None
    approvals: Standing | None = None
    access: Access | None = None

    @property
    def verdict(self) -> Verdict | None:
        """None = there is something to wait for."""
        if self.request.state in ("denied", "cancelled", "expired"):
            return Verdict.REFUSED
        if self.access is None:
            return None
        shares = self.access.servers.values()
        if all(one.state in ("ending", "ended", "removed") for one in shares):
            return Verdict.REFUSED
        if all(one.state == "applied" for one in shares):
            return Verdict.ACTIVE
        return Verdict.PARTLY if all(one.told for one in shares) else None

    @property
    def objections(self) -> dict[str, str]:
        """Each flow that was asked, and why not."""
        judged = self.decision.reasons if self.decision else ()
        return {one.flow: "; ".join(rule.text for rule in one.rules if not rule.ok) for one in judged}

    def begins_after(self, now: datetime) -> bool:
        """Whether access was given, and begins later."""
        return self.access is not None and self.access.not_before > now


def read_followed(value: object) -> Followed:
    """The answer, or its refusal.

    Raises:
        AnswerRefused: It isn't one about a request.
    """
    try:
        return Followed.model_validate(value, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AnswerRefused(
            f"the answer isn't one about a request: {place or 'it'}: {first['msg']}",
            hint="Daypass here and on the broker may be of different versions: daypass --version",
        ) from None
