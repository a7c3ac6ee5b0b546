"""How many places strangers who say nothing may hold at sshd, and what an administrator can set against it.

Who has connected and hasn't logged in takes one of `MaxStartups` places until `LoginGraceTime` ends it. The
settings count for everybody on the machine and can't stand within a Match, so they are advised, not made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

ADVISED_FILE = "/etc/ssh/sshd_config.d/10-strangers.conf"
# sshd's own is 120 s (sshd_config(5)); a login here takes one, a passphrase or a touch of a key some more.
GRACE_SECONDS = 30
WHOLE_ADDRESS = 128  # bits of an IPv6 address; who has one usually has 2**64 of them


def advised_lines(found: Mapping[str, Sequence[str]]) -> list[str]:
    """Lines for sshd's configuration, each in place of something weaker; empty where all is well.

    Directives that this sshd doesn't have aren't advised: `PerSourceMaxStartups` came with 8.5,
    `PerSourcePenalties` with 9.8 (release notes of OpenSSH).

    Args:
        found: As `sshd_block.effective`, for anybody, with the drop-in.
    """
    return list(_lines({name: values[0] for name, values in found.items() if values}))


def _lines(found: Mapping[str, str]) -> Iterator[str]:
    if not 0 < _number(found.get("logingracetime", "")) <= GRACE_SECONDS:
        yield f"LoginGraceTime {GRACE_SECONDS}"
    half = max(1, _number(found.get("maxstartups", "")) // 2)  # before it begins to drop others by chance
    of_one = found.get("persourcemaxstartups")
    if of_one is not None and not 0 < _number(of_one) <= half:
        yield f"PerSourceMaxStartups {half}"
    if found.get("persourcenetblocksize", "").endswith(f":{WHOLE_ADDRESS}"):
        yield "PerSourceNetBlockSize 32:64"
    if found.get("persourcepenalties") == "no":
        yield "PerSourcePenalties yes"


def _number(text: str) -> int:
    """The number that a value begins with, 0 for none."""
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else 0
