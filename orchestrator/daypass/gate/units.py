"""systemd's part of the broker: `daypass reconcile` each minute, as the gate's account."""

from __future__ import annotations

from collections.abc import Sequence

SERVICE = "/etc/systemd/system/daypass-reconcile.service"
TIMER = "/etc/systemd/system/daypass-reconcile.timer"
# A pass over a fleet that is down takes minutes; one that hangs must not hold up the next for ever.
MOST_SECONDS = 3600


def service(user: str, group: str, command: Sequence[str], state_dir: str) -> str:
    """The unit of one pass (systemd.exec(5)); it writes to the state folder and its run folder alone."""
    return f"""# Written by `daypass gate install`.
[Unit]
Description=Daypass: end what is due, try again, clean up
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
User={user}
Group={group}
ExecStart={" ".join(command)}
SuccessExitStatus=3
TimeoutStartSec={MOST_SECONDS}
UMask=0077
RuntimeDirectory=daypass-reconcile
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=/run/daypass-reconcile
ReadWritePaths={state_dir}
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
"""


def timer() -> str:
    """Each minute, and soon after a boot; never two passes at once (systemd.timer(5))."""
    return """# Written by `daypass gate install`.
[Unit]
Description=Daypass: each minute

[Timer]
OnBootSec=30s
OnUnitInactiveSec=60s
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
