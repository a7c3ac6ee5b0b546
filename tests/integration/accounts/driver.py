"""Runs on a lab host: converge with the code beside it, told by one JSON object on standard input.

Keys: `document` (opaque), `check`, `now` (null = the clock), `controller_time`, `kill`: null or
{"effect": n, "when": "before" | "after"}: SIGKILL to this process at its n-th effect (0 = the first).
Prints {"answer": …, "effects": [[kind, detail], …], "seconds": …}; a killed one prints nothing.
"""

# ruff: noqa: PTH - runs on the host, written like the code that it drives
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from daypass_host import ledger, names, system
from daypass_host.converge import converge


class Told(system.System):
    """A system that counts effects and dies at one of them."""

    def __init__(self, kill: dict | None, clock: int | None) -> None:
        self.effects: list[tuple[str, str]] = []
        self.kill = kill
        self._clock = clock

    def before(self, effect: str, detail: str) -> None:
        self.effects.append((effect, detail))
        self._die_if("before")

    def after(self, effect: str, detail: str) -> None:
        self._die_if("after")

    def clock(self) -> int:
        return self._clock if self._clock is not None else super().clock()

    def _die_if(self, when: str) -> None:
        if self.kill and self.kill["when"] == when and len(self.effects) - 1 == self.kill["effect"]:
            os.kill(os.getpid(), signal.SIGKILL)


def prepare(wish: dict) -> None:
    """A stand-in for onboarding: groups, folders, drop-in and an empty ledger."""
    from daypass_host import sshd

    for group in (names.GROUP_CREATED, names.GROUP_JOINED):
        subprocess.run(["groupadd", "-f", group], check=True)
    for folder, mode in (
        (names.STATE_FOLDER, 0o700),
        ("/etc/ssh/daypass", 0o711),
        (names.KEYS_FOLDER, 0o711),
    ):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, mode)
    with open(names.SSHD_DROPIN, "w", encoding="ascii") as file:
        file.write(sshd.render_dropin("apono"))
    machine_id = open("/etc/machine-id", encoding="ascii").read().strip()
    new = ledger.new_ledger(wish["host_id"], machine_id, wish["orchestrator_id"], (9, 2), "apono")
    ledger.write_ledger(system.System(), new)
    subprocess.run(["pkill", "-HUP", "-o", "-x", "sshd"], check=True)


def main() -> None:
    wish = json.load(sys.stdin)
    if "prepare" in wish:
        prepare(wish["prepare"])
        print("{}")
        return
    told = Told(wish.get("kill"), wish.get("now"))
    began = time.perf_counter()
    answer = converge(
        told,
        wish["document"],
        now=told.clock(),
        controller_time=wish.get("controller_time"),
        check=wish.get("check", False),
    )
    seconds = time.perf_counter() - began
    print(json.dumps({"answer": answer, "effects": told.effects, "seconds": seconds}))


if __name__ == "__main__":
    main()
