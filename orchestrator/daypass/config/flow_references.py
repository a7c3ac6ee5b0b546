"""What only shows when flows are seen with the rest of the configuration: twice, or of nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from daypass.config.access_flows import Target
from daypass.config.conditions import Match
from daypass.config.problems import SettingProblem
from daypass.config.settings import Settings
from daypass.inventory.problems import shown

Findings = Iterator[tuple[str, str, str]]  # path, found, allowed


def check_references(settings: Settings) -> list[SettingProblem]:
    """Every name in flows and bundles that means nothing, or two things."""
    file = str(settings.source)
    return [SettingProblem(file, *finding) for finding in _all(settings)]


def _all(settings: Settings) -> Findings:
    flows, bundles = settings.access_flows, settings.bundles
    yield from _twice("access_flows", (flow.name for flow in flows))
    yield from _twice("bundles", (bundle.name for bundle in bundles))
    if flows and settings.directory is None:
        yield "directory", "none", "the directory of the people that access_flows are about"
    if settings.directory is None:
        yield from _people_told(settings)
    for index, bundle in enumerate(bundles):
        yield from _targets(settings, f"bundles[{index}].targets", bundle.targets)
    for index, flow in enumerate(flows):
        yield from _targets(settings, f"access_flows[{index}].targets", flow.targets)


def _people_told(settings: Settings) -> Findings:
    """Channels for people, where nobody is known."""
    for index, channel in enumerate(settings.notices.channels):
        place = f"notices.channels[{index}]"
        if channel.per_person:
            yield f"{place}.per_person", "no directory", "true with `directory`, which has people's addresses"
        if channel.groups is not None:
            yield f"{place}.groups", "no directory", "groups of `directory`"


def _twice(place: str, names: Iterable[str]) -> Findings:
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if (other := first.setdefault(name, index)) != index:
            yield f"{place}[{index}].name", f"{shown(name)}, as {place}[{other}] has", "a name of its own"


def _targets(settings: Settings, place: str, targets: Iterable[Target]) -> Findings:
    integrations = [integration.name for integration in settings.integrations]
    bundles = [bundle.name for bundle in settings.bundles]
    for index, target in enumerate(targets):
        here = f"{place}[{index}]"
        if target.bundle is not None and target.bundle not in bundles:
            yield f"{here}.bundle", shown(target.bundle), near(target.bundle, bundles, "bundles")
        for part, where in ((target, here), (target.exclude, f"{here}.exclude")):
            for name in _named(part.integration) if part else ():
                if name not in integrations:
                    yield f"{where}.integration", shown(name), near(name, integrations, "integrations")


def _named(match: Match | None) -> tuple[str, ...]:
    return () if match is None else (*(match.is_ or ()), *(match.is_not or ()))


def near(name: str, names: Iterable[str], kind: str) -> str:
    """The names that are allowed, the likely one first."""
    known = sorted(names)
    likely = difflib.get_close_matches(name, known, 1)
    return (f"did you mean {likely[0]}? " if likely else "") + f"{kind}: {', '.join(known[:20]) or 'none'}"
