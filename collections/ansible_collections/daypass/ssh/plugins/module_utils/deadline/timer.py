# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The precise half of the local deadline: one transient timer for the next moment at which anything is due.

It is gone after a reboot, like all of /run; the static tick arms it again. Three traps of systemd-run(1) are
avoided: a moment in the past never fires (so the clock is compared again after arming), a name in use fails
(so each has its own), and a timer that is replaced must not leave a gap (so the old one is stopped last).
"""

from __future__ import annotations

import os
import time

from ..contract.names import RUN_FOLDER
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..effects.system import CommandFailed
from . import units, warning

if TYPE_CHECKING:
    from ..effects.system import System
    from ..record.ledger import Ledger

ARMED_PATH = RUN_FOLDER + "/armed"
TRANSIENT = "/run/systemd/transient"
EARLY_SECONDS = 1  # the tick is up and waits when the moment comes
PATIENCE = {units.SYSTEMD: 5, units.CRON: 60}  # how far ahead a tick waits for a moment itself
NONE_THERE = "nothing on this host can end access at its time: neither systemd nor a running cron"


class Armed(NamedTuple):
    """The timer that is set."""

    moment: int
    unit: str


def next_moment(ledger: Ledger, now: int) -> int | None:
    """When something is due next, seconds since 1970: an end, or a warning ahead of it; None for never."""
    moments = []
    for account in ledger.accounts.values():
        for grant in account.grants.values():
            moments += [grant.not_after, *(grant.not_after - lead for lead in warning.leads(grant))]
    return min((moment for moment in moments if moment > now), default=None)


def arm(system: System, ledger: Ledger, now: int) -> str | None:
    """Have the tick run at the next moment. The caller holds the lock.

    Returns:
        What is to be said about it: nothing keeps the deadline here, or only the tick of each minute does.
    """
    kind = units.scheduler(system)
    if kind is None:
        return NONE_THERE
    if kind == units.CRON:
        return None
    try:
        _arm(system, next_moment(ledger, now))
    except (CommandFailed, OSError) as error:
        return f"access ends up to a minute late here: the precise timer can't be set ({error})"
    return None


def _arm(system: System, moment: int | None) -> None:
    armed = read_armed(system)
    if armed is not None and armed.moment == moment and _is_known(system, armed.unit):
        return
    if moment is not None:
        unit = _start(system, moment)
        system.make_folder(RUN_FOLDER, 0o700)
        system.write(ARMED_PATH, f"{moment} {unit}\n".encode("ascii"), 0o600)
    elif armed is not None:
        system.remove(ARMED_PATH)
    if armed is not None and system.exists(f"{TRANSIENT}/{armed.unit}.timer"):
        system.attempt(["systemctl", "stop", f"{armed.unit}.timer"])


def disarm(system: System) -> None:
    """Stop the timer, for a host that is off-boarded."""
    _arm(system, None)


def read_armed(system: System) -> Armed | None:
    """The timer that was set last since the host came up."""
    try:
        words = (system.read(ARMED_PATH) or b"").decode("ascii").split()
        return Armed(int(words[0]), words[1])
    except (OSError, ValueError, IndexError):
        return None


def _is_known(system: System, unit: str) -> bool:
    """Whether its timer is set, or has fired and its service waits for the moment."""
    return any(system.exists(f"{TRANSIENT}/{unit}.{kind}") for kind in ("timer", "service"))


def _start(system: System, moment: int) -> str:
    """Set the timer; where the moment is too near for one, or has come meanwhile, start the tick itself."""
    unit = f"daypass-deadline-{moment}-{os.getpid()}-{int(system.monotonic() * 1000)}"
    early = moment - EARLY_SECONDS
    if system.clock() + 1 < early:
        calendar = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(early))
        _run(system, unit, [f"--on-calendar={calendar}", "--timer-property=AccuracySec=100ms"])
        if system.clock() < early:
            return unit
    unit += "-now"
    _run(system, unit, ["--no-block"])
    return unit


def _run(system: System, unit: str, options: list[str]) -> None:
    properties = [
        f"--property={one}" for one in (*units.PROPERTIES, f"RuntimeMaxSec={units.SERVICE_SECONDS}")
    ]
    words = ["systemd-run", "--quiet", "--collect", f"--unit={unit}", *options, *properties]
    system.change([*words, *units.command(units.python_path())])
