"""Parameter types for what Daypass knows by name: any text is taken, and the shell completes what there is.

A command that uses one of these is completed without another line anywhere.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

MOST_SECONDS = 4  # of looking; then nothing is offered: whoever types doesn't wait for a database


class Named(click.types.StringParamType):
    """Text that names something of one kind.

    Args:
        kind: A key of `wiring.completing.KINDS`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Values that begin with what is typed; errors are for `cli.completion`, which keeps them."""
        from daypass.cli.completion.candidates import at_most, chosen
        from daypass.wiring.completing import possible

        with at_most(MOST_SECONDS):
            return chosen(possible(self.kind, ctx.params.get("config"), incomplete), incomplete)


SERVER = Named("server")
TAG = Named("tag")
GROUP = Named("group")
INTEGRATION = Named("integration")
FLOW = Named("flow")
PERSON = Named("person")
GRANT = Named("grant")  # one that isn't over
REVIEW = Named("review")  # the grant of a review that is open
REQUEST = Named("request")
PENDING_REQUEST = Named("pending")
