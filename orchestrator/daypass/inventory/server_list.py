"""The server list: JSON text or a parsed list -> servers, or every problem in it at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from daypass.domain.servers import DEFAULT_PORT, DEFAULT_USER, Server
from daypass.inventory.addresses import check_host, check_port, check_user
from daypass.inventory.host_key_text import check_host_key
from daypass.inventory.json_text import Repeated, TextRefused, read_json
from daypass.inventory.names import check_name, name_key
from daypass.inventory.problems import CheckResult, FieldRefused, Finding, Problem, plain_name, shown
from daypass.inventory.proxy_jump import check_jump
from daypass.inventory.tags import NO_TAGS, check_tags

MAX_SERVERS = 200_000  # twice the largest list that is measured (bench/)
MAX_PROBLEMS = 10_000  # beyond that the list isn't one; a report of it only fills memory

CHECKS: Mapping[str, Callable[[object], Any]] = {
    "name": check_name,
    "host": check_host,
    "user": check_user,
    "port": check_port,
    "tags": check_tags,
    "host_key": check_host_key,
    "proxy_jump": check_jump,
}
REQUIRED = ("name", "host")
# Words that people use for a field and that difflib wouldn't find.
OTHER_WORDS = {
    "hostname": "host",
    "ip": "host",
    "address": "host",
    "ansible_host": "host",
    "username": "user",
    "login": "user",
    "ansible_user": "user",
    "ansible_port": "port",
    "ssh_port": "port",
    "labels": "tags",
    "id": "name",
    "server": "name",
    "hostkey": "host_key",
    "jump_host": "proxy_jump",
    "bastion": "proxy_jump",
}


def check(text: str | bytes, source: str) -> CheckResult:
    """Check a server list given as JSON text.

    Args:
        text: A JSON list, minified or not, or a JSON string that holds one.
        source: Where it comes from, for messages.
    """
    try:
        value = read_json(text)
    except TextRefused as error:
        return _whole_refused(source, error.finding)
    return check_entries(value, source)


def check_entries(value: object, source: str) -> CheckResult:
    """Check a server list that is parsed already, from JSON or an inline list of the configuration."""
    if not isinstance(value, list):
        return _whole_refused(source, Finding(shown(value), "a list of servers"))
    if not value:
        return _whole_refused(source, Finding("an empty list", "at least one server"))
    if len(value) > MAX_SERVERS:
        return _whole_refused(source, Finding(f"{len(value)} entries", f"at most {MAX_SERVERS}"))
    servers: list[Server] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(value):
        fields, found = _check_entry(index, entry, seen)
        problems.extend(found)
        if not found:
            servers.append(_server(fields))
        if len(problems) >= MAX_PROBLEMS:
            problems.append(_too_many(index))
            break
    return CheckResult(source, tuple(servers), tuple(problems))


def _check_entry(index: int, entry: object, seen: dict[str, int]) -> tuple[dict[str, Any], Sequence[Problem]]:
    """The checked fields of one entry, and its problems; its name is noted in `seen`."""
    if not isinstance(entry, dict):
        return {}, [Problem(index, None, None, shown(entry), f"an object with {', '.join(CHECKS)}")]
    fields: dict[str, Any] = {}
    findings: list[tuple[str, Finding]] = []
    for key, value in entry.items():
        if key in CHECKS:
            try:
                fields[key] = CHECKS[key](value)
            except FieldRefused as error:
                findings.append((key, error.finding))
    if "name" in fields and (first := seen.setdefault(name_key(fields["name"]), index)) != index:
        findings.append(
            ("name", Finding(f"the name of entry [{first}] again", "a name of its own, case aside"))
        )
    findings.extend(_shape_findings(entry))
    name = plain_name(entry.get("name")) if findings else None
    return fields, [Problem(index, name, field, *finding) for field, finding in findings]


def _shape_findings(entry: Mapping[Any, object]) -> Iterator[tuple[str, Finding]]:
    """Fields that are missing, unknown or there more than once."""
    for field in REQUIRED:
        if field not in entry:
            yield field, Finding("nothing", f"the field {field}; it is required")
    for key in entry:
        if key not in CHECKS:
            yield plain_name(key) or shown(key), Finding("an unknown field", _likely(key))
    for key in entry.repeated if isinstance(entry, Repeated) else ():
        yield plain_name(key) or shown(key), Finding("the same key more than once", "each key once")


def _likely(key: object) -> str:
    """The fields that are allowed, the likely one first."""
    word = str(key).lower().replace("-", "_").strip()
    near = [OTHER_WORDS[word]] if word in OTHER_WORDS else difflib.get_close_matches(word, CHECKS, 1)
    every = ", ".join(CHECKS)
    return f"did you mean {near[0]}? Fields: {every}" if near else f"fields: {every}"


def _server(fields: Mapping[str, Any]) -> Server:
    return Server(
        name=fields["name"],
        host=fields["host"],
        user=fields.get("user", DEFAULT_USER),
        port=fields.get("port", DEFAULT_PORT),
        tags=fields.get("tags", NO_TAGS),
        host_key=fields.get("host_key"),
        proxy_jump=fields.get("proxy_jump"),
    )


def _whole_refused(source: str, finding: Finding) -> CheckResult:
    return CheckResult(source, (), (Problem(None, None, None, *finding),))


def _too_many(index: int) -> Problem:
    return Problem(None, None, None, f"{MAX_PROBLEMS} problems up to entry {index}", "a list with fewer")
