"""Find daypass.yaml, read it and everything that it names, and report every problem at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from daypass.config.flow_references import check_references
from daypass.config.model_problems import as_problems
from daypass.config.problems import SettingProblem, refused
from daypass.config.server_sources import is_path, read_bounded, read_servers
from daypass.config.settings import Settings
from daypass.config.yaml_text import MAX_BYTES, YamlRefused, read_yaml
from daypass.domain.servers import Server
from daypass.errors import ConfigurationError
from daypass.inventory.names import name_key
from daypass.inventory.problems import shown

VARIABLE = "DAYPASS_CONFIG"
FILE_NAME = "daypass.yaml"
SYSTEM_FILE = Path("/etc/daypass") / FILE_NAME
DEFAULTS = {"state_dir": "./.daypass"}


def find(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The configuration file: --config, $DAYPASS_CONFIG, ./daypass.yaml, /etc/daypass/daypass.yaml.

    One that is named but missing is an error, not a reason to look further.

    Raises:
        ConfigurationError: There is none.
    """
    named = path or (Path(environ[VARIABLE]) if environ.get(VARIABLE) else None)
    if named is not None:
        return cwd / named
    for candidate in (cwd / FILE_NAME, SYSTEM_FILE):
        if _is_there(candidate):
            return candidate
    raise ConfigurationError(
        f"There is no configuration: neither {cwd / FILE_NAME} nor {SYSTEM_FILE} exists.",
        hint=f"Run `daypass init` to make one here, or name it with --config or ${VARIABLE}.",
        code="configuration_missing",
    )


def _is_there(candidate: Path) -> bool:
    """A folder that may not be entered has none for us: `sudo -u daypass` is typed in root's own home."""
    try:
        return candidate.exists()
    except PermissionError:
        return candidate == SYSTEM_FILE  # reading it says what is wrong


def load(path: Path | None, environ: Mapping[str, str], cwd: Path) -> Settings:
    """The checked settings, with all servers.

    Args:
        path: What --config says.
        environ: Read for `DAYPASS_CONFIG` alone.
        cwd: Where the search for daypass.yaml begins.

    Raises:
        ConfigurationError: Missing, unreadable, or with problems; `problems` names each with file, path, what
            was found and what is allowed.
    """
    file = find(path, environ, cwd)
    value, problems = _read(file)
    if not isinstance(value, dict):
        problems.append(SettingProblem(str(file), "", shown(value), "settings with names"))
        raise refused("configuration", file, problems)
    ours = {"source": file, "server_lists": _server_lists(value, file.parent)}
    filled, found = _with_servers({**DEFAULTS, **value, **ours}, file)
    problems.extend(found)
    for name in ours.keys() & value.keys():
        problems.append(SettingProblem(str(file), name, "an unknown field", "no field of this name"))
    try:
        settings = Settings.model_validate(filled, context={"folder": file.parent})
    except ValidationError as error:
        raise refused("configuration", file, [*problems, *as_problems(error, str(file), Settings)]) from None
    problems.extend(check_references(settings))
    if problems:
        raise refused("configuration", file, problems)
    return settings


def _read(file: Path) -> tuple[object, list[SettingProblem]]:
    try:
        return read_yaml(read_bounded(file, MAX_BYTES), str(file))
    except OSError as error:
        raise ConfigurationError(
            f"The configuration {file} can't be read: {error.strerror or type(error).__name__}.",
            hint="Run `daypass init` to make one, or correct the path.",
            code="configuration_missing",
        ) from None
    except YamlRefused as error:
        problem = SettingProblem(str(file), "", str(error), "one YAML document with settings")
        raise refused("configuration", file, [problem]) from None


def _server_lists(value: dict[str, Any], folder: Path) -> tuple[Path, ...]:
    integrations = value.get("integrations")
    raw = (
        [one.get("servers") for one in integrations if isinstance(one, dict)]
        if isinstance(integrations, list)
        else []
    )
    return tuple(dict.fromkeys(folder / one for one in raw if is_path(one)))


def _with_servers(value: dict[str, Any], file: Path) -> tuple[dict[str, Any], list[SettingProblem]]:
    """The raw settings with each `servers` read, and what only shows when integrations are seen together."""
    integrations = value.get("integrations")
    if not isinstance(integrations, list):
        return value, []
    problems: list[SettingProblem] = []
    filled: list[object] = []
    for index, raw in enumerate(integrations):
        if not isinstance(raw, dict) or "servers" not in raw:
            filled.append(raw)
            continue
        servers, found = read_servers(
            raw["servers"],
            file=str(file),
            path=f"integrations[{index}].servers",
            folder=file.parent,
            integration=str(raw.get("name")),
        )
        problems.extend(found)
        filled.append({**raw, "servers": servers})
    problems.extend(_across(filled, str(file)))
    return {**value, "integrations": filled}, problems


def _across(integrations: list[Any], file: str) -> Iterator[SettingProblem]:
    """Names used twice, and a resource owner that nobody stands in for."""
    names: dict[str, int] = {}
    servers: dict[str, int] = {}
    for index, raw in enumerate(integrations):
        if not isinstance(raw, dict):
            continue
        place = f"integrations[{index}]"
        if isinstance(name := raw.get("name"), str) and names.setdefault(name.lower(), index) != index:
            yield SettingProblem(
                file, f"{place}.name", f"{shown(name)} again", "a name of its own, case aside"
            )
        for server in _servers(raw):
            if (first := servers.setdefault(name_key(server.name), index)) != index:
                found = f"a server {server.name}, which integrations[{first}] has too"
                yield SettingProblem(file, f"{place}.servers", found, "each server name in one integration")
        if raw.get("resource_owner") is not None and raw.get("integration_owner") is None:
            allowed = "integration_owner beside it, who answers where no tag names an owner"
            yield SettingProblem(file, f"{place}.resource_owner", "no integration_owner", allowed)


def _servers(raw: dict[str, Any]) -> tuple[Server, ...]:
    servers = raw.get("servers", ())
    return servers if isinstance(servers, tuple) else ()
