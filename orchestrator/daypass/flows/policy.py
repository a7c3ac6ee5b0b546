"""All flows, compiled against the directory, with the servers that they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from daypass.config import Integration, Settings
from daypass.config.access_flows import AccessFlow
from daypass.directory import Directory
from daypass.domain.servers import Server
from daypass.domain.weekly import WeeklyHours
from daypass.flows.conditions import PeopleRule, any_of
from daypass.flows.requirements import CompiledStep, compile_step
from daypass.flows.targets import CompiledTarget, ServerIndex, compile_target, compile_targets


@dataclass(frozen=True)
class Flow:
    """One access flow, ready to decide.

    Attributes:
        settings: As written.
        requesters: None with trigger automatic.
        steps: Whose yes is needed, in order; none = nobody is asked.
        notify: Who is told of break-glass access; None = nobody.
    """

    settings: AccessFlow
    requesters: PeopleRule | None
    grantees: PeopleRule
    targets: tuple[CompiledTarget, ...]
    steps: tuple[CompiledStep, ...]
    notify: PeopleRule | None

    @property
    def name(self) -> str:
        return self.settings.name

    @cached_property
    def hours(self) -> WeeklyHours | None:
        """When access may be; None = always."""
        return self.settings.timeframe.weekly if self.settings.timeframe else None


@dataclass(frozen=True)
class Policy:
    """Everything that a decision goes by."""

    flows: tuple[Flow, ...]
    directory: Directory
    servers: Mapping[str, Server]
    integrations: Mapping[str, Integration]

    @cached_property
    def index(self) -> ServerIndex:
        return ServerIndex(self.servers)

    def flow(self, name: str) -> Flow | None:
        return next((flow for flow in self.flows if flow.name == name), None)


def build_policy(settings: Settings, directory: Directory) -> Policy:
    """The policy of a configuration and a directory."""
    bundles = {
        bundle.name: tuple(compile_target(target) for target in bundle.targets) for bundle in settings.bundles
    }
    return Policy(
        flows=tuple(_flow(flow, bundles, directory) for flow in settings.access_flows),
        directory=directory,
        servers={server.name: server for server in settings.servers},
        integrations={integration.name: integration for integration in settings.integrations},
    )


def _flow(
    settings: AccessFlow, bundles: Mapping[str, tuple[CompiledTarget, ...]], directory: Directory
) -> Flow:
    requesters = None if settings.requesters is None else any_of(settings.requesters, directory)
    # `grantees` left out: those who may ask; a model's own check makes sure that one of the two is there.
    grantees = settings.grantees or settings.requesters or ()
    return Flow(
        settings=settings,
        requesters=requesters,
        grantees=any_of(grantees, directory),
        targets=compile_targets(settings.targets, bundles),
        steps=tuple(compile_step(step, directory) for step in settings.approvers.in_order),
        notify=None if settings.notify is None else any_of(settings.notify, directory),
    )
