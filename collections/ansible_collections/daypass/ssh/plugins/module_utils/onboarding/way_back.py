# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way back: the host takes onboarding out again by itself unless somebody proves in time that logins
work.

Armed before anything is changed, so that a controller that dies at any moment leaves the host as it was.
The marker decides, not the timer: a timer whose marker is gone does nothing, so each step may be repeated.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

from ..contract.names import SSHD_DROPIN, STATE_FOLDER, Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects import children
from ..effects.system import CommandFailed
from ..program.packing import build, own_sources

if TYPE_CHECKING:
    from ..effects.system import System

FOLDER = STATE_FOLDER + "/way-back"
MARKER = FOLDER + "/armed.json"
PROGRAM = FOLDER + "/restore.pyz"
RESTORE = "onboarding.rolling_back"  # the module that it begins with
# Not the ledger's lock: a converge that takes long must not hold up the way back.
LOCK = STATE_FOLDER + "/way-back.lock"
LOCK_WAIT_SECONDS = 30


class WayBack(NamedTuple):
    """What stands in the marker.

    Attributes:
        run_id: 16 hex digits of the run that armed it; a timer of another run does nothing.
        dropin: Content of the drop-in before, None where there was none.
        groups: Groups that weren't there before.
        folders: Folders that weren't there before, inner ones last.
        fresh: There was no ledger before.
        canary: Login of the account that onboarding proves itself with; on a fresh host it goes too.
    """

    run_id: str
    dropin: bytes | None
    groups: tuple[str, ...]
    folders: tuple[str, ...]
    fresh: bool
    canary: str


def read_armed(system: System) -> WayBack | None:
    """The way back that is armed now, None when there is none.

    Raises:
        Refusal: `way_back_unreadable`.
    """
    content = system.read(MARKER)
    if content is None:
        return None
    try:
        fields = json.loads(content.decode("utf-8"))
        before = fields["dropin"]
        return WayBack(
            str(fields["run_id"]),
            None if before is None else base64.b64decode(before, validate=True),
            tuple(str(name) for name in fields["groups"]),
            tuple(str(path) for path in fields["folders"]),
            bool(fields["fresh"]),
            str(fields["canary"]),
        )
    except (ValueError, KeyError, TypeError):
        raise Refusal(
            "way_back_unreadable",
            f"{MARKER} can't be read",
            f"look at {SSHD_DROPIN} yourself, then remove that file",
        ) from None


def arm(system: System, way_back: WayBack, seconds: int) -> None:
    """Write program and marker, then start the timer; from now on the host restores itself.

    Raises:
        OSError: The files couldn't be written, or the process couldn't be started.
    """
    fields = way_back._asdict()
    fields["dropin"] = None if way_back.dropin is None else base64.b64encode(way_back.dropin).decode("ascii")
    system.make_folder(FOLDER, 0o700)
    system.write(PROGRAM, program_bytes(), 0o600)
    system.write(MARKER, json.dumps(fields, sort_keys=True).encode("ascii"), 0o600)
    start_timer(system, way_back.run_id, seconds)


def program_bytes() -> bytes:
    """One zip file that Python runs: this very code, with all that the way back imports."""
    return build(own_sources(RESTORE), RESTORE, "main")


def start_timer(system: System, run_id: str, seconds: int) -> None:
    """Have the program run in so many seconds: by systemd if it runs, else by a process that outlives us."""
    argv = [sys.executable or "/usr/bin/python3", "-I", PROGRAM, run_id]
    if os.path.isdir("/run/systemd/system"):  # sd_booted(3)
        timer = [f"--unit={unit_of(run_id)}", f"--on-active={seconds}s", "--timer-property=AccuracySec=100ms"]
        try:
            system.change(["systemd-run", "--quiet", "--collect", *timer, *argv, "0"])
            return
        except CommandFailed:
            pass  # a systemd that won't must not leave the host without a way back
    start_detached(system, [*argv, str(seconds)])


def unit_of(run_id: str) -> str:
    """Name of the transient unit; arming under a name in use would fail, so each run has its own."""
    return "daypass-way-back-" + run_id


def start_detached(system: System, argv: list[str]) -> None:
    """Start a process in a session of its own with nothing of ours open: it survives the connection."""
    system.before("start", " ".join(argv))
    nothing = subprocess.DEVNULL
    subprocess.Popen(
        argv,
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        start_new_session=True,
        cwd="/",
        env=children.ENVIRONMENT,
    )
    system.after("start", " ".join(argv))


def disarm(system: System, way_back: WayBack) -> None:
    """The marker goes, then the timer. The caller holds LOCK."""
    system.remove(MARKER)
    if os.path.isdir("/run/systemd/system"):
        system.query(["systemctl", "stop", unit_of(way_back.run_id) + ".timer"])
    system.remove(PROGRAM)
