"""The lab's own errors."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab can't do: a stable code, one sentence, and what to do about it."""

    def __init__(self, code: str, sentence: str, hint: str = "") -> None:
        super().__init__(f"{sentence} ({hint})" if hint else sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint
