"""People of a configuration: the source that it names, seen with who was there before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from daypass.config import Settings
from daypass.directory import Directory
from daypass.directory.calendar_sources import CalendarSources, NoCalendars
from daypass.directory.holding import HeldDirectory
from daypass.directory.ldap_source import LdapDirectory
from daypass.directory.sources import FOLDER, source_of
from daypass.domain.secrets import Secret, SecretReference
from daypass.errors import ConfigurationError, DaypassError


class People:
    """The directory of one command: read once, also where it can't be read."""

    def __init__(
        self,
        settings: Settings,
        now: datetime,
        reveal: Callable[[SecretReference], Secret],
        *,
        keeps: bool = True,
    ) -> None:
        """Nothing is read yet.

        Args:
            keeps: Whether what is read, and who is here, is kept for later commands; False for those that
                only look, who may be another account than the one whose folder it is.

        Raises:
            ConfigurationError: `directory_missing`: the settings name none.
        """
        if settings.directory is None:
            raise ConfigurationError(
                f"{settings.source} names no directory: there is nobody to decide about.",
                hint="add `directory: directory.yaml` and `access_flows`; see docs/flows.md",
                code="directory_missing",
            )
        self._source = source_of(settings.directory, settings.state_dir, now, reveal, keeps=keeps)
        folder: Path = settings.state_dir / FOLDER
        self._held = HeldDirectory(self._source, folder, settings.directory.gone_at_once, now, keeps=keeps)
        self._problem: DaypassError | None = None

    def read(self, calendars: CalendarSources | None = None) -> Directory:
        """As `HeldDirectory.read`; a problem stays one for the whole command."""
        if self._problem is not None:
            raise self._problem
        try:
            return self._held.read(calendars or NoCalendars())
        except DaypassError as error:
            self._problem = error
            raise

    def at_hand(self) -> Directory:
        """As far as it is known without asking another machine."""
        return self._source.at_hand()

    def read_anew(self) -> Directory:
        """Everything, however lately it was read."""
        if isinstance(self._source, LdapDirectory):
            self._source.ask_anew()
        return self.read()

    def accept(self) -> None:
        """As `HeldDirectory.accept`."""
        self._held.accept()
