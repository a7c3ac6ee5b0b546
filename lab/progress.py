"""What a person sees while the lab works: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO


class Progress:
    """Reports steps to a stream; silent when there is none."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._moving = stream is not None and stream.isatty()
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        """Tell one step."""
        if self._stream is None:
            return
        with self._lock:
            seconds = time.monotonic() - self._began
            if self._moving:
                self._stream.write(f"\r\x1b[K{text[:100]}  ({seconds:.0f} s)")
            else:
                self._stream.write(f"lab: {text} ({seconds:.1f} s)\n")
            self._stream.flush()

    def count(self, what: str, done: int, total: int) -> None:
        """Tell how far a step has come; plain lines only show every tenth part."""
        if self._moving or done == total or done % max(1, total // 10) == 0:
            self.note(f"{what} {done}/{total}")

    def close(self) -> None:
        """End the moving line."""
        if self._moving and self._stream is not None:
            self._stream.write("\n")
            self._stream.flush()


def to_stderr() -> Progress:
    """Progress for a command line, kept out of its standard output."""
    return Progress(sys.stderr)
