"""The ssh command that a person types for one server."""

from __future__ import annotations

import re
import shlex

from daypass.domain.servers import DEFAULT_PORT, Server

PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./~_-]+")  # as shlex, and `~`, which the shell or ssh itself expands


def ssh_command(server: Server, login: str, private_key: str, certificate: str) -> str:
    """With the server's name for its host key, and nothing of other keys that the person has."""
    words = ["ssh", "-i", private_key, "-o", f"CertificateFile={certificate}", "-o", "IdentitiesOnly=yes"]
    words += ["-o", f"HostKeyAlias={server.name}"]
    words += ["-p", str(server.port)] if server.port != DEFAULT_PORT else []
    words += ["-J", server.proxy_jump] if server.proxy_jump else []
    words.append(f"{login}@{server.host}")
    return " ".join(word if PLAIN.fullmatch(word) else shlex.quote(word) for word in words)
