"""Runs on a lab host that isn't ours: what the trust module does with `state=present`, without a playbook.

Standard input: {"local_deadline", "host_id", "orchestrator_id"}. Prints {"code", "message", "hint"} of a
refusal, or null.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH100, PTH120
from __future__ import annotations

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from daypass_host.contract import names
from daypass_host.effects import system
from daypass_host.onboarding import trust, way_back


def main() -> None:
    wanted = trust.Wanted(
        **json.load(sys.stdin),
        machine_id=None,
        connector="apono",
        canary="dp-canary",
        way_back_seconds=600,
        take_over=False,
    )
    host = system.System()
    host.make_folder(names.STATE_FOLDER, 0o700)
    try:
        with host.lock(way_back.LOCK, way_back.LOCK_WAIT_SECONDS):
            trust.install(host, wanted, trust.prepare(host, wanted), os.urandom(8).hex())
    except names.Refusal as refusal:
        print(json.dumps({"code": refusal.code, "message": refusal.sentence, "hint": refusal.hint}))
    else:
        print("null")


if __name__ == "__main__":
    main()
