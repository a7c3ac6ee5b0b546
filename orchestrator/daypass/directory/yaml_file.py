"""People from directory.yaml."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from daypass.config.model_problems import as_problems
from daypass.config.problems import SettingProblem, refused
from daypass.config.server_sources import read_bounded
from daypass.config.yaml_text import MAX_BYTES, YamlRefused, read_yaml
from daypass.directory.building import build
from daypass.directory.calendar_sources import NO_CALENDARS, CalendarSources
from daypass.directory.checking import check_together, sound
from daypass.directory.directory import Directory
from daypass.directory.models import DirectoryFile
from daypass.errors import ConfigurationError

WHAT = "directory"


class YamlDirectory:
    """A directory that is one YAML file, which is read once however often it is asked."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, calendars: CalendarSources = NO_CALENDARS) -> Directory:
        """Everyone in the file; errors as `DirectorySource.read`.

        Args:
            calendars: Where the shifts' calendars come from; without them, those shifts say nothing.
        """
        return build(self._checked, calendars)

    def at_hand(self) -> Directory:
        """As `read`: nobody else has to be asked."""
        return self.read()

    @cached_property
    def _checked(self) -> DirectoryFile:
        entries = self._entries()
        if problems := check_together(entries, str(self._file)):
            raise refused(WHAT, self._file, problems)
        return entries

    def _entries(self) -> DirectoryFile:
        file = str(self._file)
        try:
            value, problems = read_yaml(read_bounded(self._file, MAX_BYTES), file)
            entries = DirectoryFile.model_validate(value, context={"folder": self._file.parent})
        except OSError as error:
            raise ConfigurationError(
                f"The directory {file} can't be read: {error.strerror or type(error).__name__}.",
                hint="correct the path, or its owner and mode; `directory` in daypass.yaml names it",
                code="directory_missing",
            ) from None
        except YamlRefused as error:
            problem = SettingProblem(file, "", str(error), "one YAML document with people")
            raise refused(WHAT, self._file, [problem]) from None
        except ValidationError as error:
            found = [*problems, *as_problems(error, file, DirectoryFile), *check_together(sound(value), file)]
            raise refused(WHAT, self._file, found) from None
        if problems:
            raise refused(WHAT, self._file, problems)
        return entries
