"""Looks at a host from the inside while nobody can reach it."""

from __future__ import annotations

import calendar
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.integration.accounts.managed_host import ManagedHost
from tests.waiting import LIMIT_SECONDS

SCRIPT = Path(__file__).parents[3] / "bench/last_process.py"


def end_of(grant: Mapping[str, Any]) -> int:
    """A grant's `not_after` in seconds since 1970."""
    return calendar.timegm(time.strptime(grant["not_after"], "%Y-%m-%dT%H:%M:%SZ"))


class Watch:
    """Notes on the host when the last process of some uids is seen; begun before, read after."""

    def __init__(self, host: ManagedHost, until: float, *uids: int) -> None:
        argv = ["python3", "-c", SCRIPT.read_text(), "0", str(until), *map(str, uids)]
        self._process = subprocess.Popen(
            host.lab.exec_argv(host.host, argv), stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
        )

    def last_seen(self) -> dict[int, float]:
        """uid -> seconds since 1970."""
        out, _err = self._process.communicate(timeout=LIMIT_SECONDS)
        seen = {int(uid): moment for uid, moment in json.loads(out).items()}
        assert all(moment is not None for moment in seen.values()), f"never seen: {seen}"
        return seen
