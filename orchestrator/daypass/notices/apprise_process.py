"""The process that sends: `python -I -m daypass.notices.apprise_process`, started by `courier`.

Reads one JSON object from standard input: `seconds`, after which it ends whatever it does, and `letters`, a
list of `[number, channel, url, title, body, check only]`. Writes a line of JSON for each as soon as it is
known: `[number, null]` when it was sent, else `[number, reason]`. Logs nothing anywhere.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import signal
import sys
import threading
from collections import defaultdict
from contextvars import ContextVar
from typing import Any

from daypass.notices.reasons import scrubbed

LOCK = threading.Lock()  # lines of several threads stay whole
GRACE_SECONDS = 5
NOT_KNOWN = "Apprise doesn't take the URL"
EXCEPTION = "Socket Exception: "  # how Apprise's services log the error itself, at the level of debugging


# What was heard of the message that is being sent; Apprise takes it along into threads of its own.
LINES: ContextVar[list[str] | None] = ContextVar("LINES", default=None)


class Heard(logging.Handler):
    """What Apprise says: warnings, and the errors behind them."""

    def emit(self, record: logging.LogRecord) -> None:
        lines, message = LINES.get(), record.getMessage()
        if lines is not None and (record.levelno >= logging.WARNING or message.startswith(EXCEPTION)):
            lines.append(message.removeprefix(EXCEPTION))


def main() -> None:
    """Every channel in a thread of its own: one that hangs holds up nobody else."""
    request = json.load(sys.stdin)
    signal.alarm(math.ceil(request["seconds"]) + GRACE_SECONDS)  # also where nobody is left to end us
    _listen()
    channels = defaultdict(list)
    for letter in request["letters"]:
        channels[letter[1]].append(letter)
    try:
        apprise = importlib.import_module("apprise")
    except ImportError:
        for letter in request["letters"]:
            _answer(letter[0], "Apprise isn't installed: pip install apprise")
        return
    threads = [threading.Thread(target=_send_all, args=(apprise, mine)) for mine in channels.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _answer(number: int, reason: str | None) -> None:
    with LOCK:
        print(json.dumps([number, reason]), flush=True)  # noqa: T201 # the answer


def _listen() -> None:
    """All of Apprise's words come here, and go nowhere else."""
    logger = logging.getLogger("apprise")
    logger.handlers, logger.propagate = [Heard()], False
    logger.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(logging.NullHandler())


def _send_all(apprise: Any, letters: list[list[Any]]) -> None:
    for number, _, url, title, body, check_only in letters:
        lines: list[str] = []
        LINES.set(lines)
        try:
            sender = _sender(apprise, url)
            fine = check_only or _send(apprise, sender, title, body)
            reason = None if fine else _why(lines, url)
        except Exception as error:  # noqa: BLE001 # a service can raise anything; the others go on
            reason = scrubbed(f"{NOT_KNOWN}: {type(error).__name__}: {error}", url)
        _answer(number, reason)


def _sender(apprise: Any, url: str) -> Any:
    """Raises: Exception: Whatever Apprise, or the service, has against the URL."""
    asset = apprise.AppriseAsset(
        app_id="Daypass",
        app_desc="Daypass",
        app_url="",
        async_mode=False,
        storage_mode="memory",  # nothing is kept on disk
        interpret_escapes=False,
        pgp_autogen=False,
        pem_autogen=False,
    )
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=False)
    if service is None:
        raise ValueError("no such service")
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    return sender


def _send(apprise: Any, sender: Any, title: str, body: str) -> bool:
    """Send one message as plain text; where a service wants markup, Apprise takes its marks out of it."""
    return bool(sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT))


def _why(lines: list[str], url: str) -> str:
    return scrubbed("; ".join(dict.fromkeys(lines)) or "Apprise says only that it failed", url)


if __name__ == "__main__":
    main()
