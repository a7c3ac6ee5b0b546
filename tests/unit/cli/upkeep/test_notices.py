"""Notices on the command line: tried out, listed, sent after the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from daypass.cli import main
from daypass.domain.notices import Delivery
from daypass.wiring import initialise, now, open_daypass
from tests import receivers

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

CONFIGURATION = """
integrations: [{name: prod, servers: [{name: web-1, host: h}], secret: {env: KEY}}]
directory: directory.yaml
notices:
  channels:
    - {name: chat, url: {env: CHAT_URL}}
    - {name: mail, url: {file: mail_url}, per_person: true, events: [request_waiting, ended]}
"""
PEOPLE = "people: [{login: alice, email: alice@example.com, groups: [ops]}]"

# A machine under load starts a process late; the limits themselves are tested elsewhere.
LIMITS = (
    "daypass.wiring.opening.COMMAND_SECONDS",
    "daypass.cli.upkeep.reconcile.NOTICES_SECONDS",
    "daypass.notices.trying.TRY_SECONDS",
)


@dataclass(frozen=True)
class Place:
    """A folder with an orchestrator whose channels lead to servers of the test."""

    config: Path
    chat: receivers.Webhook
    mail: receivers.Mail
    setenv: Callable[[str, str], None]

    def run(self, *words: str) -> Result:
        """Each command is a process of its own, with the variable in its environment."""
        self.setenv("CHAT_URL", self.chat.url("s3cret-path"))
        return CliRunner().invoke(main, [*words, "--config", str(self.config)], catch_exceptions=False)

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "-o", "json").stdout)

    def put(self, **fields: Any) -> None:
        """A message in the outbox, as if a command had been killed before it sent it."""
        self.setenv("CHAT_URL", f"json://{receivers.LOOPBACK}:{receivers.free_port()}")
        delivery = {
            "topic": "ended:X", "channel": "chat", "login": "", "event": "ended", "subject": "X", "email": "",
            "title": "A title", "body": "A text", "created_at": now(), "next_try_at": now(), **fields,
        }  # fmt: skip
        with open_daypass(self.config) as daypass:
            with daypass.seams.store.write("test", now()) as work:
                work.add_delivery(Delivery(**delivery))
            raise Gone


class Gone(BaseException):
    """The process is gone."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    for limit in LIMITS:
        monkeypatch.setattr(limit, 100)
    (tmp_path / "directory.yaml").write_text(PEOPLE)
    config = tmp_path / "daypass.yaml"
    config.write_text(f"state_dir: {tmp_path}/state{CONFIGURATION}")
    initialise(config, servers=None, integration="servers", groups=(), connector_key=None)
    with receivers.webhook() as chat, receivers.mail_server() as mail:
        url = tmp_path / "mail_url"
        url.touch(0o600)
        url.write_text(mail.url())
        yield Place(config, chat, mail, monkeypatch.setenv)


def left_behind(place: Place, **fields: Any) -> None:
    with pytest.raises(Gone):
        place.put(**fields)


def test_example_goes_through_each_channel(place):
    """Marked as one; with the line to type, as an approver will see it."""
    done = place.run("notices", "test", "--to", "alice@example.com")
    assert done.exit_code == 0
    assert done.stdout.count("sent") == 2
    assert place.chat.received[0]["title"].startswith("[Test] ")
    [(to, message)] = place.mail.received
    assert to == ["alice@example.com"]
    assert (
        "request approve 01JDEXAMPLE0000000000000000 --as alice" in message.get_payload(decode=True).decode()
    )


def test_channel_per_person_is_left_out_where_nobody_is_named(place):
    """The others are tried all the same."""
    done = place.run("notices", "test")
    assert done.exit_code == 0
    assert "--to" in done.stdout
    assert (len(place.chat.received), place.mail.received) == (1, [])


def test_example_of_an_event_goes_where_it_would_go(place):
    """Only channels that are for it."""
    assert [one["channel"] for one in place.json("notices", "test", "--event", "failed")] == ["chat"]
    assert "fails" in place.chat.received[0]["title"]


def test_channel_that_fails_says_why_and_nothing_of_the_url(place):
    """Exit code 1, and the reason in words that hold no secret."""
    place.chat.status = 403
    done = place.run("notices", "test")
    assert done.exit_code == 1
    assert "403" in done.stdout
    assert "s3cret-path" not in done.output


def test_next_command_sends_what_was_left_behind(place):
    """A message of a command that died goes with the next one."""
    left_behind(place)
    assert [one["state"] for one in place.json("notices", "list")] == ["waiting"]
    assert place.json("notices", "list") == []
    assert [one["state"] for one in place.json("notices", "list", "--all")] == ["sent"]
    assert [one["title"] for one in place.chat.received] == ["A title"]


def test_answer_is_shown_before_anything_is_sent(place, monkeypatch):
    """Nobody waits for a mail server to see what a command has done."""
    shown: list[bool] = []
    written: list[str] = []
    place.chat.before_answer = lambda: shown.append(bool(written))
    monkeypatch.setattr("daypass.cli.upkeep.status._show", lambda *_: written.append("shown"))
    left_behind(place)
    assert place.run("status").exit_code == 0
    assert shown == [True]


def test_failure_is_kept_and_told_where_people_look(place):
    """`notices list`, `status` and `doctor` say it; the command that ran is none the worse."""
    place.chat.status = 500
    left_behind(place)
    assert place.run("status").exit_code == 0
    [waiting] = place.json("notices", "list")
    assert (waiting["channel"], waiting["tries"], waiting["state"]) == ("chat", 1, "waiting")
    assert "500" in waiting["reason"]
    assert waiting["next_try_at"] is not None
    assert "daypass notices list" in place.run("status").stderr
    assert place.json("status")["notices"]["chat"]["unsent"] == 1
    found = {one["what"]: one for one in place.json("doctor")}
    assert found["notices through chat"]["grade"] == "warn"
    assert found["notices through mail"]["grade"] == "ok"


def test_doctor_names_a_url_that_cannot_be_used(place):
    """Before anybody waits for a message."""
    (place.config.parent / "mail_url").write_text("nothing://s3cret")
    found = {one["what"]: one for one in place.json("doctor")}
    assert found["notices through mail"]["grade"] == "fail"
    assert "{email}" in found["notices through mail"]["found"]
    assert "s3cret" not in json.dumps(found)


BREAK_GLASS = """
access_flows:
  - {name: fire, requesters: everyone, targets: {integration: prod}, max_duration: 1h, approvers: none,
     break_glass: true, notify: [{group: ops}]}
"""


def test_doctor_tells_of_break_glass_that_nobody_would_be_told_of(place):
    """It asks nobody because people are told; the channel must be there before the night in question."""
    written = place.config.read_text() + BREAK_GLASS
    place.config.write_text(written)
    assert "break-glass notices" not in {one["what"] for one in place.json("doctor")}
    only_ends = written.replace("{env: CHAT_URL}}", "{env: CHAT_URL}, events: [ended]}")
    place.config.write_text(only_ends)
    found = {one["what"]: one for one in place.json("doctor")}
    assert found["break-glass notices"]["grade"] == "warn"
    assert "fire" in found["break-glass notices"]["found"]


def test_reconcile_tries_again(place):
    """What failed before is its work; it says what couldn't be sent."""
    place.chat.status = 500
    left_behind(place, attempts=3)
    done = place.run("reconcile")
    assert "notices couldn't be sent" in done.stderr
    assert done.exit_code == 0
    place.chat.status = 200
    left_behind(place, topic="ended:Y", attempts=3)
    assert place.json("reconcile")["notices"] == {"sent": 1, "failed": 0, "given_up": 0}
