"""Where calendars come from: files, and https addresses with the last good copy of each."""

from __future__ import annotations

import hashlib
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from daypass.config.server_sources import read_bounded
from daypass.directory.calendars import MAX_BYTES
from daypass.domain.durations import length_text
from daypass.domain.secrets import SecretReference

TIMEOUT_SECONDS = 10  # of connecting, and of the whole answer
REFRESH = timedelta(minutes=5)  # a copy that is younger isn't asked for again
CHUNK = 65536
Address = str | SecretReference  # an address may hold a token


class CalendarText(NamedTuple):
    """A calendar's bytes, or why there are none that may be used."""

    text: bytes | None
    trouble: str | None = None


class CalendarSources(Protocol):
    """Where a directory gets its calendars."""

    def file(self, path: Path) -> CalendarText:
        """A file's calendar."""

    def address(self, url: Address, max_age: timedelta, usable: Callable[[bytes], bool]) -> CalendarText:
        """An address's calendar, at most `max_age` old.

        Args:
            usable: Whether the bytes are a calendar; others never replace a good copy.
        """


class NoCalendars:
    """For commands that don't look at shifts: nothing is fetched, and no calendar says anything."""

    def file(self, path: Path) -> CalendarText:
        return CalendarText(None, "this command doesn't read calendars")

    def address(self, url: Address, max_age: timedelta, usable: Callable[[bytes], bool]) -> CalendarText:
        return CalendarText(None, "this command doesn't read calendars")


NO_CALENDARS = NoCalendars()


class FetchedCalendars:
    """Calendars from files, and from addresses by way of a folder with the last good copy of each.

    Args:
        folder: Made 0700 where it is missing; a copy's file name is the digest of its address.
        now: Aware UTC; a copy's age is counted from its file's time.
        reveal: The address that a reference stands for.
        fetch: Returns what an address holds. Raises OSError.
    """

    def __init__(
        self,
        folder: Path,
        now: datetime,
        reveal: Callable[[SecretReference], str],
        fetch: Callable[[str], bytes] | None = None,
    ) -> None:
        self._folder = folder
        self._now = now
        self._reveal = reveal
        self._fetch = fetch or fetch_https

    def file(self, path: Path) -> CalendarText:
        try:
            return CalendarText(read_bounded(path, MAX_BYTES))
        except OSError as error:
            return CalendarText(None, f"{path} can't be read: {error.strerror or type(error).__name__}")

    def address(self, url: Address, max_age: timedelta, usable: Callable[[bytes], bool]) -> CalendarText:
        address = url if isinstance(url, str) else self._reveal(url)
        copy = self._folder / f"{hashlib.sha256(address.encode('utf-8')).hexdigest()[:32]}.ics"
        age = self._age(copy)
        if age is not None and age < REFRESH:
            return self.file(copy)
        try:
            text = self._fetch(address)
        except OSError as error:
            return self._old_copy(copy, age, max_age, f"it can't be fetched ({_words(error)})")
        if not usable(text):
            return self._old_copy(copy, age, max_age, "what was fetched isn't a calendar")
        self._keep(copy, text)
        return CalendarText(text)

    def _age(self, copy: Path) -> timedelta | None:
        """How old a copy is, None without one; one from the future is as good as very old."""
        try:
            seconds = self._now.timestamp() - copy.stat().st_mtime
        except OSError:
            return None
        return timedelta(seconds=seconds) if seconds >= 0 else timedelta.max

    def _old_copy(self, copy: Path, age: timedelta | None, max_age: timedelta, why: str) -> CalendarText:
        if age is not None and age <= max_age:
            return self.file(copy)
        last = "there is no copy" if age is None else "the last copy is too old"
        return CalendarText(None, f"{why}, and {last} (max_age {length_text(max_age)})")

    def _keep(self, copy: Path, text: bytes) -> None:
        """Replace the copy; where that fails, the next command fetches again."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".")
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.utime(name, (self._now.timestamp(), self._now.timestamp()))
            Path(name).replace(copy)
        except OSError:
            return


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Redirects are followed to https alone."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError("a redirect away from https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetch_https(url: str) -> bytes:
    """What a https address holds, at most `MAX_BYTES` + 1 bytes of it.

    Raises:
        OSError: No https, no certificate that this machine trusts, no answer in time, or not status 200.
    """
    if not url.startswith("https://"):
        raise OSError("only https is allowed")
    opener = urllib.request.build_opener(
        _HttpsOnly(), urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )
    deadline = time.monotonic() + TIMEOUT_SECONDS
    text = bytearray()
    with opener.open(url, timeout=TIMEOUT_SECONDS) as answer:
        while len(text) <= MAX_BYTES and (chunk := answer.read1(CHUNK)):
            text += chunk
            if time.monotonic() > deadline:
                raise TimeoutError("no end in time")
    return bytes(text)


def _words(error: OSError) -> str:
    """Why, without the address: it may hold a token."""
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    reason = getattr(error, "reason", None) or error
    return reason.strerror or type(reason).__name__ if isinstance(reason, OSError) else str(reason)[:80]
