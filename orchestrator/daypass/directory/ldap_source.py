"""People from an LDAP directory, by way of its last good answer: none, and half a one, change nothing.

Who is there is asked anew when the last answer is older than `refresh`; where none comes, the last one counts
until it is older than `max_age`. Then nothing is opened any more: reading raises, as with a broken file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from daypass.config.directory import Ldap
from daypass.directory.calendar_sources import NO_CALENDARS, CalendarSources
from daypass.directory.directory import Directory
from daypass.directory.ldap_asking import (
    Answer,
    Ask,
    Found,
    NoAnswer,
    ask,
    entry_json,
    entry_of,
    questions_digest,
)
from daypass.directory.ldap_people import directory_of
from daypass.directory.shift_file import read_shifts
from daypass.directory.state_file import Damaged, one_at_a_time, read_state, write_state
from daypass.domain.durations import length_text
from daypass.domain.secrets import Secret, SecretReference
from daypass.errors import ConfigurationError

FORMAT = 1
GOOD, TROUBLE = "ldap.json", "ldap-trouble.json"  # the last good answer, and the last failure after it
LOCK = "ldap.lock"
RETRY = timedelta(seconds=30)  # nobody waits again for a server that has just been silent


@dataclass(frozen=True)
class Known:
    """The last good answer.

    Attributes:
        read_at: When it was asked for.
        full_at: When everything was read, not only what had changed.
    """

    answer: Answer
    read_at: datetime
    full_at: datetime


class LdapDirectory:
    """People and groups of an LDAP directory; asked at most once, however often it is read.

    Args:
        folder: Where the last good answer is kept.
        now: Aware UTC.
        reveal: The secret that a reference stands for.
        shifts: A file of shifts, None without any.
        asking: How the directory is asked.
        keeps: Whether answers are kept; False where this account isn't the one whose folder it is.
    """

    def __init__(
        self,
        settings: Ldap,
        folder: Path,
        now: datetime,
        reveal: Callable[[SecretReference], Secret],
        shifts: Path | None = None,
        asking: Ask = ask,
        *,
        keeps: bool = True,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._now = now
        self._reveal = reveal
        self._shifts = shifts
        self._asking = asking
        self._keeps = keeps
        self._anew = False

    def read(self, calendars: CalendarSources = NO_CALENDARS) -> Directory:
        """Everyone, as of the last good answer; errors as `DirectorySource.read`."""
        known, trouble = self._current
        shifts = read_shifts(self._shifts) if self._shifts else ()
        return directory_of(
            known.answer, self._settings, shifts, calendars, read_at=known.read_at, trouble=trouble
        )

    def at_hand(self) -> Directory:
        """As `read`, however old the last good answer is; nobody is asked."""
        known = self.__dict__["_current"][0] if "_current" in self.__dict__ else self._look()[0]
        if known is None:
            raise self._unreadable("nothing is known of it yet")
        return directory_of(known.answer, self._settings, (), NO_CALENDARS, read_at=known.read_at, trouble="")

    def ask_anew(self) -> None:
        """Read everything at the next `read`, however fresh the last answer is."""
        self._anew = True
        self.__dict__.pop("_current", None)

    @cached_property
    def fresh_until(self) -> datetime:
        """When the directory is asked again by whoever reads it then."""
        known, trouble = self._current
        return self._now + RETRY if trouble else known.read_at + self._settings.refresh

    @cached_property
    def _current(self) -> tuple[Known, str]:
        """The answer that counts now, and why there is no newer one; empty where it is new."""
        known, trouble = self._look()
        if self._is_due(known, trouble):
            known, trouble = self._asked(known)
        return self._usable(known, trouble)

    def _asked(self, known: Known | None) -> tuple[Known | None, str]:
        """What the directory says, asked by one process at a time.

        Others don't wait for it while the last answer is good: a silent server would hold up all of them.
        """
        if not self._keeps:
            return self._ask(known)
        good = known is not None and self._now - known.read_at <= self._settings.max_age
        with one_at_a_time(self._folder, LOCK, wait=self._anew or not good) as alone:
            known, trouble = self._look()  # another process may have asked meanwhile
            if alone and self._is_due(known, trouble):
                return self._ask(known)
        return known, trouble

    def _usable(self, known: Known | None, trouble: str) -> tuple[Known, str]:
        if known is None:
            raise self._unreadable(trouble)
        age = self._now - known.read_at
        if age > self._settings.max_age:
            allowed = length_text(self._settings.max_age)
            raise ConfigurationError(
                f"the directory hasn't answered for {length_text(age)}, {allowed} is allowed (max_age), "
                f"so nothing is opened: {trouble}",
                hint="daypass directory refresh, once it answers; closings go on",
                code="directory_old",
            )
        return known, trouble

    def _unreadable(self, why: str) -> ConfigurationError:
        return ConfigurationError(
            f"the directory {', '.join(self._settings.urls)} can't be read: {why}",
            hint="`directory.ldap` in daypass.yaml says how it is asked; see docs/ldap.md",
            code="directory_unreadable",
        )

    def _is_due(self, known: Known | None, trouble: str) -> bool:
        if self._anew:
            return True
        if trouble:
            return False
        return known is None or not -RETRY <= self._now - known.read_at < self._settings.refresh

    def _look(self) -> tuple[Known | None, str]:
        """What is kept, and what went wrong so lately that nobody asks again."""
        try:
            known = _known(read_state(self._folder / GOOD), questions_digest(self._settings), self._now)
        except Damaged:
            known = None  # it is a copy: all is asked for again
        try:
            failed = read_state(self._folder / TROUBLE) or {}
            at = datetime.fromisoformat(failed["at"])
            lately = -RETRY <= self._now - at < RETRY and failed["asked"] == questions_digest(self._settings)
            return known, str(failed["trouble"]) if lately else ""
        except (Damaged, KeyError, TypeError, ValueError):
            return known, ""

    def _ask(self, known: Known | None) -> tuple[Known | None, str]:
        self._anew, anew = False, self._anew
        full = known is None or anew or self._now - known.full_at >= self._settings.full_refresh
        before = known.answer if known and not full else None
        try:
            password = self._reveal(self._settings.password) if self._settings.password else None
            answer = self._asking(self._settings, _bare(password), before)
        except (NoAnswer, ConfigurationError) as error:
            trouble = str(error)
            self._keep(TROUBLE, {"at": self._now.isoformat(), "trouble": trouble})
            return known, trouble
        except OSError as error:
            return known, f"the process that asks can't be started: {error.strerror}"
        new = Known(answer, self._now, known.full_at if known and not full else self._now)
        said = self._keep(GOOD, _json(new))
        if self._keeps:
            (self._folder / TROUBLE).unlink(missing_ok=True)
        return new, said

    def _keep(self, name: str, kept: dict[str, Any]) -> str:
        """Write it; where that fails, the next command asks again. Returns what is wrong."""
        if not self._keeps:
            return ""
        try:
            write_state(self._folder / name, kept | {"asked": questions_digest(self._settings)})
        except OSError as error:
            return f"{self._folder / name} can't be written: {error.strerror}"
        return ""


def _bare(password: Secret | None) -> Secret | None:
    """Without the line end that a file has; without a character, servers would take it as anonymous.

    Raises:
        ConfigurationError: Nothing is left (RFC 4513, 5.1.2), or it isn't text.
    """
    if password is None:
        return None
    text = password.reveal().rstrip(b"\r\n")
    try:
        readable = bool(text.decode("utf-8")) and b"\0" not in text
    except UnicodeDecodeError:
        readable = False
    if not readable:
        raise ConfigurationError("The directory's password is empty, or isn't text.", code="secret_invalid")
    return Secret(text)


def _json(known: Known) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "read_at": known.read_at.isoformat(),
        "full_at": known.full_at.isoformat(),
        "people": _found_json(known.answer.people),
        "groups": _found_json(known.answer.groups),
    }


def _found_json(found: Found) -> dict[str, Any]:
    return {name: [found.stamps[name], entry_json(entry)] for name, entry in found.entries.items()}


def _known(kept: dict[str, Any] | None, asked: str, now: datetime) -> Known | None:
    """What was kept, where it answers today's questions.

    Raises:
        Damaged: It is of no form that was ever written.
    """
    if kept is None or kept.get("format") != FORMAT or kept.get("asked") != asked:
        return None
    try:
        read_at, full_at = (
            datetime.fromisoformat(kept[name]).astimezone(UTC) for name in ("read_at", "full_at")
        )
        answer = Answer(_found(kept["people"]), _found(kept["groups"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged("no form that was ever written") from None
    if read_at > now + RETRY:  # a clock that was set back: nobody knows how old it is
        return None
    return Known(answer, read_at, full_at)


def _found(kept: dict[str, Any]) -> Found:
    return Found(
        {name: entry_of(entry) for name, (_, entry) in kept.items()},
        {name: stamp for name, (stamp, _) in kept.items()},
    )
