"""Owners and modes of what Daypass keeps and reads."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from daypass.audit.anchor import ANCHOR_FILE
from daypass.config import Settings
from daypass.config.settings import DATABASE_FILE
from daypass.domain.secrets import FromFile
from daypass.workflow.doctor.files import FileFacts, judge_private, judge_settings
from daypass.workflow.doctor.findings import Check, Finding


def checks(settings: Settings) -> Iterator[Check]:
    yield Check("files of the state", lambda: _state(settings))
    yield Check("files of secrets", lambda: _secrets(settings))
    yield Check("configuration", lambda: _settings(settings))


def facts_of(path: Path) -> FileFacts:
    """Links followed: what counts is what is read."""
    try:
        found = path.stat()
    except OSError as error:
        return FileFacts(path, trouble=error.strerror or type(error).__name__)
    return FileFacts(path, stat.S_IMODE(found.st_mode), found.st_uid)


def _state(settings: Settings) -> Iterator[Finding]:
    me = os.geteuid()
    yield judge_private(
        "state folder", facts_of(settings.state_dir), allowed=0o700, me=me, hint="daypass init"
    )
    for what, name in (("database file", DATABASE_FILE), ("head of the audit log", ANCHOR_FILE)):
        path = settings.state_dir / name
        if path.exists():
            yield judge_private(f"mode of the {what}", facts_of(path), allowed=0o600, me=me)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for reference in dict.fromkeys(settings.secrets):
        if reference == settings.ca.key and isinstance(reference, FromFile) and not reference.path.exists():
            continue  # what to do then depends on whether it has signed: the check of the CA key tells
        if isinstance(reference, FromFile):
            yield judge_private(
                f"secret {reference.path.name}",
                facts_of(reference.path),
                allowed=0o600,
                me=os.geteuid(),
            )


def _settings(settings: Settings) -> Iterator[Finding]:
    files = [("configuration", settings.source)]
    if settings.directory is not None:
        files += [("directory", file) for file in settings.directory.files]
    for what, file in files:
        whole = file.resolve()
        yield from judge_settings(
            f"who writes the {what}", [facts_of(whole), facts_of(whole.parent)], me=os.geteuid()
        )
