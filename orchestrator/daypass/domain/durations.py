"""Lengths of time as people type them (`2h`, `2h30m`, `45m`, `1d`, ISO 8601 `PT2H30M`) and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_PLAIN = re.compile(
    r"(?=\d)(?:(?P<d>\d{1,4})d)?(?:(?P<h>\d{1,5})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8})s)?", re.ASCII
)
_ISO = re.compile(
    r"P(?=\d|T\d)(?:(?P<d>\d{1,4})D)?"
    r"(?:T(?=\d)(?:(?P<h>\d{1,5})H)?(?:(?P<m>\d{1,6})M)?(?:(?P<s>\d{1,8})S)?)?",
    re.ASCII,
)


def parse_length(text: str) -> timedelta:
    """The length that `text` says, in whole seconds, more than none.

    Raises:
        ValueError: It isn't a length, or it is nothing.
    """
    match = _PLAIN.fullmatch(text) or _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} isn't a length of time; write 2h, 2h30m, 45m, 1d or PT2H30M")
    d, h, m, s = (int(match[unit] or 0) for unit in "dhms")
    length = timedelta(days=d, hours=h, minutes=m, seconds=s)
    if not length:
        raise ValueError(f"{text!r} is no time at all")
    return length


def length_text(length: timedelta) -> str:
    """`2d 3h`, `1h 30m`, `45s`: the two largest units that aren't zero."""
    left = int(abs(length).total_seconds())
    parts: list[str] = []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def parse_moment(text: str, now: datetime) -> datetime:
    """The moment of `18:30` (the next one) or `2026-11-23T18:30`, local unless it names a zone.

    Args:
        now: Aware; its local zone is the machine's.

    Raises:
        ValueError: It is neither.
    """
    local = now.astimezone()
    try:
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", text, re.ASCII):
            hour, minute = map(int, text.split(":"))
            today = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
            return (today if today > local else today + timedelta(days=1)).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} isn't a moment; write 18:30, 2026-11-23T18:30 or with a zone") from None
    return (moment if moment.tzinfo else moment.astimezone()).astimezone(UTC)
