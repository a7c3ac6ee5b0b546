"""Settings that pick people and servers: what to compare, and how; several ways of writing, one meaning."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator

from daypass.config import fields
from daypass.config.part import Part, PlainText, as_list

WORDS = ("everyone", "owner", "manager")
OPERATORS = "is, is_not, contains, does_not_contain or starts_with"


def exact_text(value: Any) -> str:
    """Text to be equal to; a bare label of a server has the value ''."""
    return "" if value == "" else fields.plain_text(value)


def not_empty_if_given(value: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    return None if value is None else fields.not_empty(value)


Texts = Annotated[
    tuple[PlainText, ...] | None,
    BeforeValidator(as_list),
    AfterValidator(not_empty_if_given),
]
ExactTexts = Annotated[
    tuple[Annotated[str, PlainValidator(exact_text)], ...] | None,
    BeforeValidator(as_list),
    AfterValidator(not_empty_if_given),
]


class Match(Part):
    """How a text is compared, case-sensitive; a text or list by itself means `is`; several must all hold."""

    is_: ExactTexts = Field(default=None, alias="is")
    """Is one of these; a text or a list by itself means `is`."""
    is_not: Texts = None
    """Is none of these. With a name that the directory doesn't know it holds for nobody: a misspelt
    exception must not let everybody in.
    """
    contains: Texts = None
    """Has one of these in it."""
    does_not_contain: Texts = None
    """Has none of these in it."""
    starts_with: Texts = None
    """Begins with one of these."""

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        if isinstance(value, str | list):
            return {"is": value}
        if not isinstance(value, dict) or not value:
            raise fields.refuse(f"a text, a list of texts, or an object with {OPERATORS}")
        return value


class Condition(Part):
    """Which people; several fields in one condition must all hold."""

    user: Match | None = None
    """Login or e-mail address."""
    group: Match | None = None
    """One of the person's groups, those included that hold a group of his."""
    manager: Match | None = None
    """The person's manager, by login or e-mail address."""
    shift: Match | None = None
    """A shift that the person is on at the moment."""
    who: Literal["everyone", "owner", "manager"] | None = None
    """`everyone` in the directory who hasn't left, the `owner` of all servers of the request, or the
    `manager` of who gets access; the word alone means the same.
    """
    all: Conditions | None = None
    """Conditions that must all hold."""
    any: Conditions | None = None
    """Conditions of which one must hold."""

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value in WORDS:
                return {"who": value}
            near = difflib.get_close_matches(value, WORDS, 1)
            likely = f"did you mean {near[0]}? " if near else ""
            raise fields.refuse(f"{likely}{', '.join(WORDS)}, or an object such as {{user: NAME}}")
        if isinstance(value, dict) and not value:
            raise fields.refuse("a condition; nothing would match nobody", "an empty object")
        return value


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(as_list), AfterValidator(fields.not_empty)]
Condition.model_rebuild()


class ServerFilter(Part):
    """Which servers."""

    integration: Match | None = None
    """Name of the integration. Default: any."""
    servers: Match | None = None
    """Name of the server. Default: any."""
    tags: dict[PlainText, Match] | None = None
    """Tags with their values; a tag that a server doesn't have matches nothing. Default: any."""

    @property
    def is_empty(self) -> bool:
        return self.integration is None and self.servers is None and not self.tags
