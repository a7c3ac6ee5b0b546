"""`reconcile` with nothing due among very many ended grants, on SQLite and, where installed, PostgreSQL.

`python -m bench store [--grants 1000000] [--people 10000] [--servers 1000] [--rounds 5]
[--without-postgresql]`: fills a record (4 GB for a million), then runs passes, each in a process of its own,
as cron does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path

import psycopg
import yaml

from bench.ended import fill
from bench.report import middle, save, show
from daypass.config.settings import DATABASE_FILE
from daypass.wiring import now, open_daypass
from daypass.workflow.reconciling import reconcile_once
from tests.contract.postgresql import binaries, running_server

WANTED_SECONDS = 0.200  # the demand
COMMANDS: tuple[tuple[str, ...], ...] = (("reconcile",), ("status", "-o", "json"), ("audit", "list"))
DAYPASS = str(Path(sys.executable).parent / "daypass")
KEY_VARIABLE = "DAYPASS_CONNECTOR_KEY"  # nothing connects anywhere here
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", KEY_VARIABLE: "unused"}


def run(arguments: Sequence[str] | None = None) -> bool:
    """Print the tables; False when a demand is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("grants", 1_000_000), ("people", 10_000), ("servers", 1000), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--logged", type=int, help="How many of the grants have events; all by default.")
    parser.add_argument("--without-postgresql", action="store_true")
    options = parser.parse_args(arguments)
    kinds = ["sqlite"] if options.without_postgresql or binaries() is None else ["sqlite", "postgresql"]
    results = [measure(kind, options) for kind in kinds]
    save("store", {"options": vars(options), "results": results})
    return all(float(str(result["pass s"])) <= WANTED_SECONDS for result in results)


def measure(kind: str, options: argparse.Namespace) -> dict[str, object]:
    """Passes and commands with this many ended grants, and with none, in turns."""
    with site(kind, 0, options) as empty, site(kind, options.grants, options) as full:
        rows = [one_pass(full) for _ in range(options.rounds)]
        none = [one_pass(empty) for _ in range(options.rounds)]
        times: dict[str, float] = {}
        for words in COMMANDS:
            pairs = [(command(full, words), command(empty, words)) for _ in range(options.rounds)]
            times[f"{' '.join(words)} s"] = middle([with_them for with_them, _ in pairs])
            times[f"{' '.join(words)} / with none"] = middle([one / none for one, none in pairs])
    result: dict[str, object] = {
        "database": kind,
        "ended grants": options.grants,
        "pass s": middle([wall for wall, _ in rows]),
        "slowest pass s": max(round(wall, 3) for wall, _ in rows),
        "pass CPU s": middle([cpu for _, cpu in rows]),
        "pass CPU / with none": middle(
            [one / other for (_, one), (_, other) in zip(rows, none, strict=True)]
        ),
        **times,
    }
    show(
        f"{kind}, {options.grants} ended grants",
        [{"what": what, "measured": result[what]} for what in result],
    )
    return result


@contextmanager
def site(kind: str, grants: int, options: argparse.Namespace) -> Iterator[Path]:
    """A folder with a configuration and a filled record."""
    with tempfile.TemporaryDirectory(prefix="dp-bench-") as name, database(kind) as url:
        folder = Path(name)
        write_settings(folder, url, options.people, options.servers)
        subprocess.run([DAYPASS, "init"], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
        record: str | Path = url or folder / ".daypass" / DATABASE_FILE
        logged = min(grants, options.logged or grants)
        fill(record, grants, options.people, options.servers, now(), logged=logged)
        yield folder


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    """A PostgreSQL database of its own, or None for SQLite."""
    programs = binaries()
    if kind == "sqlite" or programs is None:
        yield None
        return
    with running_server(programs) as url:
        with psycopg.connect(url.format(name="postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench")
        yield url.format(name="bench")


def write_settings(folder: Path, url: str | None, people: int, servers: int) -> None:
    """One integration, and a directory in which everybody is still here."""
    listed = [{"name": f"srv-{n}", "host": f"10.0.{n >> 8 & 255}.{n & 255}"} for n in range(servers)]
    (folder / "servers.json").write_text(json.dumps(listed))
    entries = [{"login": f"user{n}", "email": f"user{n}@example.com"} for n in range(people)]
    (folder / "directory.yaml").write_text(yaml.dump({"people": entries}, Dumper=yaml.CSafeDumper))
    settings = {
        "database": url,
        "directory": "directory.yaml",
        "integrations": [{"name": "prod", "servers": "servers.json", "secret": {"env": KEY_VARIABLE}}],
    }
    (folder / "daypass.yaml").write_text(yaml.dump(settings, Dumper=yaml.CSafeDumper))


def one_pass(folder: Path) -> tuple[float, float]:
    """Seconds of the first pass of a process, and of CPU in it."""
    child = [sys.executable, "-m", "bench.store", "pass", str(folder / "daypass.yaml")]
    done = subprocess.run(child, check=True, capture_output=True, text=True)
    wall, cpu = done.stdout.split()
    return float(wall), float(cpu)


def command(folder: Path, words: Sequence[str]) -> float:
    """Seconds of a whole command, from the start of Python to its end."""
    start = time.perf_counter()
    subprocess.run([DAYPASS, *words], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    return time.perf_counter() - start


def time_pass(config: Path) -> None:
    """Print wall and CPU seconds of a pass that has nothing to do; the directory was read before."""
    with open_daypass(config) as daypass:
        daypass.seams.directory()
        start, cpu = time.perf_counter(), time.process_time()
        done = reconcile_once(daypass.seams, daypass.now())
        print(time.perf_counter() - start, time.process_time() - cpu)
        assert idle(done), done


def idle(done: object) -> bool:
    """Whether nothing was done in any part of a pass."""
    return not done or (is_dataclass(done) and all(idle(part) for part in vars(done).values()))


if __name__ == "__main__":
    time_pass(Path(sys.argv[2]))
