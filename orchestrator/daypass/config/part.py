"""What all parts of the configuration have in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator

from daypass.config import fields
from daypass.domain.durations import parse_length
from daypass.domain.secrets import SecretReference

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)  # of access, and of what has to do with it

PlainText = Annotated[str, PlainValidator(fields.plain_text)]
SecretField = Annotated[SecretReference, PlainValidator(fields.secret_reference)]


class Part(BaseModel):
    """Frozen, and a field that isn't known is a problem."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


def as_list(value: Any) -> Any:
    """One thing where a list may stand is a list of it."""
    return value if isinstance(value, list) or value is None else [value]


def access_length(value: Any) -> timedelta:
    """How long access lasts."""
    try:
        length = parse_length(value)
    except (TypeError, ValueError):
        length = timedelta()
    if SHORTEST <= length <= LONGEST:
        return length
    raise fields.refuse(f"a length such as 45m, 8h or 30d, from 1m to {LONGEST.days}d")


def not_many(limit: int) -> AfterValidator:
    """A list with an end."""

    def check(value: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(value) > limit:
            raise fields.refuse(f"at most {limit}", f"{len(value)} entries")
        return value

    return AfterValidator(check)


Length = Annotated[timedelta, PlainValidator(access_length)]
