"""The gate from outside: a command beside a plain login, fifty people at once, and from a yes to a login.

`python -m bench gate [--rounds 9] [--people 50] [--approvals 5]`: a full lab host is the broker, set up by
`daypass gate install`; a light one is the server. Every ssh is a new connection with a login of its own.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from bench.report import middle, save, show
from lab import api
from lab.broker import CONFIG, Broker, configuration, directory, stand_up
from lab.model import CONNECTOR

LAB = "bench-gate"
SERVER = "web-1"
COMMAND_SECONDS_MORE = 0.35  # the demands, medians
APPROVED_SECONDS = 2.5


def run(arguments: Sequence[str]) -> bool:
    """Print the tables; False when a demand is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--approvals", type=int, default=5)
    options = parser.parse_args(arguments)
    people = [f"person{number}" for number in range(max(options.people, options.approvals))]
    with tempfile.TemporaryDirectory() as folder:
        broker = _broker(Path(folder), people)
        pairs = _pairs(broker, people[0], options.rounds)
        crowd = _crowd(broker, people[: options.people])
        parts = [_approval(broker, person) for person in people[: options.approvals]]
    more = middle([pair["more"] for pair in pairs])
    show(f"a command at the gate and a plain login, {options.rounds} pairs, seconds", [_medians(pairs)])
    show(f"{options.people} people at once, seconds", [_summary(crowd)])
    print("each: " + " ".join(f"{seconds:.1f}" for seconds in sorted(crowd["seconds"])))
    show(f"from a yes to a login, one server, {options.approvals} times, seconds", [_medians(parts)])
    save("gate", {"pairs": pairs, "crowd": crowd, "approvals": parts})
    approved = middle([one["whole"] for one in parts])
    return more <= COMMAND_SECONDS_MORE and crowd["failed"] == [] and approved <= APPROVED_SECONDS


def _broker(folder: Path, people: Sequence[str]) -> Broker:
    """A broker with a server behind it; both are as on their first day."""
    lab = api.up(LAB, 1, light=True, prefix="web", fresh=True, shipped_kex=True)
    lab = api.up(LAB, 1, prefix="broker", fresh=True, shipped_kex=True)
    host = next(host for host in lab.hosts if host.name == "broker-1")
    keys = Broker(lab, host, folder)
    known = {name: {"public_keys": [keys.public(name)]} for name in (*people, "approver")}
    listed = [one for one in json.loads(lab.servers_file.read_text()) if one["name"] == SERVER]
    files = {"daypass.yaml": configuration("approver", "Default"), "servers.json": json.dumps(listed)}
    broker = stand_up(lab, host, folder, {**files, "directory.yaml": directory(**known)})
    broker.as_account("onboard", "--config", CONFIG, SERVER)
    return broker


def _pairs(broker: Broker, person: str, rounds: int) -> list[dict[str, float]]:
    """`ssh broker true` and `ssh daypass@broker access list` by turns; a first round warms up."""
    plain = ["ssh", *_connector(broker), f"{CONNECTOR}@{broker.host.address}", "true"]
    found = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        before = _cpu(broker)
        subprocess.run(plain, check=True, capture_output=True)
        middle_time, between = time.perf_counter(), _cpu(broker)
        assert broker.ssh(person, "access", "list").returncode == 0
        login, command = middle_time - started, time.perf_counter() - middle_time
        costs = {"login CPU": between - before, "command CPU": _cpu(broker) - between}
        found.append({"login": login, "command": command, "more": command - login, **costs})
    return found[1:]


def _connector(broker: Broker) -> list[str]:
    """Options for the lab's own account: its key instead of a person's."""
    options = broker.options("approver")
    options[options.index("-i") + 1] = str(broker.lab.connector_key)
    return options


def _cpu(broker: Broker) -> float:
    """Seconds of CPU that the broker's processes have used together (cgroups 1 and 2)."""
    group = re.search(r"libpod-[0-9a-f]{64}", broker.exec("cat", "/proc/1/cgroup").stdout)
    name = group[0] if group else "-"
    for file in Path("/sys/fs/cgroup/cpuacct").glob(f"**/{name}/cpuacct.usage"):
        return int(file.read_text()) / 10**9
    for file in Path("/sys/fs/cgroup").glob(f"**/{name}*/cpu.stat"):
        return int(file.read_text().split()[1]) / 10**6
    return 0.0


def _crowd(broker: Broker, people: Sequence[str]) -> dict[str, list[float]]:
    """Everybody at the same moment; nobody may fail."""

    def come(person: str) -> tuple[float, int]:
        started = time.perf_counter()
        code = broker.ssh(person, "access", "list").returncode
        return time.perf_counter() - started, code

    with ThreadPoolExecutor(len(people)) as pool:
        ended = list(pool.map(come, people))
    return {"seconds": [seconds for seconds, _ in ended], "failed": [code for _, code in ended if code]}


def _approval(broker: Broker, person: str) -> dict[str, float]:
    """A new person on the server; the parts are told apart by the audit log (one clock for all)."""
    words = ["--server", SERVER, "--for", "1h", "--reason", "bench", "-o", "json"]
    asked = json.loads(broker.ssh(person, "request", "new", *words).stdout)["request"]["id"]
    typed = time.time()
    approved = broker.ssh("approver", "request", "approve", asked)
    answered = time.time()
    assert approved.returncode == 0, approved.stdout + approved.stderr
    [access] = json.loads(broker.ssh(person, "access", "list", "-o", "json").stdout)
    begun = time.time()
    certificate = broker.folder / f"{person}-cert.pub"
    certificate.write_text(broker.ssh(person, "certificate", access["id"]).stdout)
    fetched = time.time()
    _log_in(broker, person, certificate)
    ended = time.time()
    said = {"request.vote": 0.0, "certificate.signed": 0.0, "share.applied": 0.0}
    said |= {kind: at for kind, at in _events(broker) if kind in said and at >= typed}
    return {
        "whole": answered - typed + ended - begun,
        "to the yes": said["request.vote"] - typed,
        "record, sign": said["certificate.signed"] - said["request.vote"],
        "wave": said["share.applied"] - said["certificate.signed"],
        "answer": answered - said["share.applied"],
        "certificate": fetched - begun,
        "login": ended - fetched,
    }


def _events(broker: Broker) -> list[tuple[str, float]]:
    listed = broker.as_account("audit", "list", "--config", CONFIG, "--limit", "10000", "-o", "json").stdout
    return [(one["kind"], datetime.fromisoformat(one["at"]).timestamp()) for one in json.loads(listed)]


def _log_in(broker: Broker, person: str, certificate: Path) -> None:
    """A command as that person on the server."""
    own = ["-o", f"CertificateFile={certificate}", "-o", f"HostKeyAlias={SERVER}"]
    options = broker.options(person, *own)
    server = broker.lab.host(SERVER)
    options[options.index("-p") + 1] = str(server.port)
    argv = ["ssh", *options, f"{person}@{server.address}", "true"]
    subprocess.run(argv, check=True, capture_output=True)


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, object]:
    """The median of each column, and the slowest of the first."""
    first = next(iter(rows[0]))
    found: dict[str, object] = {name: middle([row[name] for row in rows]) for name in rows[0]}
    return found | {f"slowest {first}": round(max(row[first] for row in rows), 3)}


def _summary(crowd: Mapping[str, Sequence[float]]) -> dict[str, object]:
    seconds = crowd["seconds"]
    return {
        "people": len(seconds),
        "failed": len(crowd["failed"]),
        "first": round(min(seconds), 3),
        "median": middle(seconds),
        "last": round(max(seconds), 3),
    }
