"""What is wrong in a configuration, as values; and values as text that shows no secret."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from daypass.errors import ConfigurationError
from daypass.inventory.problems import shown

# Parts of a path below which a value may be a secret that was pasted where a reference belongs.
HIDDEN = frozenset({"secret", "key", "database", "url", "password"})
HIDDEN_TEXT = "a value that isn't shown here"

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class SettingProblem:
    """One finding.

    Attributes:
        file: The file that it is in, as it was named.
        path: `integrations[0].user_cleanup_days`; empty where the file as a whole is wrong.
        found: What is there, safe to print.
        allowed: What would be right.
    """

    file: str
    path: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.path + ': ' if self.path else ''}found {self.found}; allowed: {self.allowed}"
        )


def path_text(path: Path) -> str:
    """`integrations[0].name` from its parts; keys that aren't plain words are quoted."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if part.replace("_", "").isalnum() else shown(part))
    return text


def found_text(path: Path, value: object) -> str:
    """A value as it may be shown at this place."""
    return HIDDEN_TEXT if HIDDEN.intersection(map(str, path)) else shown(value)


def likely_field(word: object, fields: Iterable[str]) -> str:
    """The fields that are allowed, the likely one first."""
    names = list(fields)
    near = difflib.get_close_matches(str(word).lower().replace("-", "_"), names, 1)
    return (f"did you mean {near[0]}? " if near else "") + f"Fields: {', '.join(names)}"


def refused(what: str, file: pathlib.Path, problems: Sequence[SettingProblem]) -> ConfigurationError:
    """The error that reports every problem of one file at once; `what` is what the file is."""
    count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigurationError(
        f"The {what} {file} has {count}.", problems=tuple(str(problem) for problem in problems)
    )
