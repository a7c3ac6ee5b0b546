"""Which servers and user groups a flow is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from daypass.config.access_flows import Exclusion, Target
from daypass.config.conditions import Match, ServerFilter
from daypass.domain.servers import Server
from daypass.flows.matching import Matcher, matcher


class ServerIndex:
    """All servers, by name and by tag, for looking through many targets.

    Attributes:
        by_tag: Key with value to servers.
        values: Key to all values that servers have for it.
    """

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self.by_name = servers
        self.by_tag: dict[tuple[str, str], list[Server]] = defaultdict(list)
        self.values: dict[str, set[str]] = defaultdict(set)
        for server in servers.values():
            for key, value in server.tags.items():
                self.by_tag[key, value].append(server)
                self.values[key].add(value)


@dataclass(frozen=True)
class CompiledTarget:
    """Servers that everything given holds for, without the excluded ones; and the groups there.

    Attributes:
        exclude: Each part by itself leaves a server out.
    """

    integration: Matcher | None
    servers: Matcher | None
    tags: tuple[tuple[str, Matcher], ...]
    exclude: Filter | None
    groups: frozenset[str]

    def has(self, server: Server) -> bool:
        """Whether the server is meant. A tag that a server doesn't have matches nothing, negatives too."""
        if self.servers is not None and not self.servers.holds((server.name,)):
            return False
        if self.integration is not None and not self.integration.holds((server.integration,)):
            return False
        for key, match in self.tags:
            if key not in server.tags or not match.holds((server.tags[key],)):
                return False
        return self.exclude is None or not self.exclude.any_part(server)

    def select(self, servers: ServerIndex) -> list[Server]:
        """Those of all servers that are meant."""
        return [server for server in self._candidates(servers) if self.has(server)]

    def _candidates(self, servers: ServerIndex) -> Collection[Server]:
        """The shortest list that holds all that can be meant."""
        lists: list[Collection[Server]] = [servers.by_name.values()]
        if self.servers is not None and self.servers.equal is not None:
            named = self.servers.equal
            lists.append([servers.by_name[name] for name in sorted(named) if name in servers.by_name])
        for key, match in self.tags:
            if match.equal is not None:
                lists.append(
                    [s for value in sorted(match.equal) for s in servers.by_tag.get((key, value), ())]
                )
        return min(lists, key=len)

    def __str__(self) -> str:
        parts = [
            f"servers {self.servers}" if self.servers else "all servers",
            f"of {self.integration}" if self.integration else "",
            " and ".join(f"tagged {key} {match}" for key, match in self.tags),
            f"but not {self.exclude}" if self.exclude else "",
            f"with {', '.join(sorted(self.groups))}",
        ]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Filter:
    """What is left out."""

    integration: Matcher | None
    servers: Matcher | None
    tags: tuple[tuple[str, Matcher], ...]

    def any_part(self, server: Server) -> bool:
        """Whether one part holds; a tag that isn't there counts for negatives, so that more is left out."""
        if self.servers is not None and self.servers.holds((server.name,)):
            return True
        if self.integration is not None and self.integration.holds((server.integration,)):
            return True
        return any(match.holds((server.tags[key],) if key in server.tags else ()) for key, match in self.tags)

    def __str__(self) -> str:
        parts = [
            f"servers {self.servers}" if self.servers else "",
            f"of {self.integration}" if self.integration else "",
            *(f"tagged {key} {match}" for key, match in self.tags),
        ]
        return " or ".join(part for part in parts if part)


def compile_target(target: Target) -> CompiledTarget:
    """The compiled form of a target that spells its servers out."""
    return CompiledTarget(
        integration=_match(target.integration),
        servers=_match(target.servers),
        tags=_tags(target),
        exclude=_exclusion(target.exclude),
        groups=frozenset(target.user_groups),
    )


def compile_targets(
    targets: tuple[Target, ...], bundles: Mapping[str, tuple[CompiledTarget, ...]]
) -> tuple[CompiledTarget, ...]:
    """The targets of a flow, with those of its bundles."""
    compiled: list[CompiledTarget] = []
    for target in targets:
        if target.bundle is None:
            compiled.append(compile_target(target))
        else:
            compiled.extend(bundles.get(target.bundle, ()))
    return tuple(compiled)


def _exclusion(exclusion: Exclusion | None) -> Filter | None:
    if exclusion is None or exclusion.is_empty:
        return None
    return Filter(_match(exclusion.integration), _match(exclusion.servers), _tags(exclusion))


def _match(match: Match | None) -> Matcher | None:

    return None if match is None else matcher(match)


def _tags(part: ServerFilter) -> tuple[tuple[str, Matcher], ...]:
    return tuple((key, matcher(match)) for key, match in (part.tags or {}).items())
