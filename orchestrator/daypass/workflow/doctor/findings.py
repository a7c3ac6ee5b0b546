"""What a check of `daypass doctor` says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from daypass.errors import ConfigurationError, DaypassError

NAMED = 5  # of a long list; `-o json` of the other commands has all
THE_CHECK = "this is a mistake in Daypass, please report it; what it looks at isn't known to be right"


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, what was found, and what to do about it."""

    what: str
    grade: Grade
    found: str
    hint: str = ""


def ok(what: str, found: str) -> Finding:
    return Finding(what, Grade.OK, found)


def warn(what: str, found: str, hint: str) -> Finding:
    """Something to look at; Daypass works."""
    return Finding(what, Grade.WARN, found, hint)


def fail(what: str, found: str, hint: str) -> Finding:
    """Something that keeps Daypass from working, or from being safe."""
    return Finding(what, Grade.FAIL, found, hint)


@dataclass(frozen=True)
class Check:
    """Something to look at; what it finds, or what kept it from looking."""

    what: str
    look: Callable[[], Iterable[Finding]]
    hint: str = ""

    def findings(self) -> tuple[Finding, ...]:
        """All of them. A check that fails is a finding as well, never the end of the others."""
        try:
            return tuple(self.look())
        except DaypassError as error:
            return tuple(problem_findings(self.what, error, self.hint))
        except OSError as error:
            place = f": {error.filename}" if error.filename else ""
            found = f"{error.strerror or type(error).__name__}{place}"
            return (Finding(self.what, Grade.FAIL, found, self.hint),)
        except Exception as error:  # noqa: BLE001 # its text may hold anything, its type doesn't
            said = f"the check itself failed: {type(error).__name__}"
            return (Finding(self.what, Grade.FAIL, said, self.hint or THE_CHECK),)


def problem_findings(what: str, error: DaypassError, hint: str = "") -> Iterator[Finding]:
    """Every problem in it: a person mends them all before the next look."""
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    for problem in problems or (error.sentence,):
        yield Finding(what, Grade.FAIL, problem, error.hint or hint)


def some(names: Iterable[str]) -> str:
    """`web-1, web-2 and 3 more`."""
    whole = sorted(set(names))
    more = f" and {len(whole) - NAMED} more" if len(whole) > NAMED else ""
    return ", ".join(whole[:NAMED]) + more


def typed(*words: object) -> str:
    """A command as somebody types it."""
    return shlex.join(str(word) for word in words)


def with_names(command: str, names: Sequence[str]) -> str:
    """A command for the first few of these."""
    return f"{command} {' '.join(sorted(names)[:NAMED])}"


def worst(findings: Iterable[Finding]) -> Grade:
    """The worst grade among them; OK for none."""
    order = list(Grade)
    return max((finding.grade for finding in findings), key=order.index, default=Grade.OK)
