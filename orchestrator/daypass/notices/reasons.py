"""Why a message wasn't sent, without anything of the URL that it was to go to."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

LONGEST_REASON = 300  # characters
SHORTEST_INSIDE = 3  # characters of what is taken out of words too; what is shorter counts as a whole word
HIDDEN = "***"
NAMES = re.compile(r"([?&])[^=&]*=")
PIECES = re.compile(r"[^/?&=:@#,+;]+")  # of a URL, between what has a meaning in one


def scrubbed(text: str, url: str) -> str:
    """The text on one line, without the URL or any piece of it, as it is written there or decoded."""
    for piece in sorted(_pieces(url), key=len, reverse=True):
        pattern = re.escape(piece)
        if len(piece) < SHORTEST_INSIDE:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        text = re.sub(pattern, HIDDEN, text, flags=re.IGNORECASE)
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:LONGEST_REASON]


def _pieces(url: str) -> frozenset[str]:
    """All that may be a secret: everything but the name of the service and those of its settings."""
    rest = url.partition("://")[2] or url
    values = NAMES.sub(r"\1", rest)
    return frozenset(
        piece
        for whole in (rest, values)
        for one in (whole, *(PIECES.findall(whole) if whole is values else ()))
        for piece in (one, unquote(one), unquote_plus(one))
        if piece and piece != HIDDEN
    )
