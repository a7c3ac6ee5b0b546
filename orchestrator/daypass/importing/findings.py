"""What an import has to say about the definitions that it read, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What became of a place in the source; in the order in which people should read them."""

    PRIVATE_KEY = "private_key"  # not copied, and to be replaced
    UNKNOWN = "unknown"  # nobody here knows what it means: its definition isn't written
    LEFT_OUT = "left_out"  # can't be written without giving more than it gave there
    FILL_IN = "fill_in"  # written, and somebody has to complete or confirm it
    SAFER = "safer"  # written, stricter than it was there
    CHANGED = "changed"  # written in other words
    NO_EQUAL = "no_equal"  # a setting that Daypass doesn't have
    NOT_OURS = "not_ours"  # something other than SSH access
    FACT = "fact"  # what the product tells of its record, no setting


@dataclass(frozen=True)
class Finding:
    """One thing to know about one place.

    Attributes:
        file: The source file, as it was named.
        path: Where in it, `items[0].settings.require_mfa`; what is missing is named where it would be.
        found: What was there, short and printable, never a secret.
        wrote: What we wrote for it; empty = nothing.
        do: What to do about it; empty = nothing.
        whole: Everything below the path is dealt with by this finding.
        of: The definition that it is in, `access flow "ops"`; empty = none.
        inside: The path from there.
    """

    kind: Kind
    file: str
    path: str
    found: str
    wrote: str = ""
    do: str = ""
    whole: bool = False
    of: str = ""
    inside: str = ""

    @property
    def comment(self) -> str:
        """As it stands beside the setting that was written."""
        wrote = f" Here: {self.wrote}." if self.wrote else ""
        do = f" {self.do[0].upper()}{self.do[1:]}." if self.do else ""
        return f"There: {self.found}.{wrote}{do}"
