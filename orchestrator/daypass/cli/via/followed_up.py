"""Commands at the gate that are followed by something on this machine: waiting, and files for plain ssh."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daypass import wiring
from daypass.ca.public_keys import PublicKey
from daypass.cli.access.client_setup import Wishes, clear, set_up
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY
from daypass.cli.render import Screen, console_of
from daypass.cli.requests.waiting import tell_end, wait_for
from daypass.client.followed import read_followed
from daypass.client.places import home_of
from daypass.client.reach import fetch_from, look_at
from daypass.client.via import Gate
from daypass.domain.open_access import OpenAccess
from daypass.errors import DaypassError


def ask_and_wait(gate: Gate, screen: Screen, words: list[str], key: bytes, given: Mapping[str, Any]) -> int:
    """`request new --wait`; its exit code."""
    asked = read_followed(gate.ask([*words, "--output=json"], key).result())
    if asked.verdict is not None:
        return tell_end(screen, asked, asked.verdict)
    return wait(gate, screen, {**given, "request_id": asked.request.id})


def wait(gate: Gate, screen: Screen, given: Mapping[str, Any]) -> int:
    """`request wait`; its exit code."""
    request_id = given["request_id"]
    return wait_for(screen, look_at(gate, request_id), request_id, given["give_up_after"], "")


def ssh_config(gate: Gate, screen: Screen, given: Mapping[str, Any]) -> int:
    """`access ssh-config`; its exit code."""
    home = home_of(Path(given["home"]) if given["home"] else None)
    if given["remove"]:
        return clear(screen, home, yes=given["yes"], check=given["check"])
    if screen.is_json:
        access = gate.ask(["access", "ssh-config", "--output=json", "--no-sign"])
        print(json.dumps(access.result(), indent=2, sort_keys=True))
        return EXIT_DONE
    wished = Wishes(
        given["yes"], given["check"], given["key_type"], not given["no_passphrase"], given["domains"]
    )
    return set_up(screen, fetch_from(gate), home, wiring.now(), wished)


def put_in_place(gate: Gate, code: int, typed: str) -> None:
    """What came of a command that may have opened something: certificates and configuration for plain ssh.

    The command is done, and its exit code stays; what can't be put in place is told with what to type.
    """
    if code not in (EXIT_DONE, EXIT_PARTLY):
        return
    # Beside the answer, which may be for a program.
    screen = Screen(typed=typed, console=console_of(sys.stderr))
    fetch = fetch_from(gate)
    try:
        found = fetch(None, sign=False)
        if found.servers:  # else it waits for somebody's yes

            def known(key: PublicKey | None, *, sign: bool) -> OpenAccess:
                return found if key is None else fetch(key, sign=sign)

            set_up(screen, known, home_of(), wiring.now(), Wishes())
    except DaypassError as error:
        screen.error(error)
        screen.note("to make plain ssh work: daypass access ssh-config", style="yellow")
