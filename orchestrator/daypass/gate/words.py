"""What a person typed after `ssh daypass@broker`, taken apart without a shell; and put together for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from daypass.errors import UsageError

MOST_CHARACTERS = 16_384  # a request with every custom field at its longest has a third of it
MOST_WORDS = 500
# Unquoted, each of these would do something in a shell; here nothing would happen, which wasn't meant.
SHELL_ONLY = frozenset(";&|<>()`$")
INSIDE_DOUBLE_QUOTES = frozenset("`$")
QUOTE_TWICE = "ssh hands words on without their quotes; quote twice: --reason \"'two words'\""


def split_words(text: str) -> list[str]:
    """The words of a command, quoted as in a shell; nothing in them is ever expanded.

    `'…'` keeps everything, `"…"` everything but `\\"` and `\\\\`, and a backslash outside of quotes the next
    character (POSIX.1-2017, Shell Command Language, 2.2).

    Raises:
        UsageError: `words_odd`: too long, too many, unprintable characters (line breaks among them), a quote
            that isn't closed, or a character that only a shell would understand.
    """
    if len(text) > MOST_CHARACTERS:
        raise _odd(f"the command has {len(text)} characters, {MOST_CHARACTERS} are allowed")
    if not text.isprintable():
        raise _odd("the command holds a line break or another character that can't be printed")
    words = []
    for word in _words(iter(text)):
        words.append(word)
        if len(words) > MOST_WORDS:
            raise _odd(f"the command has more than {MOST_WORDS} words")
    return words


def join_words(words: Sequence[str]) -> str:
    """The text that `split_words` takes apart into exactly these words.

    Raises:
        UsageError: `words_odd`: it would refuse them.
    """
    text = shlex.join(words)
    try:
        read = split_words(text)
    except UsageError as error:
        raise UsageError(
            error.sentence, hint="leave it out, or write it another way", code=error.code
        ) from None
    if read != list(words):
        raise UsageError("the gate would read other words than these", code="words_odd")
    return text


def _words(characters: Iterator[str]) -> Iterator[str]:
    word: list[str] | None = None
    for character in characters:
        if character == " ":
            if word is not None:
                yield "".join(word)
            word = None
            continue
        word = [] if word is None else word
        if character == "'":
            word.extend(_until_quote(characters))
        elif character == '"':
            word.extend(_until_double_quote(characters))
        elif character == "\\":
            word.append(_next(characters, "a backslash"))
        elif character in SHELL_ONLY:
            raise _odd(f"{character!r} stands outside of quotes, and there is no shell here")
        else:
            word.append(character)
    if word is not None:
        yield "".join(word)


def _until_quote(characters: Iterator[str]) -> Iterator[str]:
    while (character := _next(characters, "a quote")) != "'":
        yield character


def _until_double_quote(characters: Iterator[str]) -> Iterator[str]:
    while (character := _next(characters, "a quote")) != '"':
        if character in INSIDE_DOUBLE_QUOTES:
            raise _odd(f"{character!r} stands between double quotes, and there is no shell here")
        if character == "\\":
            following = _next(characters, "a quote")
            yield following if following in '"\\' else f"\\{following}"
        else:
            yield character


def _next(characters: Iterator[str], what: str) -> str:
    for character in characters:
        return character
    raise _odd(f"the command ends behind {what}")


def _odd(found: str) -> UsageError:
    return UsageError(found, hint=QUOTE_TWICE, code="words_odd")
