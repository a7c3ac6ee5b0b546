"""What is left to do after a command has shown its answer: people don't wait for it.

Below everything else: the command line begins it, `wiring` uses it, and neither is to load the other.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

_stack: ContextVar[ExitStack | None] = ContextVar("_stack", default=None)


@contextmanager
def answer_first() -> Iterator[None]:
    """Everything that is left to `afterwards` inside is done at the end of this."""
    with ExitStack() as stack:
        token = _stack.set(stack)
        try:
            yield
        finally:
            _stack.reset(token)


@contextmanager
def afterwards() -> Iterator[ExitStack]:
    """The stack of what is to be done at the end: of this, or of an `answer_first` around it."""
    if (stack := _stack.get()) is not None:
        yield stack
        return
    with ExitStack() as stack:
        yield stack
