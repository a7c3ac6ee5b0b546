"""Reading a long server list: parsed and validated, in a process of its own each time.

`python -m bench servers [--servers 100000] [--rounds 5]`: times and peak memory of the whole process.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tempfile
from pathlib import Path

from bench.process import measured
from bench.report import middle, save, show

WANTED_SECONDS = 2.0  # the demands
WANTED_BYTES = 500 * 10**6
KEY_HEAD = b"\0\0\0\x0bssh-ed25519\0\0\0\x20"
PARSE = """
import sys, time
from pathlib import Path
from daypass.inventory.server_list import check
content = Path(sys.argv[1]).read_bytes()
start, cpu = time.perf_counter(), time.process_time()
result = check(content, sys.argv[1])
assert result.ok
print(time.perf_counter() - start, time.process_time() - cpu)
"""


def write_list(file: Path, servers: int) -> None:
    """Servers with four tags and a host key each, by name and by address."""
    file.write_text(json.dumps([entry(n) for n in range(servers)]))


def entry(n: int) -> dict[str, object]:
    address = f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"
    return {
        "name": f"srv-{n}.example.com",
        "host": address if n % 2 else f"srv-{n}.example.com",
        "user": "connector",
        "port": (22, "2222")[n % 2],
        "tags": {"env": ("prod", "test")[n % 2], "team": f"team-{n % 200}", "rack": f"r{n % 40}", "os": "12"},
        "host_key": "ssh-ed25519 " + base64.b64encode(KEY_HEAD + os.urandom(32)).decode("ascii"),
    }


def run(arguments: list[str] | None = None) -> bool:
    """Print the table; False when a demand is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    daypass = str(Path(sys.executable).parent / "daypass")
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "servers.json"
        write_list(file, options.servers)
        commands = {
            "parse and validate": (sys.executable, "-c", PARSE, str(file)),
            "daypass servers check": (daypass, "servers", "check", str(file)),
        }
        rows = [_row(what, words, options.rounds) for what, words in commands.items()]
        size = file.stat().st_size
    show(f"{options.servers} servers, {size / 1e6:.0f} MB", rows)
    save("servers", {"servers": options.servers, "bytes": size, "rows": rows})
    parse = rows[0]
    quick = float(str(parse["CPU s"])) <= WANTED_SECONDS
    return quick and all(float(str(row["peak MB"])) * 10**6 <= WANTED_BYTES for row in rows)


def _row(what: str, words: tuple[str, ...], rounds: int) -> dict[str, object]:
    """Medians; where the process measures itself, its times are without the start of Python."""
    walls, cpus, peaks = [], [], []
    for _ in range(rounds):
        ran = measured(*words)
        inside = "-c" in words
        wall, cpu = map(float, ran.out.split()) if inside else (ran.wall_seconds, ran.cpu_seconds)
        walls.append(wall)
        cpus.append(cpu)
        peaks.append(ran.peak_bytes / 10**6)
    return {
        "what": what,
        "wall s": middle(walls),
        "CPU s": middle(cpus),
        "peak MB": middle(peaks),
        "slowest s": middle([max(walls)]),
    }
