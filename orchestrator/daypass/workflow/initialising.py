"""The first configuration, the state folder and the CA key; nothing that exists is ever overwritten."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from daypass.domain.secrets import Secret
from daypass.errors import UsageError

ENVIRONMENT_MARK = "env:"


@dataclass(frozen=True)
class Made:
    """What `daypass init` found and made."""

    config: Path
    state_dir: Path
    made: tuple[str, ...]
    ca_public_key: str


def first_configuration(
    servers: str, integration: str, groups: Sequence[str], connector_key: str | None
) -> str:
    """The text of a small daypass.yaml; paths are relative to its own folder."""
    settings = {
        "state_dir": ".daypass",
        "ca": {"key": {"file": ".daypass/user_ca"}},
        "integrations": [
            {
                "name": integration,
                "servers": servers,
                "user_groups": ["Default", *groups],
                "login_shell": "/bin/bash",
                "secret": _reference(connector_key),
                "user_cleanup_days": 90,
            }
        ],
    }
    head = "# Daypass configuration; every setting: docs/configuration.md\n"
    return head + yaml.safe_dump(settings, sort_keys=False)


def _reference(connector_key: str | None) -> dict[str, str]:
    if connector_key is None:
        return {"env": "DAYPASS_CONNECTOR_KEY"}
    if connector_key.startswith(ENVIRONMENT_MARK):
        return {"env": connector_key.removeprefix(ENVIRONMENT_MARK)}
    return {"file": connector_key}


def make_file(path: Path, content: bytes, mode: int) -> bool:
    """Make a file that isn't there; False when it is. Complete and on disk before it has its name.

    Raises:
        UsageError: The folder can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename, this never replaces what somebody else made meanwhile
    except FileExistsError:
        return False
    except OSError as error:
        raise UsageError(f"can't make {path}: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return True


def make_state_folder(path: Path) -> bool:
    """Make the state folder, 0700; one that others can enter is refused.

    Raises:
        UsageError: It can't be made, or it is open to others.
    """
    try:
        path.mkdir(mode=0o700, parents=True)
        return True
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise UsageError(f"{path} is open to others", hint=f"chmod 700 {path}") from None
        return False
    except OSError as error:
        raise UsageError(f"can't make {path}: {error.strerror}") from None


def make_ca_key(path: Path, generate: Callable[[], Secret]) -> bool:
    """Make the CA key, 0600, unless it is there."""
    if path.exists():
        return False
    return make_file(path, generate().reveal(), 0o600)
