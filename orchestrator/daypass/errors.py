"""One tree of errors for everything that Daypass can report to a person.

Each error is a code (stable, for programs), a sentence (what was found, where) and a hint (what to type or
change next). Errors never hold a secret, never print and never exit: the edge (`cli`) turns them into text
and exit codes.
"""

from __future__ import annotations


class DaypassError(Exception):
    """Base of all errors that are meant for people.

    Args:
        sentence: What was found, where, and what is allowed. One sentence, no secret in it.
        hint: What to do next, preferably a command; empty when there is nothing useful to say.
        code: Stable name in snake case; each subclass has a default.
    """

    code = "error"

    def __init__(self, sentence: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        if code is not None:
            self.code = code


class UsageError(DaypassError):
    """The command's words are off; exit code 2."""

    code = "usage"


class ConfigurationError(DaypassError):
    """Something in daypass.yaml, the server list or a key file is wrong; exit code 2.

    `problems` holds every finding, so that all are reported at once.
    """

    code = "configuration"

    def __init__(
        self, sentence: str, *, hint: str = "", code: str | None = None, problems: tuple[str, ...] = ()
    ) -> None:
        super().__init__(sentence, hint=hint, code=code)
        self.problems = problems


class DeniedError(DaypassError):
    """Policy says no; exit code 4."""

    code = "denied"


class NotFoundError(DaypassError):
    """A grant, server or certificate that was named isn't known; exit code 2."""

    code = "not_found"


class SigningError(DaypassError):
    """A certificate couldn't be made, or what came back from the signer isn't what was asked for."""

    code = "signing"


class StoreError(DaypassError):
    """The database can't be used as it is."""

    code = "store"


class AuditError(DaypassError):
    """The audit log was altered, cut, or can't be checked."""

    code = "audit"


class ExecutionError(DaypassError):
    """A wave couldn't be started at all; what happens on single servers is an outcome, not an error."""

    code = "execution"
