"""Tables of settings from the models: names, meanings, what is allowed, defaults.

What is allowed comes from where it is enforced: each check of a field is called with a value that can't be
right, and the refusal says what would be. What no check of a single field knows is said in the text below
the field, after `Allowed:`; a default that isn't plain there, after `Default:`.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, PlainValidator, WrapValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError, PydanticUndefined

from daypass.config.model_problems import NOT_SETTINGS

# Models that have a table, each with the words that a link to it shows, and where it is.
LINKS = {
    "AccessFlow": "[flow](#access_flows)",
    "Approvers": "[approvers](#approvers)",
    "Bundle": "[bundle](#targets-and-bundles)",
    "CalendarEntry": "[calendar](#shifts)",
    "CertificateAuthority": "[object](#ca)",
    "CertificateConstraints": "[bounds](#certificate)",
    "Channel": "[channel](#channels)",
    "Condition": "[condition](#conditions)",
    "DirectorySettings": "[source](#the-directory)",
    "DisabledMark": "[mark](#directoryldappeopledisabled)",
    "Escalation": "[escalation](#approvers)",
    "Exclusion": "[servers](#targets-and-bundles)",
    "GroupEntry": "[group](#groups)",
    "Hours": "[hours](#hours)",
    "Integration": "[integration](#integrations)",
    "Ldap": "[LDAP](#directoryldap)",
    "LdapGroups": "[groups](#directoryldapgroups)",
    "LdapPeople": "[people](#directoryldappeople)",
    "Match": "[text, texts or comparison](#conditions)",
    "NoticeText": "[text](#texts)",
    "NoticeTexts": "[texts](#texts)",
    "Notices": "[notices](#notices)",
    "Owner": "[owner](#integration_owner-and-resource_owner)",
    "PersonEntry": "[person](#people)",
    "PlainTarget": "[target](#targets-and-bundles)",
    "Requirement": "[way](#approvers)",
    "ResourceOwner": "[owner](#integration_owner-and-resource_owner)",
    "ShiftEntry": "[shift](#shifts)",
    "SlotEntry": "[hours](#shifts)",
    "Step": "[step](#approvers)",
    "SudoSetting": "[rule](#user_groups)",
    "Target": "[target](#targets-and-bundles)",
    "UserGroup": "[group](#user_groups)",
    "Waves": "[waves](#waves)",
}
# What the refusals of very common checks say, shorter.
SHORT = {
    "1 to 256 printable characters; put numbers in quotes": "text of at most 256 characters",
    "a list of at least one": "at least one",
}
NOTE = re.compile(r"\s*\b(Default|Allowed): ")
MANY = tuple(range(1_000_000))  # longer than any list may be


@dataclass(frozen=True)
class Words:
    """The text below a field, taken apart."""

    meaning: str
    default: str | None
    allowed: str | None


def table(model: type[BaseModel]) -> str:
    """One row for each setting of a model that its parents don't have a table for."""
    texts = field_texts(model)
    rows = [
        row(field.alias or name, field, read_words(texts.get(name, "")))
        for name, field in model.model_fields.items()
        if name not in NOT_SETTINGS
    ]
    return "\n".join(["| setting | what it is | allowed | default |", "|---|---|---|---|", *rows])


def row(name: str, field: FieldInfo, words: Words) -> str:
    if not words.meaning:
        raise SystemExit(f"the setting {name} has no text below it in its model")
    allowed = "; ".join(filter(None, [allowed_by(field), words.allowed]))
    cells = [f"`{name}`", words.meaning, allowed, words.default or default_of(field)]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def field_texts(model: type[BaseModel]) -> dict[str, str]:
    """The strings below the fields of a model and of those that it is made from, by field."""
    texts: dict[str, str] = {}
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            texts |= dict(texts_in(part))
    return texts


def texts_in(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """(field, the string below it on one line) of each that has one."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for field, text in pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, " ".join(said.split())


def read_words(text: str) -> Words:
    """A text's meaning, and what it says after `Default:` and `Allowed:`."""
    meaning, *rest = NOTE.split(text)
    notes = {word: said.rstrip(".") for word, said in zip(rest[::2], rest[1::2], strict=True)}
    return Words(meaning, notes.get("Default"), notes.get("Allowed"))


def allowed_by(field: FieldInfo) -> str:
    """What the checks of a field allow, in the words of their refusals."""
    limits = [limit for limit in map(limit_of, field.metadata) if limit]
    if any(isinstance(entry, PlainValidator | WrapValidator) for entry in field.metadata):
        return "; ".join(limits)
    inner = allowed_in(field.annotation)
    numbers = {type(entry).__name__: entry for entry in field.metadata}
    if "Ge" in numbers and "Le" in numbers:
        return f"{inner}, {numbers['Ge'].ge:,} to {numbers['Le'].le:,}"
    return "; ".join(filter(None, [inner, *limits]))


def allowed_in(annotation: Any) -> str:
    """What a type allows, and the checks that are bound to it."""
    inner = [part for part in typing.get_args(annotation) if part is not type(None)]
    origin = typing.get_origin(annotation)
    if annotation is bool:
        return "`true` or `false`"
    if annotation is int:
        return "a whole number"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return linked(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if origin is tuple:
        return ", each ".join(filter(None, ["a list", allowed_in(inner[0])]))
    if origin is dict:
        return f"an object of text to {allowed_in(inner[1])}"
    if origin is typing.Annotated:
        field = FieldInfo.from_annotation(annotation)
        return allowed_by(field)
    return "; ".join(filter(None, map(allowed_in, inner)))


def linked(model: type[BaseModel]) -> str:
    """A link to the table of a model."""
    if model.__name__ not in LINKS:
        raise SystemExit(f"{model.__name__} needs a place in LINKS, and a table in docs/configuration.md")
    return LINKS[model.__name__]


def limit_of(entry: Any) -> str | None:
    """What a check allows: the words of its refusal of something that can't be right."""
    for wrong in (object(), (), MANY):
        said = refusal(entry, wrong)
        if said:
            return said
    return None


def refusal(entry: Any, wrong: Any) -> str | None:
    func = getattr(entry, "func", None)
    if func is None:
        return None
    takes = len(inspect.signature(func).parameters)
    try:
        func(*(wrong, SimpleNamespace(context={"folder": Path()}))[:takes])
    except PydanticCustomError as error:
        said = str((error.context or {}).get("allowed"))
        return SHORT.get(said, said)
    except (TypeError, AttributeError):  # a check of something else
        return None
    return None


def default_of(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined or field.default in ((), None):
        return "none"
    return shown(field.default)


def shown(value: Any) -> str:
    """A default as it would be written."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{length(value)}`"
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, BaseModel):
        name = getattr(value, "name", None)
        return f"`{name}`" if name else "as below"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, ZoneInfo):
        return f"`{value.key}`"
    return f"`{value}`"


def length(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0 and (size != 86_400 or seconds > size):
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
