"""Who there is: people, groups, managers, shifts; one file per source, all of them give a `Directory`."""

from __future__ import annotations

from daypass.directory.calendar_sources import FetchedCalendars
from daypass.directory.directory import Directory, DirectorySource
from daypass.directory.yaml_file import YamlDirectory

__all__ = ["Directory", "DirectorySource", "FetchedCalendars", "YamlDirectory"]
