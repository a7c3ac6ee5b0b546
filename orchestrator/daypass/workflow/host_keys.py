"""Host keys: compare what servers show with what is recorded, and record what a person confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from daypass.domain.hosts import HostKey
from daypass.domain.servers import Server
from daypass.inventory.host_key_text import check_host_key, fingerprint
from daypass.inventory.problems import FieldRefused
from daypass.store.interface import ReadView
from daypass.workflow.seams import Seams

Found = Mapping[str, Sequence[str] | str]  # server -> keys that it showed, or why there are none


class Standing(StrEnum):
    """How what a server shows stands to what is known of it."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"
    FAILED = "failed"


@dataclass(frozen=True)
class ScannedServer:
    """One server after a scan.

    Attributes:
        keys: `TYPE BASE64`, sorted; what it showed.
        known: The same for what is recorded.
        message: Why it failed, or where the known key comes from.
    """

    server: str
    standing: Standing
    keys: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    message: str = ""


def compare(view: ReadView, servers: Iterable[Server], found: Found) -> list[ScannedServer]:
    """How each server stands; a `host_key` in the server list counts as what is known."""
    return [_compare(view, server, found.get(server.name, "no answer")) for server in servers]


def _compare(view: ReadView, server: Server, found: Sequence[str] | str) -> ScannedServer:
    listed = (server.host_key,) if server.host_key else ()
    known = listed or tuple(sorted(key.key for key in view.host_keys(server.name)))
    keys = _usable(found)
    if not keys:
        message = found if isinstance(found, str) else "no usable host key"
        return ScannedServer(server.name, Standing.FAILED, (), known, message)
    if not known:
        return ScannedServer(server.name, Standing.NEW, keys)
    # The list names one key of several; a scan records all of them.
    same = set(known) <= set(keys) if listed else set(known) == set(keys)
    message = "host_key of the server list" if listed else ""
    return ScannedServer(server.name, Standing.SAME if same else Standing.CHANGED, keys, known, message)


def _usable(found: Sequence[str] | str) -> tuple[str, ...]:
    if isinstance(found, str):
        return ()
    keys = set()
    for key in found:
        try:
            keys.add(check_host_key(key))
        except FieldRefused:  # a type or size that isn't accepted in the list either
            continue
    return tuple(sorted(keys))


def record(seams: Seams, scanned: Iterable[ScannedServer], now: datetime) -> list[str]:
    """Record the keys of these servers in place of the ones before; returns the servers' names."""
    recorded = []
    with seams.write(now) as work:
        for one in scanned:
            keys = [HostKey(one.server, key, fingerprint(key), now) for key in one.keys]
            work.replace_host_keys(one.server, keys)
            details = {
                "fingerprints": [key.fingerprint for key in keys],
                "before": list(map(fingerprint, one.known)),
            }
            work.append_event("host_keys.recorded", one.server, details)
            recorded.append(one.server)
    return recorded
