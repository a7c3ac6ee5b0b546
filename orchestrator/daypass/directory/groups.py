"""Groups inside groups, opened: who is in each group in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def find_cycle(inner: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The names of a chain that ends where it began, empty when there is none.

    Args:
        inner: Name to the names that it leads to: groups inside a group, or the one manager of a person.
    """
    done: set[str] = set()
    for start in inner:
        chain: dict[str, Iterator[str]] = {start: iter(inner[start])} if start not in done else {}
        while chain:
            name = next(reversed(chain))
            following = next(chain[name], None)
            if following is None:
                done.add(name)
                del chain[name]
            elif following in chain:
                names = list(chain)
                return (*names[names.index(following) :], following)
            elif following not in done:
                chain[following] = iter(inner.get(following, ()))
    return ()


def open_groups(
    direct: Mapping[str, frozenset[str]], inner: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[str]]:
    """Group to everyone in it, directly or through a group inside; there must be no cycle.

    Args:
        direct: Group to the people who are named for it.
        inner: Group to the groups inside it.
    """
    opened: dict[str, frozenset[str]] = {}
    waiting = list({**direct, **inner})
    while waiting:
        name = waiting[-1]
        missing = [group for group in inner.get(name, ()) if group not in opened]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        within = (opened[group] for group in inner.get(name, ()))
        opened[name] = direct.get(name, frozenset()).union(*within)
    return opened
