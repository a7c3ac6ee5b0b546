"""Fresh ids, and who this process is. Called by `wiring` alone: all others get them as arguments."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

CALLER = re.compile(r"[A-Za-z_][A-Za-z0-9_.@-]{0,63}")  # directories have jane.doe and jane@example.com, too
FIRST_PERSON = 1000  # below are accounts that nobody logs in to; people could write any name themselves
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # the alphabet of ULIDs (github.com/ulid/spec)


def new_grant_id(now: datetime) -> str:
    """A ULID: 48 bits of milliseconds, 80 random bits, 26 characters; ids sort by time."""
    value = (int(now.timestamp() * 1000) << 80) | secrets.randbits(80)
    return "".join(CROCKFORD[(value >> shift) & 31] for shift in range(125, -5, -5))


def new_serial() -> int:
    """63 random bits, never zero (design.md, certificate profile)."""
    return secrets.randbelow(2**63 - 1) + 1


def new_host_id() -> str:
    """32 lower hex digits."""
    return secrets.token_hex(16)


def actor(environ: Mapping[str, str]) -> str:
    """`operator:<login>`: who runs this process; as root or a service's account under sudo, who called it."""
    login = pwd.getpwuid(os.getuid()).pw_name
    caller = environ.get("SUDO_USER", "")
    if os.getuid() < FIRST_PERSON and CALLER.fullmatch(caller):
        return f"operator:{caller} as {login}"
    return f"operator:{login}"


def owner() -> str:
    """This process as a claim's owner: machine, process id, and when it was started."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def alive(other: str) -> bool:
    """Whether a claim's owner still runs; one that can't be looked at from here is taken for alive."""
    machine, _, rest = other.partition("/")
    process_id, _, started = rest.partition("/")
    if machine != socket.gethostname() or not process_id.isdecimal():
        return True
    return _started(int(process_id)) == started


def _started(process_id: int) -> str:
    """Start time in clock ticks since boot (proc(5), stat, field 22); empty for no such process."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]
