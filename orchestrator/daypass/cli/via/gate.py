"""Which gate a command goes to."""

from __future__ import annotations

import click

from daypass.cli.via import VIA
from daypass.client.address import ALLOWED, parse_address
from daypass.client.via import Gate
from daypass.errors import UsageError


def gate_of(context: click.Context) -> Gate:
    """The gate that was named before the command.

    Raises:
        UsageError: `via_odd`, `via_missing`.
    """
    via = context.find_root().params.get("via")
    if not via:
        hint = f"daypass --via {ALLOWED}; or set ${VIA}"
        raise UsageError("no gate is named", hint=hint, code="via_missing")
    return Gate(parse_address(via))
