"""What columns hold. Times are whole microseconds since 1970 UTC: exact, comparable, alike everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, Dialect, Text, TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_MESSAGE_CHARACTERS = 4000  # a sentence for people; a hostile host could send megabytes


class UtcTime(TypeDecorator[datetime]):
    """Aware times as microseconds since 1970; a naive one is a mistake of the caller."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"a time without zone can't be stored: {value.isoformat()}")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class HostText(TypeDecorator[str]):
    """Text that a host or a mail server sent. What a database can't hold is replaced, and it is cut.

    The one place where something is repaired and not refused: a host must not be able to keep its own
    outcome, and that of the servers beside it, from being recorded.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text = value[:MAX_MESSAGE_CHARACTERS].replace("\x00", "\ufffd")
        return text.encode("utf-8", "replace").decode("utf-8")
