"""Directories written by tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from daypass.directory import Directory, YamlDirectory
from daypass.errors import ConfigurationError


@pytest.fixture
def directory_of(tmp_path) -> Callable[..., Directory]:
    """`directory_of(people=[…], groups=[…])`, or the text of the file."""

    def read(text: str | None = None, **settings: Any) -> Directory:
        file = tmp_path / "directory.yaml"
        file.write_text(yaml.safe_dump(settings) if text is None else text)
        return YamlDirectory(file).read()

    return read


@pytest.fixture
def problems_of(directory_of) -> Callable[..., list[str]]:
    """The problems of such a directory, without the file's name; none when it is fine."""

    def problems(*args: Any, **settings: Any) -> list[str]:
        try:
            directory_of(*args, **settings)
        except ConfigurationError as error:
            return [problem.split("directory.yaml: ", 1)[-1] for problem in error.problems]
        return []

    return problems
