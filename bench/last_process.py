"""Runs on a host: when the last process of some uids was seen. `python3 last_process.py FROM UNTIL UID…`

Looks every 20 ms while the clock shows FROM to UNTIL (seconds since 1970), or until all have been gone for
three seconds after having been there, and prints {uid: seconds since 1970 or null} as JSON. What a login
began counts by its login uid, as it does for the kernel's audit.
"""

# Without pathlib: it looks at all of /proc every 20 ms.
# ruff: noqa: PTH116, PTH123, PTH208
from __future__ import annotations

import json
import os
import sys
import time

QUIET_SECONDS = 3.0
PAUSE_SECONDS = 0.02


def owners() -> set[int]:
    """The uids and login uids of all living processes."""
    found = set()
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    continue
            found.add(os.stat(f"/proc/{name}").st_uid)
            with open(f"/proc/{name}/loginuid", encoding="ascii") as file:
                found.add(int(file.read()))
        except (OSError, ValueError):
            continue
    return found


def main() -> None:
    begin, until, uids = float(sys.argv[1]), float(sys.argv[2]), {int(word) for word in sys.argv[3:]}
    time.sleep(max(0.0, begin - time.time()))
    seen: dict[int, float | None] = dict.fromkeys(uids)
    while time.time() < until:
        for uid in owners() & uids:
            seen[uid] = time.time()
        times = [moment for moment in seen.values() if moment is not None]
        if len(times) == len(uids) and time.time() - max(times) > QUIET_SECONDS:
            break
        time.sleep(PAUSE_SECONDS)
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
