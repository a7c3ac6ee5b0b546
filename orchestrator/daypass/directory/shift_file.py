"""Shifts beside people from elsewhere: a YAML file with `shifts` alone, as directory.yaml has them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationError

from daypass.config import fields
from daypass.config.model_problems import as_problems
from daypass.config.part import Part
from daypass.config.problems import SettingProblem, refused
from daypass.config.server_sources import read_bounded
from daypass.config.yaml_text import MAX_BYTES, YamlRefused, read_yaml
from daypass.directory.models import ShiftEntry
from daypass.errors import ConfigurationError

WHAT = "file of shifts"


def names_once(shifts: tuple[ShiftEntry, ...]) -> tuple[ShiftEntry, ...]:
    again = [name for name, count in Counter(shift.name for shift in shifts).items() if count > 1]
    if again:
        raise fields.refuse("each name once", ", ".join(again))
    return shifts


class ShiftsFile(Part):
    shifts: Annotated[tuple[ShiftEntry, ...], AfterValidator(fields.not_empty), AfterValidator(names_once)]


def read_shifts(file: Path) -> tuple[ShiftEntry, ...]:
    """Every shift in the file, each checked by itself.

    Raises:
        ConfigurationError: It can't be read, or has problems.
    """
    try:
        value, problems = read_yaml(read_bounded(file, MAX_BYTES), str(file))
        entries = ShiftsFile.model_validate(value, context={"folder": file.parent})
    except OSError as error:
        raise ConfigurationError(
            f"The {WHAT} {file} can't be read: {error.strerror or type(error).__name__}.",
            hint="correct the path, or its owner and mode; `directory.shifts` in daypass.yaml names it",
            code="directory_missing",
        ) from None
    except YamlRefused as error:
        raise refused(WHAT, file, [SettingProblem(str(file), "", str(error), "one YAML document")]) from None
    except ValidationError as error:
        raise refused(WHAT, file, [*problems, *as_problems(error, str(file), ShiftsFile)]) from None
    if problems:
        raise refused(WHAT, file, problems)
    return entries.shifts
