"""SSH's wire format, strictly read and written (RFC 4251, section 5)."""

from __future__ import annotations


class WireError(ValueError):
    """The bytes end early, go on too long, or break the format."""


class Reader:
    """Reads one field after the other; never beyond the end."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.position = 0

    def take(self, length: int) -> bytes:
        end = self.position + length
        if end > len(self._content):
            raise WireError("the bytes end early")
        taken = self._content[self.position : end]
        self.position = end
        return taken

    def number(self, length: int) -> int:
        """An unsigned number of `length` bytes: 4 for uint32, 8 for uint64."""
        return int.from_bytes(self.take(length), "big")

    def string(self) -> bytes:
        start = self.position + 4
        end = start + int.from_bytes(self._content[self.position : start], "big")
        if end > len(self._content) or start > len(self._content):
            raise WireError("the bytes end early")
        self.position = end
        return self._content[start:end]

    def at_end(self) -> bool:
        return self.position == len(self._content)

    def finish(self) -> None:
        """Raises: WireError: something follows the last field."""
        if not self.at_end():
            raise WireError("bytes follow the last field")


def string(content: bytes) -> bytes:
    """A string field: its length as uint32, then the bytes."""
    return len(content).to_bytes(4, "big") + content


def mpint(value: int) -> bytes:
    """A multiple precision integer field; `value` is positive."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def positive_mpint(field: bytes) -> int:
    """The value of an mpint field's bytes.

    Raises:
        WireError: It is negative, zero, or not in its shortest form.
    """
    value = int.from_bytes(field, "big", signed=True)
    if value <= 0 or mpint(value) != string(field):
        raise WireError("an integer is not in its one right form")
    return value
