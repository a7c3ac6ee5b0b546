"""The way back of an installation: systemd puts the old drop-in back unless sshd answers in time.

Armed before anything is changed, so that a process that dies at any moment leaves the broker as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daypass.gate.machine import ask, do, read, write
from daypass.gate.sshd_block import DROP_IN

NAME = "daypass-gate-way-back"
FOLDER = "/run/systemd/system"  # gone after a boot, as is everything that isn't proven by then
BACKUP = f"/run/{NAME}.conf"
SECONDS = 60


@contextmanager
def armed(sshd_unit: str) -> Iterator[None]:
    """Within it the drop-in may be replaced; an error puts the old one back at once."""
    before = read(DROP_IN)
    _arm(sshd_unit, before)
    try:
        yield
    except BaseException:
        do("systemctl", "start", f"{NAME}.service")
        raise
    finally:
        _disarm()


def _arm(sshd_unit: str, before: str | None) -> None:
    if before is not None:
        write(BACKUP, before)
    restore = f"/usr/bin/cp {BACKUP} {DROP_IN}" if before is not None else f"/usr/bin/rm -f {DROP_IN}"
    service = ["[Service]", "Type=oneshot", f"ExecStart={restore}"]
    service += [f"ExecStart=/usr/bin/systemctl try-reload-or-restart {sshd_unit}", ""]
    write(f"{FOLDER}/{NAME}.service", "\n".join(service))
    timer = ["[Timer]", f"OnActiveSec={SECONDS}s", "AccuracySec=100ms", ""]
    write(f"{FOLDER}/{NAME}.timer", "\n".join(timer))
    do("systemctl", "daemon-reload")
    do("systemctl", "start", f"{NAME}.timer")


def _disarm() -> None:
    ask("systemctl", "stop", f"{NAME}.timer")
    for path in (f"{FOLDER}/{NAME}.timer", f"{FOLDER}/{NAME}.service", BACKUP):
        Path(path).unlink(missing_ok=True)
    ask("systemctl", "daemon-reload")
