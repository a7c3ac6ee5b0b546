"""What policy denies goes into the audit log, also where nothing else comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from daypass.errors import DeniedError
from daypass.workflow.seams import Seams


@contextmanager
def denials_recorded(
    seams: Seams, kind: str, subject: str, asked: Mapping[str, object], now: datetime, *, check: bool = False
) -> Iterator[None]:
    """Write an event with what was asked, and why it was denied, when a DeniedError passes through.

    Args:
        asked: JSON values.
        check: It was a dry run: nothing is written.
    """
    try:
        yield
    except DeniedError as error:
        if not check:
            details = {**asked, "code": error.code, "sentence": error.sentence}
            with seams.write(now) as work:
                work.append_event(kind, subject, details)
        raise
