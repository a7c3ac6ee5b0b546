"""A click type for lengths of time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from daypass.domain.durations import parse_length


class Length(click.ParamType[timedelta]):
    """`2h`, `2h30m`, `45m`, `1d`, `PT2H30M` to a timedelta."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        try:
            return parse_length(value)
        except (ValueError, OverflowError) as error:
            self.fail(str(error), param, ctx)
