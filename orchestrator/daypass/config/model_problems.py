"""pydantic's errors -> findings in our own words, with the likely name where a field isn't known."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from daypass.config.problems import Path, SettingProblem, found_text, likely_field, path_text

NOT_SETTINGS = frozenset({"source", "server_lists"})  # filled in by load()

# pydantic error type -> what is allowed, with its context filled in.
ALLOWED = {
    "int_type": "a whole number",
    "string_type": "text",
    "tuple_type": "a list",
    "bool_type": "true or false",
    "dict_type": "an object",
    "literal_error": "one of {expected}",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "missing": "this field; it is required",
}


def as_problems(error: ValidationError, file: str, root: type[BaseModel]) -> Iterator[SettingProblem]:
    """Each error of a validation against `root` as a finding."""
    for detail in error.errors(include_url=False):
        if (
            detail["type"] == "default_factory_not_called"
        ):  # it would have used a field that has its own finding
            continue
        path, context = tuple(detail["loc"]), detail.get("ctx", {})
        found, allowed = _finding(root, detail["type"], path, detail["input"], context, detail["msg"])
        yield SettingProblem(file, path_text(path), found, allowed)


def _finding(
    root: type[BaseModel], kind: str, path: Path, value: object, context: Mapping[str, Any], message: str
) -> tuple[str, str]:
    if kind == "daypass":
        return context["found"] or found_text(path, value), context["allowed"]
    if kind == "extra_forbidden":
        return "an unknown field", likely_field(path[-1], _fields(root, path[:-1]))
    if kind == "missing":
        return "nothing", ALLOWED[kind]
    if kind in ("model_type", "model_attributes_type"):
        return found_text(path, value), f"an object with the fields {', '.join(_fields(root, path))}"
    allowed = ALLOWED.get(kind)
    return found_text(path, value), allowed.format(**context) if allowed else message


def _fields(root: type[BaseModel], path: Path) -> list[str]:
    """The names that may stand in the object at `path`."""
    model: type[BaseModel] | None = root
    for part in path:
        if isinstance(part, str) and model is not None:
            model = _model_below(model, part) or model  # the key of a mapping leads nowhere
    fields = model.model_fields if model else {}
    return [field.alias or name for name, field in fields.items() if name not in NOT_SETTINGS]


def _model_below(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model of the objects that the field of this name holds, by itself or in a list."""
    for own_name, field in model.model_fields.items():
        if (field.alias or own_name) == name:
            return next(_models_in(field.annotation), None)
    return None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
