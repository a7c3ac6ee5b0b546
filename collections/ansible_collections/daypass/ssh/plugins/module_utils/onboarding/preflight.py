# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked of a host before onboarding changes anything on it; the first finding is a Refusal."""

from __future__ import annotations

import os

from ..contract.names import GROUP_CREATED, GROUP_JOINED, LEDGER_COPY_PATH, LEDGER_PATH, SSHD_DROPIN, Refusal
from ..contract.typed import TYPE_CHECKING
from ..facts import nss
from ..sshd.config import reach
from ..sshd.dropin import INCLUDE_LINE, OLDEST_VERSION, read_version

if TYPE_CHECKING:
    from typing import Sequence

    from ..effects.system import System
    from ..sshd.listeners import Listener

TOOLS = ("useradd", "usermod", "userdel", "groupadd", "groupdel", "gpasswd", "chage")
SHADOW = "shadow (Debian: passwd)"
FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")  # the PATH of every program that we start
WRITABLE = ("/etc", "/etc/ssh", "/var/lib")


def check_host(system: System, listeners: Sequence[Listener]) -> tuple[str, tuple[int, int]]:
    """Refuse a host on which onboarding couldn't work or be taken back; nothing is changed.

    Returns:
        The oldest sshd's version, for example ("9.2p1", (9, 2)).

    Raises:
        Refusal: `sshd_missing`, `sshd_too_old`, `tool_missing`, `tool_unsuitable`, `read_only`,
            `sshd_config_broken`, `include_missing`, `group_exists`, `group_remote` or `nss_unavailable`.
    """
    if not listeners:
        raise Refusal("sshd_missing", "no sshd was found on this host", "install openssh-server")
    version = _check_versions(system, listeners)
    _check_tools()
    _check_folders()
    for listener in listeners:
        check_valid(system, listener)
    for listener in listeners:
        _check_include(system, listener)
    for group in (GROUP_CREATED, GROUP_JOINED):
        _check_group(system, group)
    return version


def _check_versions(system: System, listeners: Sequence[Listener]) -> tuple[str, tuple[int, int]]:
    """The oldest sshd decides."""
    versions = [read_version(system, program) for program in sorted({one.program for one in listeners})]
    text, number = min(versions, key=lambda version: version[1])
    if number < OLDEST_VERSION:
        raise Refusal(
            "sshd_too_old",
            "sshd's version is {}; 8.2 and newer know Include".format(text or "unknown"),
            "upgrade openssh-server",
        )
    return text, number


def _check_tools() -> None:
    for tool in TOOLS:
        path = next((p for p in (f"{f}/{tool}" for f in FOLDERS) if os.access(p, os.X_OK)), None)
        if path is None:
            raise Refusal("tool_missing", f"the program {tool} is missing", f"install the package {SHADOW}")
        if os.path.basename(os.path.realpath(path)) == "busybox":
            raise Refusal(
                "tool_unsuitable",
                f"{path} is busybox's and lacks options that Daypass needs",
                f"install the package {SHADOW}",
            )


def _check_folders() -> None:
    for folder in WRITABLE:
        if not os.access(folder, os.W_OK):
            raise Refusal(
                "read_only", f"{folder} can't be written", "look at the mount options of its file system"
            )


def check_valid(system: System, listener: Listener) -> None:
    """Refuse a configuration that sshd itself refuses: a reload would leave the host without sshd."""
    answer = system.query([listener.program, *listener.options, "-t"])
    if answer.rc != 0:
        complaint = " ".join(answer.stderr.split())[-400:]
        raise Refusal(
            "sshd_config_broken",
            f"sshd refuses its present configuration {listener.main_file}: {complaint}",
            "repair it until 'sshd -t' is silent; nothing was changed",
        )


def _check_include(system: System, listener: Listener) -> None:
    include = reach(listener.main_file, SSHD_DROPIN, system.read)
    if include is not None and not include.conditional:
        return
    found = (
        "doesn't include"
        if include is None
        else f"includes only inside a Match block (line {include.number})"
    )
    raise Refusal(
        "include_missing",
        f"{listener.main_file} {found} {SSHD_DROPIN}",
        f"add this as its first line: {INCLUDE_LINE}",
    )


def local_groups(system: System) -> dict[str, str]:
    """The groups of /etc/group with their members as they stand there."""
    text = (system.read("/etc/group") or b"").decode("utf-8", "replace")
    lines = [line.split(":") for line in text.splitlines()]
    return {fields[0]: fields[3] for fields in lines if len(fields) == 4}


def _check_group(system: System, name: str) -> None:
    """A group of ours may be there, but without unknown members: the block would change their logins."""
    groups = local_groups(system)
    if name not in groups:
        if name in nss.ask(system, (), (), (name,)).groups:
            raise Refusal(
                "group_remote", f"the group {name} comes from a directory service", "rename it there"
            )
    elif groups[name] and not any(system.exists(path) for path in (LEDGER_PATH, LEDGER_COPY_PATH)):
        raise Refusal(
            "group_exists",
            f"the group {name} is there already, with members {groups[name][:80]}",
            "remove its members, or the group; Daypass marks its own accounts with it",
        )
