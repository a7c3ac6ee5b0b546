"""Fixtures for waves against light lab hosts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.execution.runner import RunnerExecutor
from lab import api
from tests.integration.execution.waves import make_executor


@pytest.fixture
def run_root() -> Iterator[Path]:
    """Where the wave's folders are made (a short path: sockets lie there); empty again after every test."""
    root = Path(tempfile.mkdtemp(prefix="daypass-"))
    yield root
    left = list(root.iterdir())
    shutil.rmtree(root)
    assert left == []


@pytest.fixture
def executor(light_lab: api.Lab, run_root: Path) -> RunnerExecutor:
    """An executor with the lab's connector key and the tests' playbooks."""
    return make_executor(light_lab, run_root)
