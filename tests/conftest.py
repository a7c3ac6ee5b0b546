"""What all tests share: the fixtures of the lab, and Hypothesis without deadlines.

tests/unit, tests/golden and tests/contract use none of the lab: they need no root and no network.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.lab_fixtures"]

# A deadline per example fails on a busy machine and says nothing about the code.
settings.register_profile("daypass", deadline=None, derandomize=True)
settings.load_profile("daypass")

# Files against lab hosts that take a worker longest begin first: then all workers end together. The first
# two of all mostly wait, for cron and for deadlines, while the others compute.
LONG_FILES = (
    "integration/deadline/test_cron.py",
    "integration/deadline/test_systemd.py",
    "integration/joining/test_joining.py",
    "integration/onboard/test_onboard.py",
    "integration/faults/test_kills.py",
    "integration/faults/test_faults.py",
    "integration/host_kinds/test_main_life.py",
    "integration/host_kinds/test_sudo.py",
    "integration/accounts/test_order.py",
    "integration/gate/test_install.py",
    "integration/program/test_program.py",
    "integration/gate/test_closed.py",
    "integration/lab/test_lab.py",
    "integration/accounts/test_removal.py",
    "integration/execution/test_waves.py",
    "integration/accounts/test_refusals.py",
    "integration/accounts/test_life.py",
    "integration/onboard/test_refused.py",
    "integration/gate/test_from_a_laptop.py",
    "integration/offboard/test_leaving.py",
    "e2e/test_kills.py",
    "e2e/test_offboard.py",
    "e2e/test_duplicates.py",
    "e2e/test_grants.py",
    "e2e/test_report.py",
    "e2e/test_down.py",
    "e2e/test_order.py",
    "e2e/test_constraints.py",
    "e2e/test_changes.py",
    "e2e/test_commands.py",
    "e2e/test_refusals.py",
    "e2e/test_plain_ssh.py",
    "e2e/test_main_job.py",
    "e2e/test_automatic.py",
)
_TESTS = Path(__file__).parent
_PLACE = {_TESTS / name: place for place, name in enumerate(LONG_FILES)}
assert all(path.exists() for path in _PLACE), "a file that is named here has gone"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of files; within a file it stays."""
    items.sort(key=lambda item: _PLACE.get(item.path, len(_PLACE)))


def pytest_make_parametrize_id(config: object, val: object, argname: str) -> str | None:
    """Long texts, keys made at random among them, are numbered: test names are the same in every process."""
    return argname if isinstance(val, str | bytes) and len(val) > 40 else None
