"""pydantic's errors -> findings in our own words, with the likely name where a field isn't known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from daypass.config.problems import Path, SettingProblem, found_text, likely_field, path_text
from daypass.config.settings import (
    CertificateAuthority,
    Integration,
    Owner,
    ResourceOwner,
    Settings,
    SudoSetting,
    UserGroup,
    Waves,
)

# Path without its numbers -> the model that stands there.
MODELS: Mapping[Path, type[BaseModel]] = {
    (): Settings,
    ("ca",): CertificateAuthority,
    ("waves",): Waves,
    ("integrations",): Integration,
    ("integrations", "user_groups"): UserGroup,
    ("integrations", "user_groups", "sudo"): SudoSetting,
    ("integrations", "integration_owner"): Owner,
    ("integrations", "resource_owner"): ResourceOwner,
}
NOT_SETTINGS = frozenset({"source"})  # filled in by load()

# pydantic error type -> what is allowed, with its context filled in.
ALLOWED = {
    "int_type": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "literal_error": "one of {expected}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "missing": "this field; it is required",
}


def as_problems(error: ValidationError, file: str) -> Iterator[SettingProblem]:
    """Each error of a validation as a finding."""
    for detail in error.errors(include_url=False):
        if (
            detail["type"] == "default_factory_not_called"
        ):  # it would have used a field that has its own finding
            continue
        path, context = tuple(detail["loc"]), detail.get("ctx", {})
        found, allowed = _finding(detail["type"], path, detail["input"], context, detail["msg"])
        yield SettingProblem(file, path_text(path), found, allowed)


def _finding(
    kind: str, path: Path, value: object, context: Mapping[str, Any], message: str
) -> tuple[str, str]:
    if kind == "daypass":
        return context["found"] or found_text(path, value), context["allowed"]
    if kind == "extra_forbidden":
        return "an unknown field", likely_field(path[-1], _fields(path[:-1]))
    if kind == "missing":
        return "nothing", ALLOWED[kind]
    if kind in ("model_type", "model_attributes_type"):
        return found_text(path, value), f"an object with the fields {', '.join(_fields(path))}"
    allowed = ALLOWED.get(kind)
    return found_text(path, value), allowed.format(**context) if allowed else message


def _fields(path: Path) -> list[str]:
    model = MODELS.get(tuple(part for part in path if isinstance(part, str)))
    fields = model.model_fields if model else {}
    return [field.alias or name for name, field in fields.items() if name not in NOT_SETTINGS]
