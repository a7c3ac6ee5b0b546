"""Settings to adapters to workflow: the only constructor of adapters, of the clock and of chance.

Each part is loaded when it is asked for: help and completion name commands without the database behind them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daypass.wiring.clock import now
    from daypass.wiring.examining import examine
    from daypass.wiring.first_start import initialise
    from daypass.wiring.known_access import other_access
    from daypass.wiring.opening import Daypass, open_daypass
    from daypass.wiring.people import People
    from daypass.wiring.policies import read_policy, read_rules

__all__ = [
    "Daypass",
    "People",
    "examine",
    "initialise",
    "now",
    "open_daypass",
    "other_access",
    "read_policy",
    "read_rules",
]

_HOMES = {
    "Daypass": "opening",
    "People": "people",
    "examine": "examining",
    "initialise": "first_start",
    "now": "clock",
    "open_daypass": "opening",
    "other_access": "known_access",
    "read_policy": "policies",
    "read_rules": "policies",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
