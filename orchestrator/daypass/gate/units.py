"""systemd's part of the broker: `daypass reconcile` each minute, and the resident, as the gate's account."""

from __future__ import annotations

from collections.abc import Sequence

SERVICE = "/etc/systemd/system/daypass-reconcile.service"
TIMER = "/etc/systemd/system/daypass-reconcile.timer"
RESIDENT = "/etc/systemd/system/daypass-gate.service"
# A pass over a fleet that is down takes minutes; one that hangs must not hold up the next for ever.
MOST_SECONDS = 3600
WATCHDOG_SECONDS = 60  # a resident that doesn't come round so long is ended, and begun anew
# What either of them can't do (systemd.exec(5)); it writes to the state folder and the tmpfs of waves alone.
SANDBOX = """\
UMask=0077
LimitCORE=0
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


def service(user: str, group: str, command: Sequence[str], state_dir: str) -> str:
    """The unit of one pass."""
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
RuntimeDirectory=daypass-reconcile
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=/run/daypass-reconcile
ReadWritePaths={state_dir}
{SANDBOX}"""


def resident(user: str, group: str, command: Sequence[str], state_dir: str) -> str:
    """The unit of the resident: started again whenever it ends; commands that run are left alone by that."""
    return f"""# Written by `daypass gate install`.
[Unit]
Description=Daypass: people who come in over SSH
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
WatchdogSec={WATCHDOG_SECONDS}
User={user}
Group={group}
ExecStart={" ".join(command)}
Restart=always
RestartSec=3
KillMode=process
SendSIGKILL=no
TasksMax=2048
LimitNOFILE=8192
Environment=LC_ALL=C.UTF-8
ReadWritePaths={state_dir}
{SANDBOX}
[Install]
WantedBy=multi-user.target
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
