"""`daypass servers scan`: ask, show fingerprints, have them confirmed, record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from daypass import wiring
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation
from daypass.cli.render import Screen, counted
from daypass.errors import NotFoundError, UsageError
from daypass.execution.host_keys import scan
from daypass.inventory.host_key_text import fingerprint
from daypass.workflow.host_keys import ScannedServer, Standing, compare, record


def run_scan(invocation: Invocation, names: Sequence[str], *, confirmed: bool, replace: bool) -> int:
    """Scan these servers, or all; returns the exit code.

    Raises:
        NotFoundError: A name isn't in the server lists, or there are no servers.
        UsageError: New keys wait for a confirmation that nobody can give, or that was refused.
    """
    screen = invocation.screen
    with wiring.open_daypass(invocation.config) as daypass:
        asked = [daypass.seams.server(name) for name in names] or list(daypass.seams.servers.values())
        if not asked:
            raise NotFoundError("The configuration has no servers.")
        screen.note(f"asking {counted(len(asked), 'server')} for their keys")
        found = {name: keys if isinstance(keys, str) else tuple(keys) for name, keys in scan(asked).items()}
        with daypass.seams.store.read() as view:
            scanned = compare(view, asked, found)
        wanted = [one for one in scanned if one.standing is Standing.NEW or (replace and _replaceable(one))]
        if not screen.is_json:
            _show_scan(screen, scanned)
        if wanted:
            _confirm(screen, len(wanted), confirmed)
        recorded = record(daypass.seams, wanted, daypass.now()) if wanted else []
    screen.emit(scan_as_json(scanned, recorded), lambda: _show_recorded(screen, scanned, recorded))
    return scan_exit_code(scanned, recorded)


def _replaceable(one: ScannedServer) -> bool:
    """A key of the server list is changed there, not here."""
    return one.standing is Standing.CHANGED and not one.message


def _confirm(screen: Screen, count: int, confirmed: bool) -> None:
    if confirmed:
        return
    if not screen.asks:
        raise UsageError(
            f"The keys of {counted(count, 'server')} wait for a confirmation, and this isn't a terminal.",
            hint="Compare the fingerprints, then: daypass servers scan --yes",
            code="confirmation_needed",
        )
    if not click.confirm(
        f"Are these the keys of {'this server' if count == 1 else f'these {count} servers'}?"
    ):
        raise UsageError("Nothing was recorded.", code="not_confirmed")


def _show_scan(screen: Screen, scanned: Iterable[ScannedServer]) -> None:
    rows: list[tuple[str, str, str, str]] = []
    for one in scanned:
        rows += [(one.server, one.standing, key.split(" ")[0], fingerprint(key)) for key in one.keys]
        if one.standing is Standing.CHANGED:
            rows += [(one.server, "known", key.split(" ")[0], fingerprint(key)) for key in one.known]
        if one.standing is Standing.FAILED:
            rows.append((one.server, one.standing, "-", one.message))
    screen.table(["server", "key is", "type", "fingerprint"], rows)


def _show_recorded(screen: Screen, scanned: Sequence[ScannedServer], recorded: Sequence[str]) -> None:
    screen.line(f"recorded the keys of {counted(len(recorded), 'server')}")
    for one in scanned:
        if one.standing is Standing.CHANGED and one.server not in recorded:
            where = one.message or "the recorded key"
            screen.note(
                f"{one.server}: shows another key than {where}; somebody may be in between", style="bold red"
            )
    if any(_replaceable(one) and one.server not in recorded for one in scanned):
        screen.note("hint: if a server was set up anew: daypass servers scan --replace SERVER")


def scan_as_json(scanned: Iterable[ScannedServer], recorded: Sequence[str]) -> dict[str, object]:
    """The whole outcome of a scan for programs."""
    return {
        one.server: {
            "standing": str(one.standing),
            "keys": [{"key": key, "fingerprint": fingerprint(key)} for key in one.keys],
            "known": [{"key": key, "fingerprint": fingerprint(key)} for key in one.known],
            "message": one.message,
            "recorded": one.server in recorded,
        }
        for one in scanned
    }


def scan_exit_code(scanned: Sequence[ScannedServer], recorded: Sequence[str]) -> int:
    """Done when every server's key is known now; in part when some are."""
    good = sum(one.standing is Standing.SAME or one.server in recorded for one in scanned)
    if good == len(scanned):
        return EXIT_DONE
    return EXIT_PARTLY if good else EXIT_FAILED
