"""Definitions of another product for tests, and what becomes of them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from daypass.importing.apono import Translation, translate
from daypass.importing.settings import Wishes

CASES = sorted(path for path in (Path(__file__).parent / "golden/importing/cases").iterdir() if path.is_dir())


def wishes_of(case: Path) -> Wishes:
    """What `options.json` says."""
    options = json.loads((case / "options.json").read_text(encoding="utf-8"))
    return Wishes(
        max_duration=timedelta(minutes=options.get("max_duration_minutes", 480)),
        allow_unapproved=options.get("allow_unapproved", False),
        ignored=frozenset(options.get("ignored", ())),
        mapped=options.get("mapped", {}),
    )


def sources_of(case: Path) -> list[Path]:
    return sorted((case / "sources").iterdir())


def translated(case: Path) -> Translation:
    """A case, with its file names and no folders before them."""
    found = translate(sources_of(case), wishes_of(case))
    assert found.files, "nothing came over"
    return found


def findings_of(found: Translation) -> list[dict[str, Any]]:
    """As they can be compared."""
    return [
        {
            "kind": one.kind.value,
            "where": f"{Path(one.file).name}: {one.path}",
            "found": one.found,
            "wrote": one.wrote,
            "do": one.do,
        }
        for one in found.findings
    ]


def ssh_integration(**changes: Any) -> dict[str, Any]:
    """A small one, as the API prints it."""
    return {
        "id": "int-1",
        "name": "linux",
        "type": "ssh",
        "integration_config": {"servers": '[{"name": "web-1", "host": "192.0.2.1"}]', "groups": "ops"},
        "secret_store_config": {"kubernetes": {"namespace": "access", "name": "key"}},
        **changes,
    }


def flow(**changes: Any) -> dict[str, Any]:
    """A small one with an approver and an end, as the API prints it."""
    return {
        "name": "ops",
        "active": True,
        "trigger": "SELF_SERVE",
        "requestors": {"logical_operator": "OR", "conditions": [condition("group", "ops")]},
        "access_targets": [target()],
        "approver_policy": policy("ANY_OF", ("OR", [condition("manager")])),
        "grant_duration_in_min": 60,
        "settings": {"requestor_cannot_approve_himself": True},
        **changes,
    }


def condition(kind: str, *values: str, operator: str = "is") -> dict[str, Any]:
    return {"type": kind, "match_operator": operator, "values": list(values) or None}


def policy(mode: str, *groups: tuple[str, list[dict[str, Any]]]) -> dict[str, Any]:
    listed = [{"logical_operator": operator, "approvers": approvers} for operator, approvers in groups]
    return {"approval_mode": mode, "approver_groups": listed}


def target(*scopes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    integration = {"integration_name": "linux", "resource_type": "ssh-server", "permissions": ["ops"]}
    return {"integration": {**integration, "resources_scopes": list(scopes) or None, **changes}}


def scope(mode: str, kind: str, *values: str, key: str | None = None) -> dict[str, Any]:
    return {"scope_mode": f"{mode}_resources", "type": kind, "key": key, "values": list(values)}
