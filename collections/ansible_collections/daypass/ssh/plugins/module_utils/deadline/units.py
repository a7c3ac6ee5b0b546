# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts the tick: systemd units, or a line of cron's. The texts are pure.

The service is hardened where that doesn't get in the way of its work: it changes accounts through the
system's tools, ends anybody's processes, looks into homes, /tmp and terminals: none of these may be hidden.
"""

from __future__ import annotations

import os
import sys

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..contract.words import DIGITS, LETTERS, Word
from ..effects.system import CommandFailed
from ..program.start import PROGRAM_PATH

if TYPE_CHECKING:
    from ..effects.system import System

SYSTEMD = "systemd"
CRON = "cron"
UNIT_FOLDER = "/etc/systemd/system"
SERVICE = "daypass-expire.service"
TIMER = "daypass-expire.timer"
CRON_FOLDER = "/etc/cron.d"
CRON_PATH = CRON_FOLDER + "/daypass"  # no dot: cron skips names that hold one
# Nothing that units or cron would read as their own.
PLAIN_PATH = Word(LETTERS + DIGITS + "/._+-", 201, least=2, first="/")
PYTHON = "/usr/bin/python3"
CRON_NAMES = ("cron", "crond", "fcron")
SERVICE_SECONDS = 240  # a tick that hangs makes room for the next

# One person's load must not slow down or end what closes everybody's access.
PROPERTIES = (
    "Nice=-10",
    "OOMScoreAdjust=-900",
    "CapabilityBoundingSet=~CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_NET_ADMIN CAP_NET_RAW",
    "LockPersonality=yes",
    "ProtectKernelModules=yes",
    "RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "UMask=0077",
)


def scheduler(system: System) -> str | None:
    """What can run something later on this host: `systemd`, `cron`, or nothing (None).

    busybox's crond doesn't count: it reads no /etc/cron.d, and nobody's crontab is edited.
    """
    if os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        return SYSTEMD
    return CRON if system.exists(CRON_FOLDER) and _cron_runs(system) else None


def _cron_runs(system: System) -> bool:
    for name in system.names("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/comm", encoding="ascii", errors="replace") as file:
                word = file.read().strip()
            program = os.readlink(f"/proc/{name}/exe").partition(" ")[0] if word in CRON_NAMES else ""
        except OSError:
            continue
        if os.path.basename(program) in CRON_NAMES and os.stat(f"/proc/{name}").st_uid == 0:
            return True
    return False


def check_scheduler(system: System, wanted: str) -> None:
    """Refuse a host that couldn't end access by itself, unless that is fine.

    Args:
        wanted: `required` or `if_possible`.

    Raises:
        Refusal: `no_scheduler`.
    """
    if wanted == "required" and scheduler(system) is None:
        raise Refusal(
            "no_scheduler",
            "this host has neither systemd nor a running cron, so it couldn't end access by itself",
            "install and start cron, or set local_deadline: if_possible for its integration",
        )


def command(python: str) -> list[str]:
    """The tick as an argument list."""
    return [python, "-I", "-S", PROGRAM_PATH, "tick"]


def python_path() -> str:
    """This Python, where its path is plain."""
    return sys.executable if PLAIN_PATH.fullmatch(sys.executable or "") else PYTHON


def service_text(python: str) -> str:
    """daypass-expire.service (systemd.service(5))."""
    lines = [
        "[Unit]",
        "Description=Daypass: end access that is over",
        f"ConditionPathExists={PROGRAM_PATH}",
        "",
        "[Service]",
        "Type=oneshot",
        f"ExecStart={' '.join(command(python))}",
        f"TimeoutStartSec={SERVICE_SECONDS}",
        *PROPERTIES,
    ]
    return "\n".join(lines) + "\n"


def timer_text() -> str:
    """daypass-expire.timer: each minute, and at once after a boot (systemd.timer(5))."""
    return (
        "[Unit]\n"
        "Description=Daypass: look each minute for access that is over\n"
        "\n"
        "[Timer]\n"
        "OnBootSec=1s\n"
        "OnCalendar=minutely\n"
        "AccuracySec=1s\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )


def cron_text(python: str) -> str:
    """/etc/cron.d/daypass (crontab(5)); what the tick has to say goes to syslog, so no mail."""
    return (
        "# Daypass: end access that is over\n"
        'MAILTO=""\n'
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
        f"* * * * * root {' '.join(command(python))} >/dev/null 2>&1\n"
    )


def texts(kind: str | None, python: str) -> dict[str, str]:
    """Path -> content of what this kind of host needs."""
    if kind == SYSTEMD:
        paths = (f"{UNIT_FOLDER}/{SERVICE}", f"{UNIT_FOLDER}/{TIMER}")
        return dict(zip(paths, (service_text(python), timer_text())))
    return {CRON_PATH: cron_text(python)} if kind == CRON else {}


def install(system: System) -> bool:
    """Have the tick run each minute from now on and after each boot; False when it was so already.

    Raises:
        Refusal: `local_deadline_failed`.
    """
    try:
        return _install(system, scheduler(system))
    except (OSError, CommandFailed) as error:
        raise Refusal(
            "local_deadline_failed",
            f"what runs the tick can't be installed: {error}",
            "without it nothing on the host would end access in time",
        ) from None


def _install(system: System, kind: str | None) -> bool:
    changed = False
    for path, text in texts(kind, python_path()).items():
        if system.read(path) != text.encode("ascii"):
            system.write(path, text.encode("ascii"), 0o644)
            changed = True
    wanted_by = f"{UNIT_FOLDER}/timers.target.wants/{TIMER}"
    if kind == SYSTEMD and (changed or not system.exists(wanted_by)):
        system.change(["systemctl", "daemon-reload"])
        system.change(["systemctl", "enable", "--quiet", TIMER])
        system.change(["systemctl", "restart", TIMER])
        changed = True
    if kind == SYSTEMD and system.exists(CRON_PATH):
        system.remove(CRON_PATH)
        changed = True
    return changed


def uninstall(system: System) -> None:
    """Take out all of it; nothing there is fine."""
    unit_paths = [f"{UNIT_FOLDER}/{SERVICE}", f"{UNIT_FOLDER}/{TIMER}"]
    there = any(system.exists(path) for path in unit_paths)
    booted = os.path.isdir("/run/systemd/system")
    if there and booted:
        system.attempt(["systemctl", "disable", "--quiet", "--now", TIMER])
    for path in (*unit_paths, CRON_PATH, f"{UNIT_FOLDER}/timers.target.wants/{TIMER}"):
        if system.exists(path):
            system.remove(path)
    if there and booted:
        system.attempt(["systemctl", "daemon-reload"])
