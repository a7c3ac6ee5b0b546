"""Checks of single settings: each returns what YAML gave, checked, or refuses it with what is allowed."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from daypass.domain.durations import parse_length
from daypass.domain.key_names import is_key_name, is_taken
from daypass.domain.secrets import FromEnvironment, FromFile, Secret, SecretReference

T = TypeVar("T")

INTEGRATION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")  # POSIX.1-2017, 8.1, lower case too
SHELL = re.compile(r"(?:/[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,63}){1,8}")
POSTGRES_URL = re.compile(r"postgresql(\+psycopg)?://[!-~]{1,1000}")
MOST_DETAILS = 400  # characters of custom access details (source document)
LONGEST_DIRECT_GRANT = timedelta(days=366)

REFERENCE_ALLOWED = "a secret reference, {env: NAME} or {file: PATH}"


def refuse(allowed: str, found: str | None = None) -> PydanticCustomError:
    """The error to raise; `found` stands in for the value where that isn't the best thing to show."""
    return PydanticCustomError("daypass", "{allowed}", {"allowed": allowed, "found": found})


def not_null(value: Any) -> Any:
    """A setting that is there says something."""
    if value is None:
        raise refuse("a value; leave the setting out for its default", "nothing")
    return value


def not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    """Not `min_length`: pydantic counts only the items without an error of their own."""
    if not value:
        raise refuse("a list of at least one", "an empty list")
    return value


def integration_name(value: Any) -> str:
    if isinstance(value, str) and INTEGRATION_NAME.fullmatch(value):
        return value
    raise refuse("letters, digits and dashes, at most 63, the first no dash")


def file_path(value: Any, info: ValidationInfo) -> Path:
    """A path; a relative one starts at the configuration's own folder."""
    if not isinstance(value, str) or not value.strip() or "\0" in value or not value.isprintable():
        raise refuse("a path")
    if value.startswith("~"):
        raise refuse("a path from the configuration's folder, or a whole one; ~ isn't expanded")
    return _folder(info) / value


def optional_path(value: Any, info: ValidationInfo) -> Path | None:
    """As `file_path`, or None."""
    return None if value is None else file_path(value, info)


def _folder(info: ValidationInfo) -> Path:
    folder: Path = (info.context or {})["folder"]
    return folder


def secret_reference(value: Any, info: ValidationInfo) -> SecretReference:
    """`{env: NAME}` or `{file: PATH}`; never the secret itself."""
    if not isinstance(value, dict) or len(value) != 1:
        raise refuse(f"{REFERENCE_ALLOWED}; never the secret itself")
    kind, target = next(iter(value.items()))
    if kind == "env" and isinstance(target, str) and VARIABLE.fullmatch(target):
        return FromEnvironment(target)
    if kind == "file":
        return FromFile(file_path(target, info))
    raise refuse(REFERENCE_ALLOWED)


def database_url(value: Any) -> Secret | None:
    """A PostgreSQL URL, which may hold a password, or None for SQLite."""
    if value is None:
        return None
    if isinstance(value, str) and POSTGRES_URL.fullmatch(value):
        return Secret(value.encode("ascii"))
    raise refuse("null for SQLite in state_dir, or postgresql://USER@HOST/NAME")


def login_shell(value: Any) -> str:
    if isinstance(value, str) and SHELL.fullmatch(value) and "/.." not in value:
        return value
    raise refuse("the whole path of a shell, such as /bin/bash")


def user_key_name(value: Any) -> str:
    """A file name below ~/.ssh for a private key; the public one gets `.pub`, the certificate `-cert.pub`."""
    if not isinstance(value, str) or not is_key_name(value):
        raise refuse("a plain file name: a letter, digit or _, then letters, digits, _ . -")
    if is_taken(value):
        raise refuse("a name that ~/.ssh doesn't use for something else, without .pub")
    return value


def access_details(value: Any) -> str:
    """Text for people; it reaches their terminals."""
    if value is None:
        return ""
    if (
        isinstance(value, str)
        and len(value) <= MOST_DETAILS
        and all(c.isprintable() or c == "\n" for c in value)
    ):
        return value
    found = f"{len(value)} characters" if isinstance(value, str) and len(value) > MOST_DETAILS else None
    raise refuse(f"at most {MOST_DETAILS} characters of printable text, line breaks included", found)


def plain_text(value: Any) -> str:
    if isinstance(value, str) and value.isprintable() and 0 < len(value) <= 256:
        return value
    raise refuse("1 to 256 printable characters; put numbers in quotes")


def grant_length(value: Any) -> timedelta:
    """The longest window of an operator's own grant."""
    try:
        length = parse_length(value)
    except (TypeError, ValueError):
        length = LONGEST_DIRECT_GRANT * 2
    if length > LONGEST_DIRECT_GRANT:
        raise refuse(f"a length such as 8h or 30d, at most {LONGEST_DIRECT_GRANT.days}d")
    return length


def sudo_commands(value: Any) -> tuple[str, ...] | Literal["ALL"]:
    if value == "ALL":
        return "ALL"
    if isinstance(value, list) and value and all(isinstance(command, str) for command in value):
        return tuple(value)
    raise refuse("ALL, or a list of commands, each with its whole path")
