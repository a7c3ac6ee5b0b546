"""Certificates per second: in this process, parsed again and verified, against one `ssh-keygen -s` each.

`python -m bench.certificates [--pairs 5] [--json]`: medians over interleaved pairs, one core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daypass.ca.keys import generate_ca_key
from daypass.ca.public_keys import PublicKey, check_public_key
from daypass.ca.signer import LocalSigner, sign_checked
from daypass.ca.spec import build_spec, key_id_of, principal_of
from daypass.domain.windows import window_from

WANTED_PER_SECOND = 3000  # the demand on one core
GRANT_ID = "01JD0000000000000000000000"
IN_PROCESS_COUNT = 2000
SSH_KEYGEN_COUNT = 100
KINDS = ("ed25519", "ecdsa", "rsa")


def make_user_key(folder: Path) -> PublicKey:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "user")], check=True)
    return check_public_key((folder / "user.pub").read_text())


def in_process(signer: LocalSigner, public_key: PublicKey, count: int) -> tuple[float, float]:
    """Certificates per second, and per second of CPU, through Daypass's only way to one."""
    window = window_from(datetime.now(UTC), timedelta(hours=2))
    start, cpu_start = time.perf_counter(), time.process_time()
    for serial in range(1, count + 1):
        spec = build_spec(
            public_key=public_key, serial=serial, login="alice", grant_id=GRANT_ID, flow="direct",
            number=1, window=window,
        )  # fmt: skip
        sign_checked(signer, spec)
    return count / (time.perf_counter() - start), count / (time.process_time() - cpu_start)


def by_ssh_keygen(folder: Path, count: int) -> float:
    """Certificates per second with one process each, as a script would do it."""
    start = time.perf_counter()
    for serial in range(1, count + 1):
        subprocess.run(
            ["ssh-keygen", "-q", "-s", str(folder / "ca"), "-I", key_id_of("alice", GRANT_ID, "direct"),
             "-n", principal_of(GRANT_ID, 1), "-z", str(serial), "-V", "-1m:+2h",
             "-O", "clear", "-O", "permit-pty", str(folder / "user.pub")],
            check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    return count / (time.perf_counter() - start)


def measure(kind: str, pairs: int) -> dict[str, object]:
    """Interleaved pairs with one kind of CA key."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        public_key = make_user_key(folder)
        ca_key = generate_ca_key(kind)
        (folder / "ca").touch(mode=0o600)
        (folder / "ca").write_bytes(ca_key.reveal())
        signer = LocalSigner(ca_key)
        count = IN_PROCESS_COUNT if kind != "rsa" else IN_PROCESS_COUNT // 10
        rates = [
            (in_process(signer, public_key, count), by_ssh_keygen(folder, SSH_KEYGEN_COUNT))
            for _ in range(pairs)
        ]
    wall = statistics.median(ours[0] for ours, _ in rates)
    theirs = statistics.median(theirs for _, theirs in rates)
    return {
        "ca_key": kind,
        "pairs": pairs,
        "per_second": round(wall),
        "per_cpu_second": round(statistics.median(ours[1] for ours, _ in rates)),
        "ssh_keygen_per_second": round(theirs),
        "ratio": round(wall / theirs, 1),
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the JSON; 1 when the default CA key stays below the demand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="JSON alone, without the table")
    options = parser.parse_args(arguments)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core, children too
    results = [measure(kind, options.pairs) for kind in KINDS]
    if not options.json:
        print(f"{'CA key':<10}{'per second':>12}{'per CPU s':>12}{'ssh-keygen':>12}{'ratio':>8}")
        for row in results:
            names = ("per_second", "per_cpu_second", "ssh_keygen_per_second")
            print(
                f"{row['ca_key']:<10}" + "".join(f"{row[name]:>12}" for name in names) + f"{row['ratio']:>8}"
            )
    # The demand is on one core's work, not on what else the machine does meanwhile.
    reached = int(str(results[0]["per_cpu_second"])) >= WANTED_PER_SECOND
    report = {"certificates": results, "wanted_per_cpu_second": WANTED_PER_SECOND, "reached": reached}
    print(json.dumps(report, indent=2 if options.json else None))
    return 0 if reached else 1


if __name__ == "__main__":
    raise SystemExit(main())
