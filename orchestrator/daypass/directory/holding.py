"""Who was here before: too many people who vanish at once, and logins that became another person's, are held.

A shortened file, a wrong filter, a lost branch of a tree: to a program it looks as if everyone had left. Who
is marked as having left counts at once; who is only missing counts while few are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daypass.directory.calendar_sources import NO_CALENDARS, CalendarSources
from daypass.directory.directory import Directory, DirectorySource
from daypass.directory.state_file import Damaged, one_at_a_time, read_state, write_state
from daypass.errors import ConfigurationError

FORMAT = 1
FILE, LOCK = "people.json", "people.lock"
FEW = 2  # may always vanish within a day, however few people there are
DAY = timedelta(days=1)
CONFIRM = "daypass directory confirm"


@dataclass(frozen=True)
class Seen:
    """Who was in the directory.

    Attributes:
        people: Login to the id at the source, empty where it has none.
        gone: Who vanished lately, and when; they count towards the limit for a day.
        held: Of whom an operator has to say a word, and since when.
    """

    people: Mapping[str, str]
    gone: Mapping[str, datetime] = field(default_factory=dict)
    held: Mapping[str, datetime] = field(default_factory=dict)


def compare(
    directory: Directory, seen: Seen | None, percent: int, now: datetime
) -> tuple[dict[str, str], Seen]:
    """Those of whom it can't be told that they left, with why, and who was seen by now.

    Args:
        percent: Of all people, who may vanish within a day.
    """
    here = {login: directory.ids.get(login, "") for login in directory.people}
    if seen is None:
        return {}, Seen(here)
    gone = {login: at for login, at in seen.gone.items() if login not in here and now - at < DAY}
    missing = seen.people.keys() - here.keys() - directory.doubtful.keys()
    allowed = max(FEW, (len(seen.people) + len(gone)) * percent // 100)
    doubts: dict[str, str] = {}
    if missing and len(missing) + len(gone) > allowed:
        why = f"{len(missing)} people vanished at once, {allowed} may (gone_at_once)"
        doubts |= dict.fromkeys(missing, f"{why}: {CONFIRM}")
    else:
        gone |= dict.fromkeys(missing, now)
    for login, person in directory.people.items():
        before = seen.people.get(login, "")
        if person.active and before and here[login] and here[login] != before:
            doubts[login] = f"the login {login} is another entry's now: {CONFIRM}"
    kept = {
        login: known for login, known in seen.people.items() if login in doubts or login in directory.doubtful
    }
    return doubts, Seen({**here, **kept}, gone, {login: seen.held.get(login, now) for login in doubts})


class HeldDirectory:
    """A source whose people are compared with those of before, which are kept in a file.

    Args:
        folder: Where it is kept.
        percent: Of all people, who may vanish within a day.
        now: Aware UTC.
        keeps: Whether what is seen is kept; False only looks.
    """

    def __init__(
        self, source: DirectorySource, folder: Path, percent: int, now: datetime, *, keeps: bool = True
    ) -> None:
        self._source = source
        self._folder = folder
        self._percent = percent
        self._now = now
        self._keeps = keeps
        self._doubts: dict[str, str] | None = None
        self._since = now

    def read(self, calendars: CalendarSources = NO_CALENDARS) -> Directory:
        """As the source's, with those held of whom an operator has to say a word.

        Raises:
            ConfigurationError: As the source, or it can't be told who was here before.
        """
        directory = self._source.read(calendars)
        if self._doubts is None:  # once in a command, as the source is read
            self._doubts = self._compared(directory)
        return directory.holding(self._doubts, self._since) if self._doubts else directory

    def _compared(self, directory: Directory) -> dict[str, str]:
        with one_at_a_time(self._folder, LOCK) if self._keeps else nullcontext():
            before = self._seen()
            doubts, seen = compare(directory, before, self._percent, self._now)
            if self._keeps and seen != before:
                self._keep(seen)
        self._since = max(seen.held.values(), default=self._now)
        return doubts

    def accept(self) -> None:
        """What an operator has confirmed: who is missing has left, and each login is whose it says.

        Raises:
            ConfigurationError: The source can't be read, or it can't be kept.
        """
        directory = self._source.read()
        with one_at_a_time(self._folder, LOCK):
            self._keep(compare(directory, None, self._percent, self._now)[1])

    def _seen(self) -> Seen | None:
        try:
            kept = read_state(self._folder / FILE)
            return None if kept is None else _seen(kept)
        except Damaged as error:
            raise ConfigurationError(
                f"it can't be told who vanished from the directory: {error}",
                hint=f"{CONFIRM}, once the directory names everybody who is here",
                code="people_unknown",
            ) from None

    def _keep(self, seen: Seen) -> None:
        gone = {login: at.isoformat() for login, at in seen.gone.items()}
        held = {login: at.isoformat() for login, at in seen.held.items()}
        state = {"format": FORMAT, "people": dict(seen.people), "gone": gone, "held": held}
        try:
            write_state(self._folder / FILE, state)
        except OSError as error:
            raise ConfigurationError(
                f"{self._folder / FILE} can't be written: {error.strerror}",
                hint="make room, or correct its owner and mode",
                code="people_unknown",
            ) from None


def _seen(kept: dict[str, Any]) -> Seen:
    try:
        people = {str(login): str(known) for login, known in kept["people"].items()}
        gone = {str(login): datetime.fromisoformat(at) for login, at in kept["gone"].items()}
        # Not there in a file of before notices told of them.
        held = {str(login): datetime.fromisoformat(at) for login, at in kept.get("held", {}).items()}
        aware = all(at.tzinfo for at in (*gone.values(), *held.values()))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Damaged("it has no form that was ever written") from None
    if kept.get("format") != FORMAT or not aware:
        raise Damaged("it has no form that was ever written")
    return Seen(people, gone, held)
