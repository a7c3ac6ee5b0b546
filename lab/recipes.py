"""The kinds of hosts that a lab can have: what their images are made of. Values only, no effects."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import LabError

DEFAULT = "debian12"

EVERYWHERE = (
    "iproute2",
    "openssh-client",
    "openssh-server",
    "passwd",
    "procps",
    "python3",
    "sudo",
    "util-linux",
)
WITH_SYSTEMD = (*EVERYWHERE, "acl", "at", "cron", "dbus", "libpam-systemd", "systemd", "systemd-sysv")

LOGINS_AT_ONCE = "MaxStartups=100:30:200"
# OpenSSH 9.8 and later block an address after refused logins; here all clients share few.
SHARED_ADDRESSES = "PerSourcePenaltyExemptList=127.0.0.0/8"
# Of the 0.26 s of CPU that a login costs both sides with OpenSSH 9.2, 0.11 s are its post-quantum key
# exchange (measured); tests log in thousands of times, and no rule of theirs hangs on it.
QUICK_KEX = "KexAlgorithms=curve25519-sha256"


@dataclass(frozen=True)
class Recipe:
    """How to make one image.

    Attributes:
        release: Debian's code name.
        packages: All packages beyond Debian's essential ones.
        hooks: Scripts of `image/hooks/` that run last, with the root file system's folder as their argument.
        systemd: False where the host starts what `lab-services` starts, and sshd; it is always light then.
        sshd_options: What sshd is told on its command line; its files stay as Debian ships them.
    """

    name: str
    release: str
    packages: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    systemd: bool = True
    sshd_options: tuple[str, ...] = (LOGINS_AT_ONCE, SHARED_ADDRESSES)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("debian12", "bookworm", WITH_SYSTEMD, sshd_options=(LOGINS_AT_ONCE,)),
        # A second Python for the suite with the newest Ansible.
        Recipe("debian13", "trixie", (*WITH_SYSTEMD, "python3-venv")),
        Recipe("debian13-sudo-rs", "trixie", (*WITH_SYSTEMD, "sudo-rs"), hooks=("sudo-rs",)),
        Recipe(
            "debian12-cron",
            "bookworm",
            (*EVERYWHERE, "at", "cron", "rsyslog"),
            hooks=("cron",),
            systemd=False,
            sshd_options=(LOGINS_AT_ONCE,),
        ),
        Recipe(
            "busybox",
            "trixie",
            (*EVERYWHERE, "busybox", "cron", "systemd-standalone-sysusers"),
            hooks=("busybox",),
            systemd=False,
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of this name.

    Raises:
        LabError: `unknown_image`.
    """
    if name not in RECIPES:
        raise LabError("unknown_image", f"there is no image {name!r}", f"one of {', '.join(sorted(RECIPES))}")
    return RECIPES[name]
