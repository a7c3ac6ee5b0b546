"""Whether a server may have its name in the person's own ssh configuration.

Our entries come first there. Whoever writes the server list chooses names, and so might call a server
`github.com`: a push to the real one would then end on his machine, with his host key as the right one. A name
with a dot is somebody's place in the world's names, so it is ours only where the person says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from daypass.domain.open_access import OpenServer
from daypass.errors import UsageError

DOMAIN = re.compile(
    r"[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62})+"
)  # RFC 1123, 2.1; never a whole TLD


def check_domains(names: Iterable[str]) -> tuple[str, ...]:
    """Domains as they are compared.

    Raises:
        UsageError: One isn't a domain, or is one that everybody shares.
    """
    found = tuple(dict.fromkeys(name.strip().lower().strip(".") for name in names))
    for name in found:
        if not DOMAIN.fullmatch(name):
            raise UsageError(
                f"{name!r} isn't a domain of somebody's own", hint="such as example.com", code="domain_odd"
            )
    return found


def is_ours(server: OpenServer, domains: Collection[str]) -> bool:
    """Whether `ssh NAME` may mean this server.

    A name that is the server's own address leads where it leads without us, unless another host is on the
    way: that one would answer, and the list has its key.

    Args:
        domains: In lower case, below which names are the person's company's.
    """
    name = server.name.lower()
    if "." not in name or (name == server.host.lower() and server.jump is None):
        return True
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def why_not(name: str) -> str:
    """For the person, with what to type."""
    domain = name.lower().split(".", 1)[1]
    wanted = domain if DOMAIN.fullmatch(domain) else name.lower()
    return (
        f"the name may be another host's outside; if it is your company's: "
        f"daypass access ssh-config --domain {wanted}"
    )
