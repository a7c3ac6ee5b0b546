"""Runs on a lab host: converge with the code beside it, told by JSON objects, a line each, on standard input.

Each is answered by a line, from a process forked for it: a program's start costs more than most runs.

Keys: `document` (opaque), `check`, `now` (null = the clock), `controller_time`, `lock_wait`, `patience`
({program: seconds} for those that get less than usual), `program` (true: it is put on the host), `kill`: null
or {"effect": n, "when": "before" | "after"}: SIGKILL to this process at its n-th effect (0 = the first).
Prints {"answer": …, "effects": [[kind, detail], …], "seconds": …}; null for one that was killed; a text for
one that broke.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH100, PTH101, PTH103, PTH108, PTH110, PTH119, PTH120, PTH123, SIM115
from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
from typing import TYPE_CHECKING

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from daypass_host.contract import names
from daypass_host.effects import system
from daypass_host.facts import account_files
from daypass_host.program import installing
from daypass_host.record import ledger, ledger_file
from daypass_host.run.converge import converge
from daypass_host.sessions import processes

if TYPE_CHECKING:
    from collections.abc import Callable

KILLED, NOT_REACHED = -signal.SIGKILL, 42  # ends of a process of our own


class Told(system.System):
    """A system that counts effects and dies at one of them."""

    def __init__(self, kill: dict | None, clock: int | None) -> None:
        self.effects: list[tuple[str, str]] = []
        self.kill = kill
        self._clock = clock
        self.patience = {}

    def _run(self, argv, stdin, timeout_seconds, held=None):
        return super()._run(argv, stdin, min(timeout_seconds, self._patience_with(argv)), held)

    def _patience_with(self, argv):
        return self.patience.get(os.path.basename(argv[0]), float("inf"))

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
    """A stand-in for onboarding, once no tick of the test before is about to write its ledger."""
    os.makedirs(names.STATE_FOLDER, 0o700, exist_ok=True)
    lock = os.open(names.LOCK_PATH, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begin_anew(wish)
    finally:
        os.close(lock)


def begin_anew(wish: dict) -> None:
    """Groups, folders, drop-in, empty ledger; the logins in `forget` go first."""
    from daypass_host.onboarding import trust
    from daypass_host.sshd import listeners

    for login in wish["forget"]:
        forget(login)
    for group in (names.GROUP_CREATED, names.GROUP_JOINED):
        if not listed("/etc/group", group):
            subprocess.run(["groupadd", group], check=True)
    for folder, mode in (
        (names.STATE_FOLDER, 0o700),
        ("/etc/ssh/daypass", 0o711),
        (names.KEYS_FOLDER, 0o711),
    ):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, mode)
    if wish.get("new_code") or not os.path.exists(names.SSHD_DROPIN):
        write_dropin(trust.dropin_for(system.System(), listeners.find_listeners(), "apono").encode("ascii"))
    machine_id = open("/etc/machine-id", encoding="ascii").read().strip()
    new = ledger.new_ledger(wish["host_id"], machine_id, wish["orchestrator_id"], (9, 2), "apono")
    ledger_file.remove_ledger(system.System())
    ledger_file.write_ledger(system.System(), new)


def write_dropin(content: bytes) -> None:
    """Have sshd do what this code wants, not what was wanted by the code that was here before."""
    if system.System().read(names.SSHD_DROPIN) != content:
        with open(names.SSHD_DROPIN, "wb") as file:
            file.write(content)
        subprocess.run(["pkill", "-HUP", "-o", "-x", "sshd"], check=True)


def listed(path: str, name: str) -> bool:
    """Whether an account file has an entry of this name."""
    return any(line.startswith(f"{name}:") for line in open(path, encoding="utf-8", errors="replace"))


def forget(login: str) -> None:
    """Take an account and all its traces away, whatever state it is in."""
    if listed("/etc/passwd", login):
        subprocess.run(["pkill", "-KILL", "-u", login], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["userdel", login], check=False, stderr=subprocess.DEVNULL)
    if listed("/etc/group", login):
        subprocess.run(["groupdel", login], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(f"/home/{login}", ignore_errors=True)
    for path in (f"{names.KEYS_FOLDER}/{login}", f"/var/mail/{login}", names.SUDOERS_PATH):
        if os.path.lexists(path):
            os.unlink(path)


def look(login: str) -> dict:
    """What the host's own files and processes say of a login."""
    system_ = system.System()
    entry = account_files.parse_passwd(system_.read("/etc/passwd")).get(login)
    shadow = account_files.parse_shadow(system_.read("/etc/shadow"), [login]).get(login)
    groups = account_files.parse_group(system_.read("/etc/group"))
    rules = (system_.read(names.SUDOERS_PATH) or b"").decode().splitlines()
    found = subprocess.run(["ps", "-o", "pid=", "-u", login], capture_output=True, text=True, check=False)
    return {
        "exists": entry is not None,
        "groups": [
            one.name for one in groups.values() if login in one.members or (entry and one.gid == entry.gid)
        ],
        "password": shadow and shadow.password,
        "expire": shadow and shadow.expire,
        "keys": (system_.read(f"{names.KEYS_FOLDER}/{login}") or b"").decode(),
        "sudo": "\n".join(rule for rule in rules if rule.startswith(login + " ")),
        "processes": found.stdout.split(),
    }


def act(wish: dict) -> dict:
    """Do what one object asks for."""
    if "prepare" in wish:
        prepare(wish["prepare"])
        return {}
    if "look" in wish:
        return look(wish["look"])
    names.LOCK_WAIT_SECONDS = wish.get("lock_wait", names.LOCK_WAIT_SECONDS)
    told = Told(wish.get("kill"), wish.get("now"))
    told.patience = wish.get("patience", told.patience)
    # The last look at who came in meanwhile: `deadline/` has somebody who does, and the host's own program.
    processes.SWEEP_AFTER_SECONDS = 0.02
    began = time.perf_counter()
    answer = converge(
        told,
        wish["document"],
        now=told.clock(),
        controller_time=wish.get("controller_time"),
        check=wish.get("check", False),
        program=installing.look() if wish.get("program") else None,
    )
    return {"answer": answer, "effects": told.effects, "seconds": time.perf_counter() - began}


def in_a_child(work: Callable[[], object]) -> tuple[object, int]:
    """What work gives, as JSON brings it back, from a process of its own; and that one's exit code.

    None with `KILLED` (it was), and with `NOT_REACHED` (its kill was to come later than there is anything).

    Raises:
        RuntimeError: It broke, or ended in another way: no such end may pass for a kill.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        null = os.open(os.devnull, os.O_RDWR)  # what it prints would stand among the answers
        os.dup2(null, 0)
        os.dup2(null, 1)
        try:
            told = [work()]
        except BaseException:  # noqa: BLE001 # told to whoever asked
            told = traceback.format_exc()
        with os.fdopen(writer, "w") as file:
            json.dump(told, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code in (KILLED, NOT_REACHED):
        return None, code
    told = json.loads(text) if code == 0 else f"it ended with {code}"
    if isinstance(told, str):
        raise RuntimeError(told)
    return told[0], code


def answered(line: str) -> str:
    """The answer of a process of its own, as JSON."""
    try:
        return json.dumps(in_a_child(lambda: act(json.loads(line)))[0])
    except RuntimeError as error:
        return json.dumps(str(error))


def main() -> None:
    for line in sys.stdin:
        print(answered(line), flush=True)


if __name__ == "__main__":
    main()
