from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from daypass.config import Settings, load
from daypass.errors import ConfigurationError

INTEGRATION: dict[str, Any] = {
    "name": "prod",
    "servers": [{"name": "web-1", "host": "10.0.0.1"}],
    "secret": {"env": "DAYPASS_CONNECTOR_KEY"},
}


@pytest.fixture
def settings_of(tmp_path) -> Callable[..., Settings]:
    """Load a configuration that has these settings besides the few that must be there."""

    def load_with(
        text: str | None = None, integration: dict[str, Any] | None = None, **settings: Any
    ) -> Settings:
        file = tmp_path / "daypass.yaml"
        complete = {"integrations": [{**INTEGRATION, **(integration or {})}], **settings}
        file.write_text(text if text is not None else yaml.safe_dump(complete))
        return load(file, {}, tmp_path)

    return load_with


@pytest.fixture
def problems_of(settings_of) -> Callable[..., list[str]]:
    """The problems of such a configuration, without the file's name; none when it is fine."""

    def problems(*args: Any, **settings: Any) -> list[str]:
        try:
            settings_of(*args, **settings)
        except ConfigurationError as error:
            return [problem.split("daypass.yaml: ", 1)[-1] for problem in error.problems]
        return []

    return problems
