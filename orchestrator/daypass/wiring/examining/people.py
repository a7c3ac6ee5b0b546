"""The directory with its calendars, how old it is, and what flows can't mean."""

from __future__ import annotations

from collections.abc import Iterator

from daypass.ca.public_keys import blob_of, fingerprint_of
from daypass.config import Settings
from daypass.directory import Directory
from daypass.directory.words import age_text
from daypass.flows.checking import check_policy, some
from daypass.wiring.clock import now
from daypass.wiring.policies import looked_at, policy_of
from daypass.workflow.doctor.findings import Check, Finding, fail, ok, warn


def checks(settings: Settings) -> Iterator[Check]:
    if settings.directory is not None:
        yield Check("directory", lambda: _people(settings))


def _people(settings: Settings) -> Iterator[Finding]:
    policy = policy_of(settings, looked_at(settings))
    here = sum(person.active for person in policy.directory.people.values())
    groups = len(policy.directory.members)
    yield from _directory(policy.directory, f"{settings.directory}, {here} people, {groups} groups")
    for key, logins in sorted(policy.directory.shared_keys.items()):
        said = f"{fingerprint_of(blob_of(key))} stands at {', '.join(logins)}: it counts for none of them"
        yield fail("public keys", said, "leave it at its owner alone")
    found = check_policy(policy, now())
    if found:
        places = ", ".join(dict.fromkeys(finding.where for finding in found))
        yield warn("access flows", f"to look at: {places}", "daypass flows check")
    elif policy.flows:
        yield ok("access flows", f"{len(policy.flows)}, nothing to mend")


def _directory(directory: Directory, found: str) -> Iterator[Finding]:
    """How old what is known of people is, whom an operator has to say a word about, and what was left out."""
    age = age_text(directory, now())
    if directory.trouble:
        yield fail("directory", f"{found}, {age}: {directory.trouble}", "daypass directory refresh")
    else:
        yield ok("directory", f"{found}, {age}" if age else found)
    if directory.held:
        said = f"it can't be told whether these are still here: {some(sorted(directory.held))}"
        yield fail("people", said, "daypass directory show; then: daypass directory confirm")
    if directory.oddities:
        count = len(directory.oddities)
        said = f"{count} thing{'s' * (count != 1)} in it can't be used: {directory.oddities[0]}"
        yield warn("people", said, "daypass directory show")
