"""`daypass doctor`: look at all that `open_daypass` needs, piece by piece, and go on past what is broken."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from daypass import config
from daypass.ca.keys import load_ca_key
from daypass.ca.public_keys import blob_of, fingerprint_of
from daypass.config import Settings
from daypass.directory import Directory
from daypass.directory.words import age_text
from daypass.domain.secrets import FromFile, SecretReference
from daypass.errors import ConfigurationError, DaypassError
from daypass.execution.ansible_settings import find_ansible, find_collections
from daypass.flows.checking import check_policy, some
from daypass.inventory.twins import twins, twins_text
from daypass.secret_stores import decode_connector_key, resolve
from daypass.wiring.clock import now
from daypass.wiring.examining_notices import examine_notices
from daypass.wiring.opening import open_record
from daypass.wiring.policies import looked_at, policy_of
from daypass.workflow.doctor import Finding, Grade, check, check_disk, check_mode, check_programs


def examine(config_path: Path | None) -> Iterator[Finding]:
    """Every finding about this machine, the configuration and the state, in the order to mend them."""
    yield from check_programs()
    yield check("ansible", lambda: f"{find_ansible(Path(sys.executable))}/ansible-playbook")
    yield check("collection daypass.ssh", lambda: str(find_collections()))
    try:
        settings = config.load(config_path, os.environ, Path.cwd())
    except DaypassError as error:
        yield from _problem_findings("configuration", error)
        return
    count = len(settings.integrations)
    yield Finding("configuration", Grade.OK, f"{settings.source}, {count} integration{'s' * (count != 1)}")
    yield from _examine_state(settings)
    yield from _examine_secrets(settings)
    yield from _examine_servers(settings)
    if settings.notices.channels:
        yield from examine_notices(settings)
    if settings.directory is not None:
        yield from _examine_people(settings)


def _problem_findings(what: str, error: DaypassError) -> Iterator[Finding]:
    """Every problem in it: a person mends them all before the next look."""
    problems = error.problems if isinstance(error, ConfigurationError) else ()
    for problem in problems or (error.sentence,):
        yield Finding(what, Grade.FAIL, problem, error.hint)


def _examine_people(settings: Settings) -> Iterator[Finding]:
    """The directory with its calendars, and what flows can't mean."""
    try:
        policy = policy_of(settings, looked_at(settings))
    except DaypassError as error:
        yield from _problem_findings("directory", error)
        return
    here = sum(person.active for person in policy.directory.people.values())
    groups = len(policy.directory.members)
    counted = f"{settings.directory}, {here} people, {groups} groups"
    yield from _examine_directory(policy.directory, counted)
    for key, logins in sorted(policy.directory.shared_keys.items()):
        said = f"{fingerprint_of(blob_of(key))} stands at {', '.join(logins)}: it counts for none of them"
        yield Finding("public keys", Grade.FAIL, said, "leave it at its owner alone")
    found = check_policy(policy, now())
    if found:
        places = ", ".join(dict.fromkeys(finding.where for finding in found))
        yield Finding("access flows", Grade.WARN, f"to look at: {places}", "daypass flows check")
    elif policy.flows:
        yield Finding("access flows", Grade.OK, f"{len(policy.flows)}, nothing to mend")


def _examine_directory(directory: Directory, found: str) -> Iterator[Finding]:
    """How old what is known of people is, whom an operator has to say a word about, and what was left out."""
    age = age_text(directory, now())
    if directory.trouble:
        yield Finding(
            "directory", Grade.FAIL, f"{found}, {age}: {directory.trouble}", "daypass directory refresh"
        )
    else:
        yield Finding("directory", Grade.OK, f"{found}, {age}" if age else found)
    if directory.held:
        said = f"it can't be told whether these are still here: {some(sorted(directory.held))}"
        yield Finding("people", Grade.FAIL, said, "daypass directory show; then: daypass directory confirm")
    if directory.oddities:
        count = len(directory.oddities)
        said = f"{count} thing{'s' * (count != 1)} in it can't be used: {directory.oddities[0]}"
        yield Finding("people", Grade.WARN, said, "daypass directory show")


def _examine_state(settings: Settings) -> Iterator[Finding]:
    yield check_mode("state folder", settings.state_dir, 0o700)
    if settings.state_dir.is_dir():
        yield check_disk(settings.state_dir)
    yield check("database", lambda: _describe_store(settings), hint="daypass init")


def _describe_store(settings: Settings) -> str:
    store = open_record(settings)
    try:
        with store.read() as view:
            return f"orchestrator {view.orchestrator_id()}, {view.audit_head().number} events"
    finally:
        store.close()


def _examine_secrets(settings: Settings) -> Iterator[Finding]:
    environ = dict(os.environ)
    if isinstance(settings.ca.key, FromFile):
        yield check_mode("CA key", settings.ca.key.path, 0o600)

    def ca_key() -> str:
        load_ca_key(resolve(settings.ca.key, environ))
        return "can sign"

    yield check("CA key", ca_key, hint="daypass init")
    for integration in settings.integrations:

        def connector_key(secret: SecretReference = integration.secret) -> str:
            decode_connector_key(resolve(secret, dict(environ)), str(secret))
            return f"readable from {secret}"

        yield check(f"connector key of {integration.name}", connector_key)


def _examine_servers(settings: Settings) -> Iterator[Finding]:
    """Names, host keys and onboarding; nothing is asked of the servers themselves."""
    for group in twins(settings.servers):
        hint = "keep one of them in the server list; a machine is onboarded under one name only"
        yield Finding("servers", Grade.WARN, twins_text(group), hint)
    try:
        store = open_record(settings)
        with store.read() as view:
            hosts = {host.server: host for host in view.hosts()}
            for integration in settings.integrations:
                keyless = [
                    s.name for s in integration.servers if not s.host_key and not view.host_keys(s.name)
                ]
                fresh = [s.name for s in integration.servers if s.name not in hosts]
                yield _servers_finding(integration.name, "host keys", keyless, "daypass servers scan")
                yield _servers_finding(integration.name, "onboarding", fresh, "daypass onboard")
    except DaypassError as error:
        yield Finding("servers", Grade.FAIL, error.sentence, error.hint)


def _servers_finding(integration: str, what: str, missing: list[str], command: str) -> Finding:
    title = f"{what} of {integration}"
    if not missing:
        return Finding(title, Grade.OK, "all there")
    some = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
    return Finding(
        title, Grade.WARN, f"missing for {len(missing)}: {some}", f"{command} {' '.join(missing[:5])}"
    )
