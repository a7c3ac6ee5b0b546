"""Texts against a `Match` of the configuration."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from daypass.config.conditions import Match


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled `Match`: every part that is given must hold.

    Attributes:
        equal: One of the values is one of these; None = not asked.
        unequal: None of the values is one of these.
        parts: One of the values contains one of these; None = not asked.
        without: None of the values contains any of these.
        starts: One of the values begins with one of these; None = not asked.
    """

    equal: frozenset[str] | None
    unequal: frozenset[str]
    parts: tuple[str, ...] | None
    without: tuple[str, ...]
    starts: tuple[str, ...] | None

    def holds(self, values: Collection[str]) -> bool:
        """Whether values, all of one thing, match; without any value only the negative parts can hold."""
        if self.equal is not None and self.equal.isdisjoint(values):
            return False
        if self.unequal and not self.unequal.isdisjoint(values):
            return False
        if self.parts is not None and not _contain(values, self.parts):
            return False
        if self.without and _contain(values, self.without):
            return False
        return self.starts is None or _begin(values, self.starts)

    @property
    def named(self) -> frozenset[str]:
        """Every whole value that is named, wanted or not."""
        return (self.equal or frozenset()) | self.unequal

    def __str__(self) -> str:
        words = (
            ("", self.equal and sorted(self.equal)),
            ("not ", sorted(self.unequal)),
            ("containing ", self.parts),
            ("not containing ", self.without),
            ("starting with ", self.starts),
        )
        return " and ".join(f"{word}{' or '.join(texts)}" for word, texts in words if texts)


def _contain(values: Collection[str], parts: tuple[str, ...]) -> bool:
    for value in values:
        for part in parts:
            if part in value:
                return True
    return False


def _begin(values: Collection[str], starts: tuple[str, ...]) -> bool:
    return any(value.startswith(starts) for value in values)


def matcher(match: Match) -> Matcher:
    """The compiled form of a setting."""
    return Matcher(
        equal=None if match.is_ is None else frozenset(match.is_),
        unequal=frozenset(match.is_not or ()),
        parts=match.contains,
        without=match.does_not_contain or (),
        starts=match.starts_with,
    )
