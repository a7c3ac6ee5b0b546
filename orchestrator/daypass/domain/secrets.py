"""Secrets as a type that never shows itself, and references that say where one is kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


class Secret:
    """Bytes that must not reach a log, an argument list, a file or the database by accident.

    Prints as `***`, can't be pickled, and is compared by identity: nobody asks whether two secrets are equal.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes themselves; each caller is a place to look at in a review."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never pickled")

    def __deepcopy__(self, _memo: dict[int, Any]) -> Secret:
        return self

    def __copy__(self) -> Secret:
        return self


@dataclass(frozen=True)
class FromEnvironment:
    """The value of an environment variable, which is taken out of the environment when it is read."""

    name: str

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True)
class FromFile:
    """The content of a file that nobody else can read."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


SecretReference = FromEnvironment | FromFile
