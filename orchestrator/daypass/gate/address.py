"""What people type before a command, noted by `gate install` for messages to people."""

from __future__ import annotations

import re
from pathlib import Path

FILE = "address"  # in the gate's folder
TYPED = re.compile(r"ssh [a-z_][a-z0-9_-]{0,31}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
MOST_BYTES = 400


def noted(state_dir: Path) -> str | None:
    """`ssh daypass@broker`; None where the gate isn't installed, or something else stands there."""
    try:
        with (state_dir / "gate" / FILE).open("rb") as stream:
            text = stream.read(MOST_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return None
    return text if TYPED.fullmatch(text) else None
