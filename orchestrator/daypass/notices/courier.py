"""Handing letters to the process that sends them, and never waiting longer than was said.

Apprise runs in a process of its own: it is large, speaks to servers of all kinds, and may hang anywhere. It
gets the URLs through a pipe, a small environment, and is ended at the deadline, whatever it does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daypass.domain.secrets import Secret
from daypass.notices.reasons import LONGEST_REASON, scrubbed

MODULE = "daypass.notices.apprise_process"
# What a program needs to reach the network from here, and nothing that could be a secret of ours.
PASSED = (
    *("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)


@dataclass(frozen=True)
class Letter:
    """One message with where it goes; letters of one channel are sent one after the other.

    Attributes:
        check_only: Look whether Apprise takes the URL; send nothing.
    """

    channel: str
    url: Secret
    title: str
    body: str
    check_only: bool = False


# Letters by number and seconds -> for each number why it wasn't sent, None where it was.
Courier = Callable[[Mapping[int, Letter], float], dict[int, str | None]]


def send_letters(letters: Mapping[int, Letter], deadline_seconds: float) -> dict[int, str | None]:
    """Send them through Apprise; all channels at once."""
    if not letters:
        return {}
    listed = [
        [number, one.channel, _url(one), one.title, one.body, one.check_only]
        for number, one in letters.items()
    ]
    output, ended = _run(json.dumps({"seconds": deadline_seconds, "letters": listed}), deadline_seconds)
    answered = _answers(output)
    silent = "the process that sends came to an end" if ended else f"no answer within {deadline_seconds:g} s"
    return {
        number: _reason(answered[number], one) if number in answered else silent
        for number, one in letters.items()
    }


def _url(letter: Letter) -> str:
    return letter.url.reveal().decode("utf-8")


def _reason(answer: str | None, letter: Letter) -> str | None:
    """Scrubbed here too: what the other process says isn't taken on trust."""
    return None if answer is None else scrubbed(answer, _url(letter))


def _run(request: str, deadline_seconds: float) -> tuple[str, bool]:
    """What the process has said by the deadline, and whether it ended by itself."""
    environment = {name: os.environ[name] for name in PASSED if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the command; this process is ended by it
    )
    try:
        return process.communicate(request, timeout=deadline_seconds)[0], True
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0], False  # what it said before counts
    finally:
        process.kill()
        process.wait()


def _answers(output: str) -> dict[int, str | None]:
    """One answer a line, `[number, reason or null]`; a line that was cut off isn't one."""
    answers: dict[int, str | None] = {}
    for line in output.splitlines():
        try:
            number, reason = json.loads(line)
        except (ValueError, TypeError):
            continue
        if isinstance(number, int) and (reason is None or isinstance(reason, str)):
            answers[number] = None if reason is None else reason[:LONGEST_REASON]
    return answers
