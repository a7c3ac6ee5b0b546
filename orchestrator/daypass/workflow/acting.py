"""Acting for a person: whoever can read the state is an operator, and the record says both."""

from __future__ import annotations

from dataclasses import replace

from daypass.domain.people import Person
from daypass.errors import ConfigurationError
from daypass.workflow.leaving import person_here
from daypass.workflow.seams import Seams


def acting_for(seams: Seams, name: str) -> tuple[Seams, Person]:
    """Seams whose actor is `person:<login> via <who runs this>`, and that person.

    Args:
        name: Login or e-mail address.

    Raises:
        ConfigurationError: `directory_missing`, or the directory has problems.
        DeniedError: `person_unknown` or `person_left`.
    """
    directory = seams.directory()
    if directory is None:
        raise ConfigurationError(
            "no directory is set: nobody is known whom one could act for",
            hint="add `directory: directory.yaml` to daypass.yaml",
            code="directory_missing",
        )
    person = person_here(directory, name)
    return replace(seams, actor=f"person:{person.login} via {seams.actor}"), person
