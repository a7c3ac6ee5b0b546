"""Which hosts and addresses a lab gets. Pure: what exists comes in, the new record goes out."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from lab import model, recipes
from lab.errors import LabError
from lab.model import Host, Kind
from lab.state import Record

COUNT_LIMIT = 2000
"""Hosts in one lab: eight blocks of addresses, and far beyond what one machine carries."""


@dataclass(frozen=True)
class Wanted:
    """What `up` was asked for: hosts PREFIX-1 to PREFIX-COUNT of one kind in one lab, sshd on one port."""

    lab: str
    prefix: str
    count: int
    image: str
    kind: Kind
    port: int = 22


def check(wanted: Wanted) -> None:
    """Refuse what can't be made (`bad_name`, `bad_count`, `unknown_image`)."""
    model.check_name(wanted.lab, "the lab's name")
    model.check_name(wanted.prefix, "the host prefix")
    recipes.recipe(wanted.image)
    if not 1 <= wanted.count <= COUNT_LIMIT:
        raise LabError("bad_count", f"{wanted.count} hosts", f"1 to {COUNT_LIMIT}")


def extend(
    before: Record, wanted: Wanted, blocks_of_others: Collection[int], seed: Callable[[str, str], str]
) -> Record:
    """The record with all wanted hosts in it; hosts that are in it already stay as they are.

    Args:
        seed: Makes what a new host needs, from its name and ADDRESS:PORT; returns its public host key.

    Raises:
        LabError: `host_differs`, when a host of that name is of another image or kind; `no_addresses`.
    """
    known = {host.name: host for host in before.hosts}
    new: list[str] = []
    for name in (f"{wanted.prefix}-{number}" for number in range(1, wanted.count + 1)):
        _check_same(known.get(name), wanted)
        if name not in known:
            new.append(name)
    blocks = _enough_blocks(before, len(new), blocks_of_others)
    addresses = model.free_addresses(blocks, [host.address for host in before.hosts])
    added = tuple(
        _new_host(wanted, name, address, seed(name, f"{address}:{wanted.port}"))
        for name, address in zip(new, addresses, strict=False)
    )
    return replace(before, blocks=blocks, hosts=before.hosts + added)


def _new_host(wanted: Wanted, name: str, address: str, host_key: str) -> Host:
    return Host(name, address, wanted.port, wanted.image, wanted.kind, wanted.prefix, host_key)


def _check_same(host: Host | None, wanted: Wanted) -> None:
    if host is not None and (host.image, host.kind) != (wanted.image, wanted.kind):
        raise LabError(
            "host_differs",
            f"{host.name} is there already as a {host.kind} host of {host.image}",
            "use another --prefix or --name, or take the lab down",
        )


def _enough_blocks(before: Record, new: int, blocks_of_others: Collection[int]) -> tuple[int, ...]:
    blocks = before.blocks
    while len(blocks) * model.BLOCK_SIZE < len(before.hosts) + new:
        blocks = (*blocks, model.free_block({*blocks, *blocks_of_others}))
    return blocks
