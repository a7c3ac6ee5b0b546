"""What all tests share: the fixtures of the lab, and Hypothesis without deadlines.

tests/unit, tests/golden and tests/contract use none of the lab: they need no root and no network.
"""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.lab_fixtures"]

# A deadline per example fails on a busy machine and says nothing about the code.
settings.register_profile("daypass", deadline=None, derandomize=True)
settings.load_profile("daypass")


def pytest_make_parametrize_id(config: object, val: object, argname: str) -> str | None:
    """Long texts, keys made at random among them, are numbered: test names are the same in every process."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None
