"""What stands on a server, read by a small program that runs there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from lab import api

PROGRAM = r"""
import glob, grp, json, os, pwd, re, sys
shadow = {line.split(":")[0]: line.rstrip("\n").split(":") for line in open("/etc/shadow")}
def principals(login):
    path = "/etc/ssh/daypass/keys/" + login
    text = open(path).read() if os.path.exists(path) else ""
    return re.findall(r'principals="([^"]+)"', text)
def owned(uid):
    count = 0
    for path in glob.glob("/proc/[0-9]*/status"):
        try:
            uids = re.search(r"^Uid:(.*)$", open(path).read(), re.M).group(1).split()
        except OSError:
            continue
        count += str(uid) in uids
    return count
accounts = {}
for entry in pwd.getpwall():
    if 70000 <= entry.pw_uid <= 99999:
        accounts[entry.pw_name] = {
            "uid": entry.pw_uid, "gid": entry.pw_gid, "comment": entry.pw_gecos, "shell": entry.pw_shell,
            "groups": sorted(g.gr_name for g in grp.getgrall() if entry.pw_name in g.gr_mem),
            "password": shadow[entry.pw_name][1], "expires": shadow[entry.pw_name][7],
            "principals": principals(entry.pw_name), "processes": owned(entry.pw_uid),
            "home": os.path.isdir(entry.pw_dir),
        }
def text(path):
    return open(path).read() if os.path.exists(path) else ""
folder = "/etc/ssh/daypass/keys"
json.dump({
    "accounts": accounts,
    "key_files": sorted(os.listdir(folder)) if os.path.isdir(folder) else [],
    "sudoers": text("/etc/sudoers.d/daypass"),
    "ledger": json.loads(text("/var/lib/daypass/ledger.json") or "{}"),
    "passwd": text("/etc/passwd"), "shadow": text("/etc/shadow"), "group": text("/etc/group"),
}, sys.stdout)
"""
OPEN_PASSWORD = "*"


@dataclass(frozen=True)
class AccountState:
    """An account in our range of uids."""

    uid: int
    gid: int
    comment: str
    shell: str
    groups: list[str]
    password: str
    expires: str
    principals: list[str]
    processes: int
    home: bool

    @property
    def open(self) -> bool:
        """Whether sshd would let its certificates in."""
        return bool(self.principals) and self.password == OPEN_PASSWORD


@dataclass(frozen=True)
class HostState:
    """Everything that Daypass may change on a server."""

    accounts: dict[str, AccountState]
    key_files: list[str]
    sudoers: str
    ledger: dict[str, Any]
    passwd: str = field(repr=False)
    shadow: str = field(repr=False)
    group: str = field(repr=False)

    def opened(self) -> dict[str, set[str]]:
        """Login -> principals that open it; a key file without an account counts too."""
        found = {login: set(account.principals) for login, account in self.accounts.items()}
        return {login: principals for login, principals in found.items() if principals}


def read_host(lab: api.Lab, server: str) -> HostState:
    """Look at a server as root."""
    raw = json.loads(lab.exec(server, ["python3", "-I", "-c", PROGRAM]).stdout)
    accounts = {login: AccountState(**entry) for login, entry in raw.pop("accounts").items()}
    return HostState(accounts=accounts, **raw)
