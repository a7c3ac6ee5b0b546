"""Everything that came over -> the texts of daypass.yaml, directory.yaml and the server lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daypass.domain.grants import DEFAULT_GROUP
from daypass.importing.findings import Finding, Kind
from daypass.importing.integrations import Integration
from daypass.importing.people import FILE as DIRECTORY
from daypass.importing.people import People
from daypass.importing.settings import Entry, Setting
from daypass.importing.writing import CONFIGURATION
from daypass.importing.yaml_output import render

HEAD = (
    "Daypass configuration, made by `daypass import apono`. Comments say what was otherwise there.",
    "Every setting: docs/configuration.md; what comes over and what doesn't: docs/from-apono.md.",
)
PEOPLE_HEAD = (
    "Everyone whom the imported definitions name.",
    "Logins are proposals: correct each, add public_keys, then set `active: true`. Till then nobody gets in.",
)
SINGLE = {"state_dir": ".daypass", "ca": {"key": {"file": ".daypass/user_ca"}}, "directory": DIRECTORY}
ORDER = "the first flow that fits decides here: put the narrow and easy before the wide and strict"
CONFIRM = "correct each login, add public_keys, then set `active: true`"


@dataclass(frozen=True)
class Composed:
    """Texts by file name, the values that the YAML among them must say, and what is left for people to do."""

    files: dict[str, str]
    meant: dict[str, object]
    findings: tuple[Finding, ...]


def compose(
    integrations: Sequence[Integration], bundles: Sequence[Entry], flows: Sequence[Entry], people: People
) -> Composed:
    """The files of a configuration with at least one integration."""
    files: dict[str, str] = {}
    for integration in integrations:
        name = "servers.json" if len(integrations) == 1 else f"servers-{integration.name}.json"
        files[name] = json.dumps(integration.servers, indent=1) + "\n"
    entries = [_entry(one, name, [*bundles, *flows]) for one, name in zip(integrations, files, strict=True)]
    lists = {"integrations": entries, "bundles": bundles, "access_flows": flows}
    written = {name: listed for name, listed in lists.items() if listed}
    single = [Setting(key, value) for key, value in SINGLE.items()]
    files[CONFIGURATION] = render(HEAD, [*single, *written.items()])
    _note(people, entries, flows)
    comments, findings = _about(people)
    files[DIRECTORY] = render((*PEOPLE_HEAD, *comments), people.entries().items())
    meant: dict[str, object] = {CONFIGURATION: {**SINGLE, **_values(written)}}
    meant[DIRECTORY] = _values(people.entries())
    if len(flows) > 1:
        found = f"{len(flows)} flows"
        findings.append(_to_do(CONFIGURATION, "access_flows", found, "the order of the source", ORDER))
    return Composed(files, meant, tuple(findings))


def _note(people: People, integrations: Iterable[Entry], flows: Iterable[Entry]) -> None:
    """Everyone whom the files name goes into the directory."""
    for integration in integrations:
        if (owner := integration.get("integration_owner")) is not None:
            people.note_names(owner["attribute"], owner["values"])
    for flow in flows:
        for key in ("requesters", "grantees", "approvers"):
            people.note(flow.get(key))


def _entry(integration: Integration, servers: str, users: Iterable[Entry]) -> Entry:
    """The integration with its servers and groups."""
    groups = integration.groups if integration.groups is not None else _used(integration.name, users)
    name, *rest = integration.entry.settings
    offered = Setting("user_groups", [DEFAULT_GROUP, *groups], integration.about_groups)
    return Entry([name, Setting("servers", servers), offered, *rest])


def _used(integration: str, entries: Iterable[Entry]) -> list[str]:
    """The groups that flows and bundles give on an integration that doesn't say which it offers."""
    groups: dict[str, None] = {}
    for entry in entries:
        for target in entry.get("targets"):
            if target.get("integration") == integration:
                groups.update(dict.fromkeys(target.get("user_groups", ())))
    return [group for group in groups if group != DEFAULT_GROUP]


def _about(people: People) -> tuple[list[str], list[Finding]]:
    """Comments for the directory's beginning, and what is left to do there."""
    findings = [_to_do(DIRECTORY, "people", "people by address", "proposed logins, `active: false`", CONFIRM)]
    comments = []
    if empty := people.empty_groups:
        found = f"groups without members: {_quoted(empty)}"[:400]
        do = "say who is in them; a name that is an id of that product names a group there"
        findings.append(_to_do(DIRECTORY, "groups", found, "empty groups", do))
    for what, names, do in (
        ("shifts", people.shifts, "add them, with their hours or a calendar"),
        ("users", people.unclear, "they aren't e-mail addresses: correct what names them"),
    ):
        if names:
            findings.append(_to_do(DIRECTORY, what, f"{what}: {_quoted(names)}"[:400], "", do))
            comments.append(f"{what} that the definitions name, and that aren't here: {_quoted(names)}")
    return comments, findings


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(ascii(name)[1:-1][:80] for name in names)


def _to_do(file: str, path: str, found: str, wrote: str, do: str) -> Finding:
    return Finding(Kind.FILL_IN, file, path, found, wrote, do)


def _values(lists: Mapping[str, Sequence[Entry]]) -> dict[str, object]:
    return {name: [entry.values for entry in entries] for name, entries in lists.items()}
