"""`daypass --via ADDRESS …`: which commands go to the gate. Light: every command passes here."""

from __future__ import annotations

import click
from click.core import ParameterSource

from daypass.cli.lazy import LazyGroup

VIA = "DAYPASS_VIA"
AT_THE_GATE = ("request", "access", "review", "certificate", "help")
HERE_IN_ANY_CASE = ("ssh",)  # asks the gate itself


class ViaGroup(LazyGroup):
    """All commands; with an address, people's own ones run there.

    One that the gate doesn't offer is refused where the address was typed. Where it comes from the
    environment, it was said once for all and such a command runs here, as it always did.
    """

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if not context.params.get("via"):
            return super().get_command(context, name)
        if name in AT_THE_GATE:
            from daypass.cli.via.commands import command

            return command(context, name)
        typed = context.get_parameter_source("via") is ParameterSource.COMMANDLINE
        if typed and name not in HERE_IN_ANY_CASE:
            context.fail(
                f"{name!r} isn't offered at the gate, where there are {', '.join(AT_THE_GATE)}; "
                "what operators do, they do on the broker itself"
            )
        return super().get_command(context, name)


def show_page(context: click.Context, via: str | None) -> None:
    """No command: what the person has and could ask for, where the gate says it."""
    if not via:
        click.echo(context.get_help())
        return
    from daypass.cli.via.commands import page

    context.exit(page(context))
