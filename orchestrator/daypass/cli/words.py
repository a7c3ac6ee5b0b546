"""Words of the command line that are more than one value."""

from __future__ import annotations

from collections.abc import Iterable

from daypass.errors import UsageError


def as_tags(words: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """`key=value` words as pairs; a bare label is a key without a value.

    Raises:
        UsageError: A word has no key.
    """
    tags = []
    for word in words:
        key, _, value = word.partition("=")
        if not key:
            raise UsageError(f"{word!r} isn't a tag", hint="write --tag KEY=VALUE")
        tags.append((key, value))
    return tuple(tags)
