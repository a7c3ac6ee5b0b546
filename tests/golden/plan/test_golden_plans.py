"""Facts in, changes out: one JSON file a case in `cases/`, all through this driver.

A case holds `rule` (why), `ledger` and `document` (as in their formats; what is left out has plain values),
`facts` (see `facts_from`), optionally `now` and `may_open`, and `plan`: what must come out.
`DAYPASS_GOLDEN_UPDATE=1` writes what came out into the files, for a person to read before it is committed.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, names
from ansible_collections.daypass.ssh.plugins.module_utils.facts import nss
from ansible_collections.daypass.ssh.plugins.module_utils.facts.account_files import Group, Passwd, Shadow
from ansible_collections.daypass.ssh.plugins.module_utils.facts.host import AccountFacts, Facts
from ansible_collections.daypass.ssh.plugins.module_utils.facts.joined import JoiningFacts
from ansible_collections.daypass.ssh.plugins.module_utils.plan import planning
from ansible_collections.daypass.ssh.plugins.module_utils.plan.key_lines import render_key_file
from ansible_collections.daypass.ssh.plugins.module_utils.plan.values import AccountPlan, Plan
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file, merge

NOW = 1_795_000_000  # 2026-11-18T11:06:40Z
HOST_ID, ORCHESTRATOR_ID = "a" * 32, "b" * 32
CA_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG8ZAWXe3tLOsQWrKOTZDZI+uqWpvxIftqiqO+b2qFC"
CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
UPDATE = os.environ.get("DAYPASS_GOLDEN_UPDATE") == "1"


def ledger_from(text: dict[str, Any]) -> ledger.Ledger:
    """A ledger; accounts need only say what matters to the case."""
    accounts = {}
    for login, given in text.get("accounts", {}).items():
        grants = {
            key: {**plain_grant(key), "live": True, **grant} for key, grant in given.get("grants", {}).items()
        }
        for grant in grants.values():
            grant.pop("id", None)
            grant.pop("state", None)
            grant["sudo"] = [[rule["run_as"], rule["commands"]] for rule in grant["sudo"]]
            grant["not_after"] = NOW + 3600 if isinstance(grant["not_after"], str) else grant["not_after"]
        accounts[login] = {
            "uid": 70007,
            "comment": f"{login}@example.com",
            "shell": "/bin/bash",
            "home": f"/home/{login}",
            "home_on_removal": "archive",
            "user_cleanup_days": None,
            "pending": "",
            "groups": [],
            "closed_at": None,
            **given,
            "grants": grants,
        }
    whole = {
        "version": 1,
        "host_id": HOST_ID,
        "machine_id": None,
        "orchestrator_id": ORCHESTRATOR_ID,
        "sequence": 5,
        "digest": "0" * 64,
        "last_seen": NOW - 60,
        "sshd_version": [9, 2],
        "connector": "apono",
        "ca_keys": [CA_KEY],
        "tombstones": {},
        "retired": [],
        **text,
        "accounts": accounts,
    }
    return ledger_file.parse(json.dumps(whole).encode())


def plain_grant(grant_id: str) -> dict[str, Any]:
    """A grant for an hour that gives no more than a login."""
    return {
        "id": grant_id,
        "state": "present",
        "principals": [f"daypass-{grant_id}-1"],
        "groups": [],
        "warn_before": 0,
        "sudo": [],
        "not_after": "2026-11-18T12:06:40Z",
    }


def document_from(text: dict[str, Any]) -> document.Document:
    """A document; accounts and grants need only say what matters to the case."""
    accounts = []
    for given in text.get("accounts", []):
        grants = [
            grant if grant.get("state") == "absent" else {**plain_grant(grant["id"]), **grant}
            for grant in given.get("grants", [])
        ]
        plain = {"uid": 70007, "comment": f"{given['name']}@example.com", "shell": "/bin/bash"}
        accounts.append({**plain, **given, "grants": grants})
    whole = {
        "version": 1,
        "host_id": HOST_ID,
        "orchestrator_id": ORCHESTRATOR_ID,
        "sequence": 6,
        "exclusive": True,
        "ca_keys": [CA_KEY],
        **text,
        "accounts": accounts,
    }
    return document.parse(document.build(whole)[0])


def facts_from(text: dict[str, Any], kept: ledger.Ledger, wanted: merge.Wanted) -> Facts:
    """Facts from `users` (login: uid, comment, gid, shell, groups, open, expire, password, keys, home, jobs,
    mail, subordinate, exists, joining), `groups` (name: gid), `mentioned`, `root_groups`, `sudo`,
    `sudoers_included`, `shells`, `known_users`, `known_groups`, `subordinate` (owner, first, last),
    `problem` (code), `members` (group: logins), `primary_gids`, `free_gids`."""
    groups = {"daypass": Group("daypass", 990, ())}
    groups.update({name: Group(name, gid, ()) for name, gid in text.get("groups", {}).items()})
    for name, members in text.get("members", {}).items():
        groups[name] = groups[name]._replace(members=tuple(members))
    accounts, numbers = {}, {}
    for login in {*wanted.accounts, *text.get("users", {})}:
        given = text.get("users", {}).get(login, {"exists": False})
        accounts[login] = account_facts(login, given, kept)
        if accounts[login].passwd is not None:
            numbers.setdefault(accounts[login].passwd.uid, []).append(login)
        if accounts[login].private is not None:
            groups[login] = accounts[login].private
    by_gid: dict[int, tuple[str, ...]] = {}
    for group in groups.values():
        by_gid[group.gid] = (*by_gid.get(group.gid, ()), group.name)
    problem = text.get("problem")
    return Facts(
        accounts=accounts,
        groups=groups,
        uid_names={uid: tuple(logins) for uid, logins in numbers.items()},
        gid_names=by_gid,
        subordinate=tuple(tuple(one) for one in text.get("subordinate", [])),
        known=nss.Known(text.get("known_users", {}), {}, text.get("known_groups", {}), {}),
        problem=names.Refusal(problem, "the source doesn't answer") if problem else None,
        shells=frozenset(text.get("shells", ["/bin/bash", "/bin/sh"])),
        sudoers=None,
        sudo=text.get("sudo", True),
        mentioned=frozenset(text.get("mentioned", [])),
        root_groups=names.ROOT_EQUIVALENT_GROUPS | set(text.get("root_groups", [])),
        sudoers_included=text.get("sudoers_included", True),
        primary_gids=frozenset(text.get("primary_gids", [])),
        free_gids=tuple(text.get("free_gids", [99999, 99998])),
    )


def account_facts(login: str, given: dict[str, Any], kept: ledger.Ledger) -> AccountFacts:
    """One login; `keys: "ledger"` stands for the file with the ledger's live grants."""
    exists, is_open = given.get("exists", True), given.get("open", False)
    uid = given.get("uid", 70007)
    entry = kept.accounts.get(login)
    live = {key: grant for key, grant in entry.grants.items() if grant.live} if entry else {}
    keys = given.get("keys")
    day = (NOW + 3600) // 86400 + 1
    passwd = Passwd(
        login,
        uid,
        given.get("gid", uid),
        given.get("comment", f"{login}@example.com"),
        f"/home/{login}",
        given.get("shell", "/bin/bash"),
    )
    password = given.get("password", "*" if is_open else "!*")
    shadow = Shadow(password, 20000, 0, -1, 7, -1, given.get("expire", day if is_open else 1))
    return AccountFacts(
        passwd=passwd if exists else None,
        shadow=shadow if given.get("shadow", exists) else None,
        groups=tuple(sorted(given.get("groups", ["daypass"] if exists else []))),
        private=Group(login, uid, ()) if given.get("private", exists) else None,
        key_file=render_key_file(live, kept.ca_keys, True) if keys == "ledger" else keys,
        jobs=tuple(given.get("jobs", [])),
        mail=tuple(given.get("mail", [])),
        home=f"/home/{login}",
        home_owner=given.get("home", uid if exists else None),
        subordinate=given.get("subordinate", False),
        joining=joining_facts(given.get("joining")),
    )


def joining_facts(given: dict[str, Any] | None) -> JoiningFacts | None:
    """What an account from before says: a log, files in agreement, unless the case says otherwise."""
    if given is None:
        return None
    return JoiningFacts(
        "boot-2", 5000, "sha256:1", given.get("log", True), tuple(given.get("odd_groups", ()))
    )


def inputs(case: dict[str, Any]) -> tuple[ledger.Ledger, merge.Wanted, Facts, int, bool]:
    """What `planning.plan` takes."""
    kept, now = ledger_from(case.get("ledger", {})), case.get("now", NOW)
    wanted = merge.merge(kept, document_from(case["document"]), now)
    return kept, wanted, facts_from(case.get("facts", {}), kept, wanted), now, case.get("may_open", True)


def plain(planned: Plan) -> dict[str, Any]:
    """A plan as a case writes it: key files by their principals, ledger entries by what differs."""
    accounts = {login: plain_account(account) for login, account in planned.accounts.items()}
    groups = {
        key: list(value) if key == "warnings" else value
        for key, value in planned.groups._asdict().items()
        if value
    }
    return {**accounts, **({"groups": groups} if groups else {})}


def plain_account(account: AccountPlan) -> dict[str, Any]:
    """One account's plan; what is empty is left out."""
    whole = {
        "close": [plain_step(step) for step in account.close],
        "open": [plain_step(step) for step in account.open],
        "remove": [plain_step(step) for step in account.remove],
        "middle": sorted(account.middle),
        "end": sorted(account.end),
        "intent": plain_entry(account.intent),
        "done": plain_entry(account.done),
        "undone": plain_entry(account.undone),
        "retired": account.retired and [account.retired.uid, account.retired.home],
        "state": f"{account.state_before} -> {account.state}",
        "refused": {one.id: one.code for one in account.refused},
        "warnings": list(account.warnings),
        "changes": [list(one) for one in account.changes],
        "stones": {key: stone.cause for key, stone in account.stones.items()},
        "lost_gids": sorted(account.joined.lost_gids) if account.joined else [],
    }
    return {key: value for key, value in whole.items() if value not in (None, [], {}, "")}


def plain_step(step: Any) -> Any:
    """A step as its name, or [name, value]."""
    if step.name == "key_file":
        return [step.name, [plain_line(line) for line in (step.value or "").splitlines()]]
    if step.name == "sessions":  # with the groups whose rights copies of his may hold
        return [step.name, list(step.value.lost)] if step.value and step.value.lost else step.name
    if step.value is None:
        return step.name
    return [step.name, json.loads(json.dumps(step.value))]  # a case has lists for tuples


def plain_line(line: str) -> str:
    """A key line as its principal; one with other permissions or bounds without its end and CA key."""
    usual = re.fullmatch(
        r'restrict,pty,cert-authority,principals="([^"]*)"(,expiry-time="[0-9]+Z")? \S+ \S+', line
    )
    return usual.group(1) if usual else re.sub(r',expiry-time="[0-9]+Z"| \S+ \S+$', "", line)


def plain_entry(entry: ledger.LedgerAccount | None) -> dict[str, Any] | None:
    """What a ledger entry says of grants and groups."""
    if entry is None:
        return None
    grants = {key: "live" if grant.live else "coming" for key, grant in entry.grants.items()}
    whole = {
        "pending": entry.pending,
        "grants": grants,
        "groups": list(entry.groups),
        "closed": entry.closed_at is not None,
        "joined": list(entry.joined) if entry.joined else [],
    }
    return {key: value for key, value in whole.items() if value not in ("", [], {}, False)} or {
        "closed": False
    }


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_plan_is_as_the_case_says(path: Path):
    """Each case's rule holds: these facts and this document give exactly this plan."""
    case = json.loads(path.read_text())
    found = plain(planning.plan(*inputs(case)))
    if UPDATE:
        path.write_text(json.dumps({**case, "plan": found}, indent=1) + "\n")
    assert found == case.get("plan")


def test_there_are_cases():
    """An empty folder must not pass for success."""
    assert len(CASES) >= 30
