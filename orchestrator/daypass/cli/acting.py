"""`--as NAME`: on the orchestrator's machine an operator acts for a person, and the record says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from daypass.cli.names import PERSON
from daypass.domain.people import Person
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.workflow.seams import Seams


def as_person(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--as`, as the keyword `person`: a login or e-mail address, None where it isn't said."""
    return click.option(
        "--as",
        "person",
        metavar="NAME",
        type=PERSON,
        help="Act for this person: login or e-mail address. The audit log names both.",
    )(function)


def acting(seams: Seams, person: str | None) -> tuple[Seams, Person | None]:
    """For a command that an operator may give too: the person's seams, or the operator's own.

    Raises:
        ConfigurationError, DeniedError: As `acting_for`.
    """
    from daypass.workflow.acting import acting_for

    return (seams, None) if person is None else acting_for(seams, person)


def acting_person(seams: Seams, person: str | None) -> tuple[Seams, Person]:
    """For a command that only people give.

    Raises:
        UsageError: `person_needed`: nobody is named.
        ConfigurationError, DeniedError: As `acting_for`.
    """
    from daypass.workflow.acting import acting_for

    if person is None:
        raise UsageError(
            "this is done by a person, and nobody is named",
            hint="add --as LOGIN; the audit log says who acted for whom",
            code="person_needed",
        )
    return acting_for(seams, person)
