"""Names of the other product -> names that our configuration takes; each once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from daypass.config.access_flows import FLOW_NAME
from daypass.config.fields import INTEGRATION_NAME
from daypass.domain.grants import DIRECT_FLOW
from daypass.errors import UsageError
from daypass.host_rules import check_login

LONGEST = 60  # leaves room for a number, in both kinds of names


class Names:
    """Gives names out, each once, case aside."""

    def __init__(self, fits: Callable[[str], bool], odd: str, fallback: str) -> None:
        self._fits = fits
        self._odd = re.compile(odd)
        self._fallback = fallback
        self._taken: set[str] = set()

    def give(self, wanted: str) -> str:
        """The name itself where it can be had, else the nearest one."""
        name = wanted if self._fits(wanted) else self._plain(wanted)
        number, tried = 1, name
        while tried.lower() in self._taken or not self._fits(tried):
            number += 1
            tried = f"{name}-{number}"
        self._taken.add(tried.lower())
        return tried

    def _plain(self, wanted: str) -> str:
        ascii_only = unicodedata.normalize("NFKD", wanted).encode("ascii", "ignore").decode("ascii")
        name = self._odd.sub("-", ascii_only)[:LONGEST].strip("-_.")
        return name if self._fits(name) else self._fallback


def integration_names() -> Names:
    return Names(lambda name: bool(INTEGRATION_NAME.fullmatch(name)), r"[^A-Za-z0-9]+", "integration")


def flow_names() -> Names:
    return Names(
        lambda name: bool(FLOW_NAME.fullmatch(name)) and name != DIRECT_FLOW, r"[^A-Za-z0-9_.]+", "flow"
    )


def login_names() -> Names:
    """Logins that hosts would take; they are proposals, which somebody has to confirm."""
    return Names(_is_login, r"[^a-z0-9]+", "person")


def _is_login(name: str) -> bool:
    try:
        check_login(name)
    except UsageError:
        return False
    return True
