"""Onboarding by playbook against lab hosts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab import api
from tests.integration.onboard.controller import Controller


@pytest.fixture(scope="session")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Callable[[api.Lab], Controller]:
    """Makes a controller for a lab."""
    return lambda lab: Controller(tmp_path_factory.mktemp("controller"), lab)
