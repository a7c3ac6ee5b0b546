# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON, one way in and one way out. Pure.

The work is done by the same C code as json's; json itself loads re, which takes a short run longer than all
that is read and written.
"""

from __future__ import annotations

from .typed import TYPE_CHECKING

try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner
except ImportError:  # a Python without it
    make_encoder = None

if TYPE_CHECKING:
    from typing import Any, Callable

BLANKS = " \t\n\r"


class _Reading:
    """How a scanner reads, as json.JSONDecoder has it."""

    strict = True
    object_hook = None
    parse_float = float
    parse_int = int

    def __init__(self, pairs: Callable[[list], Any] | None) -> None:
        self.object_pairs_hook = pairs
        self.parse_constant = _no_constant


def loads(text: str, pairs: Callable[[list], Any] | None = None) -> Any:
    """Read one value.

    Args:
        pairs: Makes what stands for an object of its (key, value) pairs; None = a dict.

    Raises:
        ValueError: It is no JSON, or holds NaN or Infinity, which JSON doesn't know.
        RecursionError: It is too deep.
    """
    if make_encoder is None:
        import json

        return json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant)
    text = text.strip(BLANKS)
    try:
        value, end = make_scanner(_Reading(pairs))(text, 0)
    except StopIteration as stopped:
        raise ValueError("no JSON value at character %s" % stopped.value) from None
    if end != len(text):
        raise ValueError("more than one JSON value, at character %d" % end)
    return value


def dumps(value: Any) -> str:
    """A value as text: sorted keys, no spaces, ASCII.

    Raises:
        TypeError: JSON knows no such value.
    """
    if make_encoder is None:
        import json

        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    encode = make_encoder(None, _unknown, encode_basestring_ascii, None, ":", ",", True, False, True)
    return "".join(encode(value, 0))


def _unknown(value: object) -> None:
    raise TypeError("JSON knows no %s" % type(value).__name__)


def _no_constant(text: str) -> None:
    raise ValueError("%s is not allowed" % text)
