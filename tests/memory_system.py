"""A host in memory, under the collection's own converge: account files, tools and processes as plain values.

`MemorySystem` takes the place of `system.System`; each tool does what its manual page says and no more. It
calls `before` and `after` as the real one does, so that a test can look at the host, or end the process, at
every single change.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed, System
from ansible_collections.daypass.ssh.plugins.module_utils.run import converge, tick
from ansible_collections.daypass.ssh.plugins.module_utils.sessions import (
    process_table,
    processes,
    setid_files,
)
from ansible_collections.daypass.ssh.plugins.module_utils.sessions.process_table import Row
from ansible_collections.daypass.ssh.plugins.module_utils.sessions.processes import Process
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import joined, login_log
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.dropin import Violation

BEFORE = {"daypass": 990, "daypass-join": 991, "ops": 2000, "web": 2001, "team": 2002}
# Somebody who was there before, with groups and a key of her own.
JANE, JANES_GROUPS = "jane", frozenset({"web"})
MARKS = {JANE: "daypass-join"}
FIXED = {
    "/etc/nsswitch.conf": b"passwd: files ldap\ngroup: files ldap\n",  # NSS is asked through a program then
    "/etc/shells": b"/bin/bash\n/bin/sh\n",
    "/etc/sudoers": b"root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n",
    "/usr/bin/sudo": b"",
    "/usr/sbin/visudo": b"",
}
KEY_LINE = re.compile(
    r'restrict((?:,[a-zA-Z0-9-]+)*),cert-authority,principals="([^"]+)",expiry-time="(\d+)Z"'
)
RULE = re.compile(r"(\S+) ALL=\((\S+)\) NOTAFTER=(\d+)Z NOPASSWD: (.+)")


def mark_of(login: str) -> str:
    """The group that marks this login as one of ours, or as joined."""
    return MARKS.get(login, "daypass")


class Killed(BaseException):
    """The process is gone."""


@dataclass
class User:
    """One line of passwd and one of shadow."""

    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    password: str
    expire: int


@dataclass(frozen=True)
class Connection:
    """sshd's own process of one login, which leads the session.

    Attributes:
        said: What sshd logged of it.
    """

    pid: int
    login: str
    began: float
    said: str


@dataclass(frozen=True)
class Rights:
    """What a person can do on the host now; ends are texts that sort as time does.

    Attributes:
        keys: (principal, what the line gives back after `restrict`, end); once for the login itself, with "".
        sudo: (run as, command, end).
        day: When the account expires, days since 1970; 1 = shut.
    """

    keys: frozenset[tuple[str, str, str]] = frozenset()
    groups: frozenset[str] = frozenset()
    sudo: frozenset[tuple[str, str, str]] = frozenset()
    day: int = 1

    def within(self, other: Rights) -> bool:
        """Whether this is no more than the other, ends included; the day is the host's own backstop only."""
        return (
            self.groups <= other.groups
            and _within(self.keys, other.keys)
            and _within(self.sudo, other.sudo)
            and (self.day > 1) <= (other.day > 1)
        )


def rights_of(login: str, keys: str, rules: str, groups: Iterable[str], day: int) -> Rights:
    """What a host's own files give a login.

    Args:
        keys: Its key file.
        rules: The sudoers file.
        day: When the account expires, 1 where it is shut.
    """
    found = [match.groups() for match in map(RULE.fullmatch, rules.splitlines()) if match]
    return Rights(
        frozenset(
            (principal, option, end)
            for match in map(KEY_LINE.search, keys.splitlines())
            if match
            for options, principal, end in [match.groups()]
            for option in options.split(",")  # begins with a comma, so "" is one of them
        ),
        frozenset(groups) - {mark_of(login), login},
        frozenset((run_as, command, end) for who, run_as, end, command in found if who == login),
        day,
    )


def _within(mine: frozenset[Any], others: frozenset[Any]) -> bool:
    ends = {one[:-1]: one[-1] for one in sorted(others)}
    return all(one[-1] <= ends.get(one[:-1], "") for one in mine)


class MemorySystem(System):
    """The host. `watch` is called after each change; `die` (n, when) ends the process at its n-th one.

    Attributes:
        broken: Programs that fail from now on.
        full: No file can be written.
    """

    def __init__(self) -> None:
        self.users: dict[str, User] = {}
        self.groups: dict[str, tuple[int, set[str]]] = {name: (gid, set()) for name, gid in BEFORE.items()}
        self.files: dict[str, bytes] = dict(FIXED)
        self.homes: dict[str, int] = {}
        self.running: dict[int, tuple[str, int, Rights]] = {}  # pid -> login, uid, what it may use
        self.broken: set[str] = set()
        self.full = False
        self.now = 0
        self.effects: list[tuple[str, str]] = []
        self.die: tuple[int, str] | None = None
        self.watch: Callable[[], None] = lambda: None
        self._monotonic = 0.0
        self._began: dict[int, float] = {}  # pid -> seconds of this boot
        self._connections: dict[int, Connection] = {}  # pid of what runs in it -> a joined person's
        self._boot_seconds = 0.0
        self._pid = 1000

    # --- what a person has ----------------------------------------------------------------------------------
    def rights(self, login: str) -> Rights:
        """What this login has, whatever anybody's record says of it."""
        user = self.users.get(login)
        keys = self.files.get(f"{names.KEYS_FOLDER}/{login}", b"").decode()
        rules = self.files.get(names.SUDOERS_PATH, b"").decode()
        groups = [name for name, (_gid, members) in self.groups.items() if login in members]
        is_open = user is not None and user.password == "*"
        return rights_of(login, keys, rules, groups, user.expire if user is not None and is_open else 1)

    def have_jane(self) -> None:
        """Somebody with an account, groups and a home of her own, from before."""
        self.users[JANE] = User(1501, 1501, "Jane,,,", "/home/jane", "/bin/bash", "$y$hers", -1)
        self.groups[JANE] = (1501, set())
        self.homes["/home/jane"] = 1501
        self._set_groups(JANE, set(JANES_GROUPS))

    def belongings(self) -> tuple[Any, ...]:
        """What is jane's own: account, home, groups."""
        groups = {name for name, (_gid, members) in self.groups.items() if JANE in members}
        return (replace(self.users[JANE]), self.homes.get("/home/jane"), groups)

    def log_in(self, login: str) -> bool:
        """A session with what the login has now; False where sshd wouldn't let it in."""
        rights = self.rights(login)
        is_shut = rights.day == 1 and login not in MARKS
        if not rights.keys or is_shut or login not in self.groups[mark_of(login)][1]:
            return False
        self._begin(
            login, "ED25519-CERT SHA256:x ID daypass user=jane (serial 1) CA ED25519 SHA256:y", rights
        )
        return True

    def log_in_by_own_key(self) -> int:
        """A session of jane's that no certificate opened; its pid. It has the groups of now, ours too."""
        return self._begin(JANE, "ED25519 SHA256:hers", Rights(groups=self.rights(JANE).groups))

    def _begin(self, login: str, how: str, rights: Rights) -> int:
        self._pid += 2
        self._began[self._pid] = self._boot_seconds
        self.running[self._pid] = (login, self.users[login].uid, rights)
        if login in MARKS:
            said = f"Accepted publickey for {login} from 192.0.2.1 port 1 ssh2: {how}"
            self._connections[self._pid] = Connection(self._pid - 1, login, self._boot_seconds, said)
        return self._pid

    # --- hooks ----------------------------------------------------------------------------------------------
    def before(self, effect: str, detail: str) -> None:
        self.effects.append((effect, detail))
        self._boot_seconds += 1
        self._die_if("before")

    def after(self, effect: str, detail: str) -> None:
        self.watch()
        self._die_if("after")

    def _die_if(self, when: str) -> None:
        if self.die == (len(self.effects) - 1, when):
            raise Killed

    # --- files ----------------------------------------------------------------------------------------------
    def read(self, path: str) -> bytes | None:
        lines: list[str] = []
        if path == "/etc/passwd":
            lines = [
                f"{login}:x:{u.uid}:{u.gid}:{u.comment}:{u.home}:{u.shell}" for login, u in self.users.items()
            ]
        elif path == "/etc/shadow":
            lines = [f"{login}:{u.password}:20000:0:-1:7::{u.expire}:" for login, u in self.users.items()]
        elif path == "/etc/group":
            lines = [f"{name}:x:{gid}:{','.join(sorted(who))}" for name, (gid, who) in self.groups.items()]
        else:
            return self.files.get(path)
        return "".join(line + "\n" for line in lines).encode()

    def exists(self, path: str) -> bool:
        return path in self.files or path in self.homes

    def status(self, path: str) -> os.stat_result | None:
        if path in self.homes:
            return os.stat_result((stat.S_IFDIR | 0o700, 0, 0, 2, self.homes[path], 0, 0, 0, 0, 0))
        if path in self.files:
            return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 0, 0, len(self.files[path]), 0, 0, 0))
        return None

    def names(self, folder: str) -> list[str]:
        if folder in ("/tmp", "/var/tmp", "/dev/shm"):
            return []
        inside = (path[len(folder) + 1 :] for path in self.files if path.startswith(folder + "/"))
        return sorted({path.split("/")[0] for path in inside})

    def write(self, path: str, content: bytes, mode: int, uid=0, gid=0, validate=None) -> None:
        self.before("write", path)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        folder, name = os.path.split(path)
        temporary = f"{folder}/.{name}.tmp"
        self.files[temporary] = content
        try:
            if validate is not None:
                validate(temporary)
            self.files[path] = content
        finally:
            del self.files[temporary]
        self.after("write", path)

    def overwrite(self, path: str, content: bytes) -> None:
        self.before("overwrite", path)
        if path not in self.files:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self.files[path] = content + self.files[path][len(content) :]
        self.after("overwrite", path)

    def remove(self, path: str) -> None:
        self.before("remove", path)
        self.files.pop(path, None)
        self.after("remove", path)

    def rename(self, old: str, new: str) -> None:
        self.before("rename", f"{old} {new}")
        for places in (self.files, self.homes):
            if old in places:
                places[new] = places.pop(old)
        self.after("rename", f"{old} {new}")

    def remove_tree(self, path: str) -> None:
        self.before("remove_tree", path)
        self.homes.pop(path, None)
        self.after("remove_tree", path)

    def make_folder(self, path: str, mode: int) -> None:
        self.before("make_folder", path)
        self.after("make_folder", path)

    # --- programs -------------------------------------------------------------------------------------------
    def _run(self, argv: list[str], stdin: str, timeout_seconds: float, held: int | None = None) -> Completed:
        if argv[0] in self.broken:
            return Completed(1, "", f"{argv[0]} is broken")
        tool = getattr(self, f"_{argv[0].replace('-', '_')}", self._question)
        return tool(argv[1:], stdin)

    def beside(self, ask: Callable[[], Any], at_once: bool = True) -> Callable[[], Any]:
        return super().beside(ask) if at_once else ask  # programs take no time here

    def _question(self, argv: list[str], stdin: str) -> Completed:
        """The programs of `nss.ask` and `own_keys.digest`."""
        assert argv[:3] == ["-I", "-S", "-c"], f"unknown program with {argv}"
        wish = json.loads(stdin)
        if isinstance(wish, list):
            return Completed(0, "sha256:hers", "")
        return Completed(0, json.dumps([self._entry(*one) for one in wish["questions"]]), "")

    def _journalctl(self, argv: list[str], _stdin: str) -> Completed:
        found = [one for one in self._connections.values() if f"_PID={one.pid}" in argv]
        lines = [
            {"_PID": str(one.pid), "_COMM": "sshd", "_UID": "0", "MESSAGE": one.said}
            | {"__MONOTONIC_TIMESTAMP": str(int(one.began * 1e6))}
            for one in found
        ]
        return Completed(0, "\n".join(map(json.dumps, lines if found else [{"_COMM": "sshd"}])), "")

    def _loginctl(self, argv: list[str], _stdin: str) -> Completed:
        return Completed(0, f"Leader={argv[1]}\nService=sshd\n", "")

    def _gpasswd(self, argv: list[str], _stdin: str) -> Completed:
        way, login, group = argv
        members = self.groups[group][1]
        (members.add if way == "--add" else members.discard)(login)
        return Completed(0, "", "")

    def _entry(self, function: str, key: str | int) -> list[Any] | None:
        pairs = [(login, user.uid) for login, user in self.users.items()]
        if function.startswith("getgr"):
            pairs = [(name, gid) for name, (gid, _members) in self.groups.items()]
        return next(([name, number] for name, number in pairs if key in (name, number)), None)

    def _id(self, argv: list[str], _stdin: str) -> Completed:
        login = argv[-1]
        gids = [gid for gid, members in self.groups.values() if login in members]
        return Completed(0, " ".join(str(gid) for gid in [self.users[login].gid, *gids]), "")

    def _sudo(self, argv: list[str], _stdin: str) -> Completed:
        rights = self.rights(argv[-1]).sudo
        said = "may run the following commands: …" if rights else "is not allowed to run sudo on this host"
        return Completed(0, f"User {argv[-1]} {said}", "")

    def _visudo(self, _argv: list[str], _stdin: str) -> Completed:
        return Completed(0, "", "")

    def _systemctl(self, _argv: list[str], _stdin: str) -> Completed:
        return Completed(0, "", "")

    def _systemd_run(self, _argv: list[str], _stdin: str) -> Completed:
        return Completed(0, "", "")

    def _groupadd(self, argv: list[str], _stdin: str) -> Completed:
        if argv[-1] in self.groups:
            return Completed(9, "", "group exists")
        gid = int(_option(argv, "--gid") or 991)
        if any(gid == taken for taken, _members in self.groups.values()):
            return Completed(4, "", "GID exists")
        self.groups[argv[-1]] = (gid, set())
        return Completed(0, "", "")

    def _groupdel(self, argv: list[str], _stdin: str) -> Completed:
        self.groups.pop(argv[-1])
        return Completed(0, "", "")

    def _useradd(self, argv: list[str], _stdin: str) -> Completed:
        login, uid = argv[-1], int(_option(argv, "--uid") or 0)
        if login in self.users:
            return Completed(9, "", "user exists")
        group = _option(argv, "--gid") or "100"
        gid = int(group) if group.isdigit() else self.groups[group][0]
        home = _option(argv, "--home-dir") or f"/home/{login}"
        texts = [_option(argv, name) or "" for name in ("--comment", "--shell", "--password")]
        comment, shell, password = texts
        expire = int(_option(argv, "--expiredate") or -1)
        self.users[login] = User(uid, gid, comment, home, shell, password, expire)
        self._set_groups(login, set((_option(argv, "--groups") or "").split(",")) - {""})
        if "--create-home" in argv:
            self.homes[home] = uid
        return Completed(0, "", "")

    def _usermod(self, argv: list[str], _stdin: str) -> Completed:
        user = self.users[argv[-1]]
        groups = _option(argv, "--groups")
        if groups is not None:
            self._set_groups(argv[-1], set(groups.split(",")) - {""})
        user.password = _option(argv, "--password") or user.password
        user.expire = int(_option(argv, "--expiredate") or user.expire)
        user.shell = _option(argv, "--shell") or user.shell
        return Completed(0, "", "")

    def _chage(self, _argv: list[str], _stdin: str) -> Completed:
        return Completed(0, "", "")

    def _userdel(self, argv: list[str], _stdin: str) -> Completed:
        login = argv[-1]
        if any(login == who for who, _uid, _rights in self.running.values()):
            return Completed(8, "", "user is logged in")
        user = self.users.pop(login)
        self._set_groups(login, set())
        if self.groups.get(login, (0, {""})) == (user.gid, set()):
            del self.groups[login]
        return Completed(0, "", "")

    def _set_groups(self, login: str, wanted: set[str]) -> None:
        for name, (_gid, members) in self.groups.items():
            (members.add if name in wanted else members.discard)(login)

    # --- processes and time ---------------------------------------------------------------------------------
    def signal(self, pid: int, number: int, still_meant: Callable[[], bool] | None = None) -> bool:
        self.before("signal", f"{pid} {number}")
        found = self.running.pop(pid, None)
        led = [child for child, one in self._connections.items() if one.pid == pid]
        for child in led:  # what it leads may live on; logind knows whose it was
            self._connections[child] = replace(self._connections[child], login="")
        self.after("signal", f"{pid} {number}")
        return found is not None or bool(led)

    def find(self, logins: Mapping[str, int]) -> list[Process]:
        """In the place of `processes.find`."""
        uids = set(logins.values())
        return [Process(pid, uid) for pid, (_login, uid, _rights) in self.running.items() if uid in uids]

    def table(self) -> dict[int, Row]:
        """In the place of `process_table.read_table`."""
        found = {}
        for pid, (login, uid, rights) in self.running.items():
            leader = self._connections.get(pid)
            scope = None if leader is None else (uid, str(leader.pid))
            found[pid] = Row(
                pid, 1, self._began[pid], frozenset({uid}), self._gids(rights), login, scope, None
            )
            if leader is not None and leader.login:
                title = f"sshd: {login} [priv]"
                root = frozenset({0})
                found[leader.pid] = Row(leader.pid, 1, leader.began, root, root, title, scope, None)
        return found

    def _gids(self, rights: Rights) -> frozenset[int]:
        return frozenset(self.groups[name][0] for name in rights.groups if name in self.groups)

    def boot_id(self) -> str:
        return "this boot"

    def boot_seconds(self) -> float:
        return self._boot_seconds

    def sleep(self, seconds: float) -> None:
        self._monotonic += seconds

    def monotonic(self) -> float:
        return self._monotonic

    def clock(self) -> int:
        return self.now

    @contextmanager
    def lock(self, path: str, wait_seconds: float) -> Iterator[None]:
        yield


def _option(argv: list[str], name: str) -> str | None:
    return argv[argv.index(name) + 1] if name in argv else None


@dataclass
class Sshd:
    """The sshd check of a host in memory; `refuses` while somebody's settings cancel ours."""

    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    def check_sshd(self, _system: System, _ahead: bool = False) -> Callable[[str, tuple[str, ...]], None]:
        """In the place of `sshd.check.check_sshd`."""

        def check(login: str, _groups: tuple[str, ...]) -> None:
            self.asked.append(login)
            if self.refuses:
                raise Refusal("sshd_overridden", "sshd doesn't do what it must")

        return check

    def check_joined(self, _system: System, _login: str, *_more: object) -> list[Violation]:
        """In the place of `sshd.joined.check_before` and `check_after`."""
        return [Violation("DenyUsers", "jane", "without jane")] if self.refuses else []


def _disarm(
    _system: System, accounts: Mapping[int, setid_files.Lost], _seconds: float | None
) -> setid_files.Disarmed:
    return setid_files.Disarmed({uid: [] for uid in accounts}, frozenset())


def nothing_left(_system: System, lost: Mapping[int, Any], _seconds: float | None) -> setid_files.Disarmed:
    """In the place of `setid_files.disarm`: nobody left a copy of anything."""
    return setid_files.Disarmed({uid: [] for uid in lost}, frozenset())


@contextmanager
def in_memory(system: MemorySystem, sshd: Sshd | None = None) -> Iterator[MemorySystem]:
    """Converge runs over this host: what it asks the kernel or sshd directly is answered from memory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "find", system.find)
        patch.setattr(process_table, "read_table", system.table)
        patch.setattr(processes, "_kill_slice", lambda _system, _uid: None)
        patch.setattr(processes, "kill_scope", lambda _system, _uid, _session: None)
        patch.setattr(processes, "is_listener", lambda _pid, _uids: False)
        patch.setattr(login_log, "TEXT_FILES", ())
        for name in ("check_before", "check_after"):
            patch.setattr(joined, name, (sshd or Sshd()).check_joined)
        patch.setattr(setid_files, "disarm", _disarm)
        for module in (converge, tick):
            patch.setattr(module, "check_sshd", (sshd or Sshd()).check_sshd)
        yield system
