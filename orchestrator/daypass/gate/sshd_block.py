"""sshd's part of the gate: the drop-in, and what must hold for the gate's account once it is there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

DROP_IN = "/etc/ssh/sshd_config.d/00-daypass-gate.conf"
MOST_SESSIONS = 4  # over one connection: a laptop that shares one for several commands
ALIVE_SECONDS, ALIVE_COUNT = 30, 4  # a client that is gone is noticed within two minutes
# Connections that haven't logged in yet; sshd's own value begins to drop them by chance at ten, and fifty
# people may come at once. Each takes two processes of a few megabytes. It can't be set for one account.
STARTUPS = "64:30:128"
SSHDS_STARTUPS = "10:30:100"  # sshd_config(5), MaxStartups
# All ways in but the command for keys, and all that a session could be besides the forced command.
# AuthorizedKeysCommand comes behind these: sshd up to 9.3 reads no AuthorizedPrincipalsCommand after it.
SETTINGS: Mapping[str, str] = {
    "AuthenticationMethods": "publickey",
    "PubkeyAuthentication": "yes",
    "AuthorizedKeysFile": "none",
    "AuthorizedPrincipalsCommand": "none",
    "AuthorizedPrincipalsFile": "none",
    "TrustedUserCAKeys": "none",
    "PasswordAuthentication": "no",
    "KbdInteractiveAuthentication": "no",
    "GSSAPIAuthentication": "no",
    "HostbasedAuthentication": "no",
    "PermitEmptyPasswords": "no",
    "DisableForwarding": "yes",
    "AllowTcpForwarding": "no",
    "AllowStreamLocalForwarding": "no",
    "AllowAgentForwarding": "no",
    "X11Forwarding": "no",
    "PermitTunnel": "no",
    "GatewayPorts": "no",
    "PermitUserRC": "no",
    "PermitTTY": "yes",
    "ExposeAuthInfo": "no",
    "ForceCommand": "none",
    "ChrootDirectory": "none",
    "MaxSessions": str(MOST_SESSIONS),
    "ClientAliveInterval": str(ALIVE_SECONDS),
    "ClientAliveCountMax": str(ALIVE_COUNT),
}
# Directives of which each line adds a value (sshd_config(5)): others may have added some before.
ADDING = ("AcceptEnv", "SetEnv")
HARMLESS_VARIABLES = re.compile(r"(LANG|LANGUAGE|LC_[A-Z*]+|TERM|COLORTERM|NO_COLOR)")


def drop_in(user: str, group: str, command: Sequence[str], *, startups: bool) -> str:
    """The text of the drop-in.

    Args:
        startups: Whether nobody else has set MaxStartups.
        command: `daypass gate keys …`, without what sshd puts in; its words hold nothing that needs quotes.
    """
    lines = [
        "# Written by `daypass gate install`. People come in as this account, by the keys of the directory,",
        "# and each key has one command (docs/gate.md).",
        *([f"MaxStartups {STARTUPS}"] if startups else []),
        f"Match User {user}",
        *(f"    {name} {value}" for name, value in SETTINGS.items()),
        f"    AuthorizedKeysCommand {' '.join(command)} -- %u %t %k",
        f"    AuthorizedKeysCommandUser {user}",
        f"    AllowUsers {user}",
        f"    AllowGroups {group}",
        "Match all",
        "",
    ]
    return "\n".join(lines)


def startups_are_free(found: Mapping[str, Sequence[str]]) -> bool:
    """Whether MaxStartups is sshd's own or ours: what an administrator chose stays.

    Args:
        found: As `effective`, for anybody.
    """
    return list(found.get("maxstartups", ())) in ([SSHDS_STARTUPS], [STARTUPS])


def effective(text: str) -> dict[str, list[str]]:
    """What `sshd -T` printed: directive in lower case to its values."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name.lower(), []).append(value)
    return found


def violations(found: Mapping[str, Sequence[str]], user: str, command: Sequence[str]) -> list[str]:
    """Each setting that isn't what the drop-in says; directives that this sshd doesn't have don't count."""
    wanted = {name.lower(): value for name, value in SETTINGS.items()}
    wanted["authorizedkeyscommand"] = f"{' '.join(command)} -- %u %t %k"
    wanted["authorizedkeyscommanduser"] = user
    odd = [
        f"{name} is {', '.join(found[name])}, not {value}"
        for name, value in wanted.items()
        if name in found and list(found[name]) != [value]
    ]
    odd += [f"DenyUsers {value} is set" for value in found.get("denyusers", ())]
    odd += [f"DenyGroups {value} is set" for value in found.get("denygroups", ())]
    variables = [word for value in found.get("acceptenv", ()) for word in value.split()]
    odd += [f"AcceptEnv {word} is set" for word in variables if not HARMLESS_VARIABLES.fullmatch(word)]
    odd += [f"SetEnv {value} is set" for value in found.get("setenv", ())]
    return odd
