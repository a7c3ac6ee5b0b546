"""What flows say that can't be meant: names of nobody or nothing, approvers that nobody is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache

from daypass.domain.people import Person
from daypass.domain.servers import Server
from daypass.flows.case import Case, owners_of_one
from daypass.flows.conditions import (
    AllOf,
    AnyOf,
    ByGroup,
    ByManager,
    ByShift,
    ByUser,
    IsManager,
    IsOwner,
    PeopleRule,
    people_meant,
)
from daypass.flows.matching import Matcher
from daypass.flows.policy import Flow, Policy
from daypass.flows.shadows import shadowed

SHOWN = 5  # names in one finding; the rest are counted


@dataclass(frozen=True)
class FlowFinding:
    """One thing to look at.

    Attributes:
        where: The flow, integration or shift.
        code: Stable name for programs.
        text: What was found, in words for people.
    """

    where: str
    code: str
    text: str


Findings = Iterator[tuple[str, str]]  # code, text


def check_policy(policy: Policy, now: datetime) -> list[FlowFinding]:
    """Everything that was found, flow by flow in the order of the file."""
    servers = {flow.name: servers_of(flow, policy) for flow in policy.flows}
    findings = [finding for flow in policy.flows for finding in _flow(flow, servers[flow.name], policy, now)]
    findings.extend(_shadows(policy, now))
    findings.extend(_owners(servers, policy, now))
    doubtful = policy.directory.doubtful_shifts(now).items()
    findings.extend(FlowFinding(name, "shift_unknown_now", problem) for name, problem in doubtful)
    return findings


def servers_of(flow: Flow, policy: Policy) -> list[Server]:
    """The servers that a flow is about now."""
    found = {server.name: server for target in flow.targets for server in target.select(policy.index)}
    return list(found.values())


def anybody_case(policy: Policy, servers: Iterable[Server], now: datetime, grantee: Person) -> Case:
    """A case in which this person asks for all of these servers."""
    return Case(
        requester=grantee,
        grantee=grantee,
        servers=tuple(servers),
        groups=(),
        directory=policy.directory,
        at=now,
        integrations=policy.integrations,
    )


def leaves(rule: PeopleRule) -> Iterator[PeopleRule]:
    """The single conditions of a rule."""
    if isinstance(rule, AllOf | AnyOf):
        for inner in rule.inner:
            yield from leaves(inner)
    else:
        yield rule


def _flow(flow: Flow, servers: list[Server], policy: Policy, now: datetime) -> Iterator[FlowFinding]:
    for code, text in _names(flow, policy):
        yield FlowFinding(flow.name, code, text)
    for code, text in (*_targets(flow, policy, servers), *_people(flow, policy, servers, now)):
        yield FlowFinding(flow.name, code, text)


def _rules(flow: Flow) -> Iterator[tuple[str, PeopleRule]]:
    """Every condition on people, with the setting that it stands in."""
    if flow.requesters is not None:
        yield "requesters", flow.requesters
    if flow.settings.grantees is not None:
        yield "grantees", flow.grantees
    if flow.notify is not None:
        yield "notify", flow.notify
    for step in flow.steps:
        for requirement in step.all:
            for entry in requirement.entries:
                yield "approvers", entry


def _names(flow: Flow, policy: Policy) -> Findings:
    """Names that the directory doesn't know."""
    directory = policy.directory
    for setting, rule in _rules(flow):
        for leaf in leaves(rule):
            if isinstance(leaf, ByUser | ByManager):
                yield from _unknown(setting, "person", leaf.unknown, (*directory.people, *directory.logins))
            elif isinstance(leaf, ByGroup):
                yield from _unknown(setting, "group of people", leaf.unknown, directory.members)
            elif isinstance(leaf, ByShift):
                yield from _unknown(setting, "shift", leaf.unknown, directory.shifts)


def _unknown(setting: str, kind: str, names: Iterable[str], known: Iterable[str]) -> Findings:
    code = f"unknown_{kind.split(maxsplit=1)[0]}"
    for name in sorted(names):
        yield code, f"{setting}: there is no {kind} {name!r}{_likely(name, known)}"


def _likely(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _targets(flow: Flow, policy: Policy, servers: list[Server]) -> Findings:
    for target in flow.targets:
        yield from _no_server_has("server", target.servers, policy.servers.keys())
        for key, match in target.tags:
            values = policy.index.values
            if key not in values:
                yield "unknown_tag", f"no server has a tag {key!r}{_likely(key, values)}"
            else:
                yield from _no_server_has(f"tag {key}", match, values[key])
    offered = {
        group.name
        for name in {server.integration for server in servers}
        for group in policy.integrations[name].user_groups
    }
    wanted = {group for target in flow.targets for group in target.groups}
    for group in sorted(wanted - offered) if servers else ():
        yield (
            "group_not_offered",
            f"no server of this flow offers the group {group!r}{_likely(group, offered)}",
        )
    if not servers:
        yield "no_server", "no server matches the targets: the flow can never fit"


def _no_server_has(kind: str, match: Matcher | None, known: Collection[str]) -> Findings:
    for name in sorted(match.named.difference(known)) if match else ():
        code = f"unknown_{kind.split(maxsplit=1)[0]}"
        yield code, f"no server has the {kind} {name!r}{_likely(name, known)}"


def _people(flow: Flow, policy: Policy, servers: list[Server], now: datetime) -> Findings:
    here = [person for person in policy.directory.people.values() if person.active]
    if not here:
        yield "nobody", "nobody in the directory is active"
        return
    case = anybody_case(policy, servers, now, here[0])
    asking = people_meant(flow.requesters or flow.grantees, case)
    whose = flow.requesters or flow.grantees
    relative = any(isinstance(leaf, IsOwner | IsManager) for leaf in leaves(whose))
    if not asking and not relative and not whose.changes(case):
        yield "nobody_fits", f"nobody in the directory matches {whose}: the flow can never fit"
    for setting, rule in _rules(flow):
        if setting not in ("approvers", "notify"):
            continue
        kinds = list(leaves(rule))
        if any(isinstance(leaf, IsManager) for leaf in kinds):
            without = [login for login in sorted(asking) if policy.directory.people[login].manager is None]
            if without:
                yield "no_manager", f"{setting}: no manager of {some(without)}"
        elif any(isinstance(leaf, IsOwner) for leaf in kinds):
            continue  # told once for each server, below
        elif not people_meant(rule, case) and not rule.changes(case):
            yield "approver_nobody", f"{setting}: nobody is {rule}"


def _owners(servers: Mapping[str, list[Server]], policy: Policy, now: datetime) -> Iterator[FlowFinding]:
    """Servers without an owner, where a flow asks owners."""

    @cache
    def is_owned(name: str) -> bool:
        server = policy.servers[name]
        integration = policy.integrations[server.integration]
        return bool(owners_of_one(server, integration, policy.directory, now))

    for flow in policy.flows:
        if any(isinstance(leaf, IsOwner) for _, rule in _rules(flow) for leaf in leaves(rule)):
            without = [server.name for server in servers[flow.name] if not is_owned(server.name)]
            if without:
                yield FlowFinding(flow.name, "no_owner", f"no owner of {some(without)}")


def some(names: list[str]) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _shadows(policy: Policy, now: datetime) -> Iterator[FlowFinding]:
    here = next((person for person in policy.directory.people.values() if person.active), None)
    if here is None:
        return
    for name, by in shadowed(policy, anybody_case(policy, policy.servers.values(), now, here)):
        text = f"never decides: {by!r} stands before it and fits whenever it would"
        yield FlowFinding(name, "shadowed", text)
