"""What is said of a directory as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta

from daypass.directory.directory import Directory
from daypass.domain.durations import length_text


def age_text(directory: Directory, now: datetime) -> str:
    """How old what is known of people is; empty for a file, which is read each time."""
    if directory.read_at is None:
        return ""
    return f"as of {length_text(max(now - directory.read_at, timedelta()))} ago"
