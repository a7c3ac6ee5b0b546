"""A lab host under our ledger: sends documents through the driver, looks at the host with its own tools."""

from __future__ import annotations

import atexit
import base64
import io
import json
import subprocess
import tarfile
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab import api
from tests.waiting import LIMIT_SECONDS

ROOT = Path(__file__).resolve().parents[3]
CODE = ROOT / "collections/ansible_collections/daypass/ssh/plugins/module_utils"
FOLDER = "/opt/daypass-test"
PROGRAMS = [
    Path(__file__).with_name(f"{name}.py")
    for name in ("driver", "kill_loop", "cheaper", "syscall_kill", "sequence_loop")
]
ROOM_LEAST_SECONDS, ROOM_TIMES = 15, 8  # a run takes one or two on a quiet machine
CA_PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG8ZAWXe3tLOsQWrKOTZDZI+uqWpvxIftqiqO+b2qFC"


def stamp(seconds_from_now: float) -> str:
    """A moment as documents write it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds_from_now)).strftime("%Y-%m-%dT%H:%M:%SZ")


def grant(grant_id: str, *, groups: Sequence[str] = (), sudo: Sequence[Mapping[str, Any]] = (), seconds=3600):
    """A present grant with one certificate."""
    return {
        "id": grant_id,
        "state": "present",
        "principals": [f"daypass-{grant_id}-1"],
        "groups": list(groups),
        "warn_before": 0,
        "sudo": [dict(rule) for rule in sudo],
        "not_after": stamp(seconds),
    }


def absent(grant_id: str) -> dict[str, str]:
    """The end of a grant."""
    return {"id": grant_id, "state": "absent"}


def account(name: str, uid: int, *grants: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """An account as a document lists it."""
    return {
        "name": name,
        "uid": uid,
        "comment": f"{name}@example.com",
        "shell": "/bin/bash",
        "existing": "refuse",
        "home_on_removal": "archive",
        "user_cleanup_days": None,
        "remove": False,
        "grants": list(grants),
        **changes,
    }


def ship_code(lab: api.Lab, host: api.Host, *more: Path) -> None:
    """Put the code for hosts, as the package `daypass_host`, and the tests' own programs into FOLDER."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in sorted(CODE.rglob("*.py")):
            archive.add(path, f"daypass_host/{path.relative_to(CODE)}")
        for program in (*PROGRAMS, *more):
            archive.add(program, program.name)
    text = base64.b64encode(buffer.getvalue()).decode()
    script = f"mkdir -p {FOLDER} && base64 -d | tar -xzf - -C {FOLDER}"
    script += f" && touch {FOLDER}/daypass_host/__init__.py"
    lab.exec(host, ["sh", "-c", script], input=text)


class ManagedHost:
    """One lab host with the code on it and an empty ledger of its own ids."""

    def __init__(self, lab: api.Lab, host: api.Host, ca_key: str = CA_PUBLIC) -> None:
        self.lab = lab
        self.host = host
        self.host_id = uuid.uuid4().hex
        self.orchestrator_id = uuid.uuid4().hex
        self.sequence = 0
        self.ca_key = ca_key
        self._drivers: list[subprocess.Popen[str]] = []
        atexit.register(self._end_drivers)
        ship_code(lab, host)
        self._prepare(new_code=True)

    def run(self, *argv: str, check: bool = True) -> str:
        """Standard output of a command as root."""
        return self.lab.exec(self.host, list(argv), check=check).stdout

    def code(self, *argv: str) -> int:
        """Return code of a command as root."""
        return self.lab.exec(self.host, list(argv), check=False).returncode

    def sh(self, script: str, check: bool = True) -> str:
        """Standard output of a shell script as root."""
        return self.run("sh", "-c", script, check=check)

    def drive(self, wish: Mapping[str, Any]) -> dict[str, Any] | None:
        """One run of the driver; None when it was killed."""
        driver = self._idle_driver()
        assert driver.stdin is not None
        assert driver.stdout is not None
        driver.stdin.write(json.dumps(wish) + "\n")
        driver.stdin.flush()
        line = driver.stdout.readline()
        assert line, "the driver is gone"
        self._drivers.append(driver)
        answer = json.loads(line)
        assert not isinstance(answer, str), answer
        return answer

    def _idle_driver(self) -> subprocess.Popen[str]:
        """A driver that waits for a wish; it ends with this side, or with the host."""
        while self._drivers:
            driver = self._drivers.pop()
            if driver.poll() is None:
                return driver
            driver.communicate()
        words = self.lab.exec_argv(self.host, ["python3", f"{FOLDER}/driver.py"], interactive=True)
        return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _end_drivers(self) -> None:
        for driver in self._drivers:
            driver.communicate()

    def kill_loop(self, **wish: Any) -> dict[str, Any]:
        """Run kill_loop.py on the host."""
        argv = ["python3", f"{FOLDER}/kill_loop.py"]
        done = self.lab.exec(self.host, argv, input=json.dumps(wish), check=False, timeout_seconds=850)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)

    def document(
        self, *accounts: Mapping[str, Any], sequence: int | None = None, exclusive: bool = True
    ) -> str:
        """A document for this host; the sequence grows unless it is given."""
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        mapping = {
            "version": 1,
            "host_id": self.host_id,
            "orchestrator_id": self.orchestrator_id,
            "sequence": sequence,
            "exclusive": exclusive,
            "ca_keys": [self.ca_key],
            "accounts": list(accounts),
        }
        canonical = json.dumps(mapping, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return base64.b64encode(canonical.encode()).decode()

    def send(self, *accounts: Mapping[str, Any], **wish: Any) -> dict[str, Any]:
        """Converge to these accounts and return the whole result."""
        document = self.document(
            *accounts, **{key: wish.pop(key) for key in ("sequence", "exclusive") if key in wish}
        )
        result = self.drive({"document": document, **wish})
        assert result is not None
        return result

    def room(self, *accounts: Mapping[str, Any]) -> int:
        """Seconds in which a run surely goes through, on a machine as busy as it is now: for an end that
        must lie behind it. Where these accounts are there already, their ends move at most."""
        began = time.monotonic()
        self.send(*accounts, program=True)
        return max(ROOM_LEAST_SECONDS, int(ROOM_TIMES * (time.monotonic() - began)))

    def ledger(self) -> dict[str, Any]:
        """The ledger as JSON."""
        return json.loads(self.run("cat", "/var/lib/daypass/ledger.json"))

    def state_of(self, login: str) -> dict[str, Any]:
        """What the host's own files say of a login."""
        found = self.drive({"look": login})
        assert found is not None
        return {**found, "groups": set(found["groups"])}

    def is_open(self, login: str) -> bool:
        """Whether sshd would let a certificate of this login in."""
        state = self.state_of(login)
        return bool(state["exists"] and state["keys"] and state["password"] == "*")

    def forget(self, *logins: str) -> None:
        """Take accounts away by hand, whatever state they are in, and begin with an empty ledger."""
        self.sequence = 0
        self._prepare(forget=logins)

    def _prepare(self, *, forget: Sequence[str] = (), new_code: bool = False) -> None:
        ids = {"host_id": self.host_id, "orchestrator_id": self.orchestrator_id}
        self.drive({"prepare": {**ids, "forget": list(forget), "new_code": new_code}})


def completed(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A program on this side."""
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)


class Person:
    """Somebody who logs in with a key pair and a certificate."""

    def __init__(self, host: ManagedHost, login: str, key: Path) -> None:
        self.host = host
        self.login = login
        self.key = key

    def ssh(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A real ssh login that runs a command."""
        return completed(self.host.lab.ssh_argv(self.host.host, *argv, user=self.login, key=self.key))

    def stay(self, *argv: str) -> subprocess.Popen[str]:
        """A real ssh login that goes on; the caller ends it."""
        words = self.host.lab.ssh_argv(self.host.host, *argv, user=self.login, key=self.key)
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def gets_in(self) -> bool:
        """Whether a login succeeds, as this login."""
        done = self.ssh("id", "-un")
        return done.returncode == 0 and done.stdout.strip() == self.login


def make_person(host: ManagedHost, authority: Path, folder: Path, login: str, grant_id: str) -> Person:
    """A key pair and a certificate with the one principal of the grant, made by OpenSSH's own tool."""
    key = folder / f"{login}-{grant_id}"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    sign = ["ssh-keygen", "-q", "-s", str(authority), "-I", f"{login} {grant_id}", "-V", "-1m:+1h"]
    sign += ["-n", f"daypass-{grant_id}-1", str(key.with_suffix(".pub"))]
    subprocess.run(sign, check=True, capture_output=True)
    return Person(host, login, key)
