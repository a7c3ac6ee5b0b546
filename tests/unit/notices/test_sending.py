"""Messages reach real servers once, wait for those that fail, and tell nobody where they go."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.domain.notices import DeliveryState
from daypass.notices.sending import Sent
from tests import receivers
from tests.receivers import LOOPBACK, free_port

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def test_webhook_gets_the_message_once(outbox, webhook):
    """What was sent is done: the next pass sends nothing."""
    outbox.channel("chat", webhook.url())
    outbox.put("chat", title="Access has ended", body="web-1\n(two lines)")
    assert outbox.send() == Sent(sent=1)
    outbox.later(hours=2)
    assert outbox.send() == Sent()
    [message] = webhook.received
    assert (message["title"], message["message"]) == ("Access has ended", "web-1\n(two lines)")
    assert [(one.state, one.attempts, one.reason) for one in outbox.all()] == [("sent", 1, None)]


def test_each_person_gets_mail_of_their_own(outbox, mail):
    """The address becomes part of the URL whatever is in it; the mail is plain text."""
    outbox.channel("mail", mail.url(), per_person=True)
    outbox.put(
        "mail", login="bob", email="bob+access@example.com", title="Zugang für Bob", body="<b>web-1</b>"
    )
    outbox.put("mail", login="eve", email="eve@example.com")
    assert outbox.send() == Sent(sent=2)
    (to_bob, first), (to_eve, _) = sorted(mail.received, key=lambda one: one[0])
    assert (to_bob, to_eve) == (["bob+access@example.com"], ["eve@example.com"])
    assert first.get_content_type() == "text/plain"
    assert first.get_payload(decode=True).decode().strip() == "<b>web-1</b>"


def test_channel_that_wants_html_gets_text_without_marks(outbox, mail):
    """What somebody typed is never markup, whatever the channel makes of a message."""
    outbox.channel("mail", mail.url(to="ops@example.com", query="&format=html"))
    outbox.put("mail", body="Reason: <a href='http://evil.example'>click</a>")
    assert outbox.send() == Sent(sent=1)
    [(_, message)] = mail.received
    html = [part for part in message.walk() if part.get_content_type() == "text/html"]
    text = html[0].get_payload(decode=True).decode()
    assert "<a " not in text
    assert "&lt;a" in text


def test_failure_is_tried_again_after_growing_pauses(outbox, webhook):
    """A 500 is kept with its reason; nothing is tried before the pause is over."""
    outbox.channel("chat", webhook.url())
    outbox.put("chat")
    webhook.status = 500
    assert outbox.send() == Sent(failed=1)
    assert "500" in outbox.reason()
    outbox.later(seconds=59)
    assert outbox.send() == Sent()
    outbox.later(seconds=1)
    assert outbox.send() == Sent(failed=1)
    assert outbox.all()[0].next_try_at == outbox.clock() + timedelta(minutes=2)
    webhook.status = 200
    outbox.later(minutes=2)
    assert outbox.send() == Sent(sent=1)
    assert len(webhook.received) == 3


def test_command_tries_only_what_is_new(outbox, webhook):
    """Somebody who gives access doesn't wait for yesterday's failures."""
    outbox.channel("chat", webhook.url())
    outbox.put("chat", "old")
    webhook.status = 500
    outbox.send(retries=False)
    outbox.later(hours=1)
    webhook.status = 200
    assert outbox.send(retries=False) == Sent()
    outbox.put("chat", "new")
    assert outbox.send(retries=False) == Sent(sent=1)
    assert outbox.send() == Sent(sent=1)


def test_server_that_hangs_is_left_at_the_deadline(outbox):
    """A mail server that says nothing holds a pass up for as long as was said, and no longer."""
    with receivers.silent_server() as port:
        outbox.channel(
            "mail",
            f"mailto://daypass:{receivers.PASSWORD}@{LOOPBACK}:{port}?from=d@b.example&to=a@b.example&cto=300",
        )
        outbox.put("mail")
        assert outbox.send(deadline_seconds=4) == Sent(failed=1)
    assert outbox.reason() == "no answer within 4 s"


def test_channel_that_is_slow_holds_up_no_other(outbox, webhook):
    """This one answers only when the other's message has come."""
    with receivers.webhook() as slow:
        came = threading.Event()
        webhook.before_answer = came.set
        slow.before_answer = lambda: came.wait(60)
        outbox.channel("slow", slow.url(query="?rto=60"))
        outbox.channel("chat", webhook.url())
        outbox.put("slow")
        outbox.put("chat")
        assert outbox.send() == Sent(sent=2)
    assert came.is_set()


def test_many_messages_of_a_broken_channel_hold_up_no_other(outbox, webhook):
    """A turn takes so many of each channel, not the first of all."""
    outbox.channel("gone", f"json://{LOOPBACK}:{free_port()}")
    outbox.channel("chat", webhook.url())
    for number in range(60):
        outbox.put("gone", f"topic{number}")
    outbox.later(seconds=1)
    outbox.put("chat")
    assert outbox.send() == Sent(sent=1, failed=50)


def test_message_that_is_a_day_late_is_given_up(outbox, webhook):
    """It isn't sent any more; the audit log keeps that, and why."""
    outbox.channel("chat", webhook.url())
    outbox.put("chat", login="bob")
    webhook.status = 503
    outbox.send()
    outbox.later(days=1)
    webhook.status = 200
    assert outbox.send() == Sent(given_up=1)
    assert len(webhook.received) == 1
    with outbox.store.read() as view:
        [event] = view.events()
    assert (event.kind, event.subject) == ("notice.given_up", "01JD1")
    assert event.details["channel"] == "chat"
    assert "503" in str(event.details["reason"])


def test_sender_that_was_killed_leaves_the_message_to_the_next_pass(outbox, webhook):
    """A try is counted before it is made: nothing is lost, and nothing is tried without a pause."""

    class Killed(BaseException):
        pass

    def killed(*_words: object) -> dict[int, str | None]:
        raise Killed

    outbox.channel("chat", webhook.url())
    outbox.put("chat")
    sender = outbox.sender
    object.__setattr__(sender, "courier", killed)
    with pytest.raises(Killed):
        sender.send_due(retries=True, deadline_seconds=1)
    assert outbox.send() == Sent()
    outbox.later(minutes=1)
    assert outbox.send() == Sent(sent=1)


def test_two_passes_at_once_send_each_message_once(outbox, made_outbox, webhook):
    """Whoever takes a message first has it."""
    outbox.channel("chat", webhook.url())
    for number in range(30):
        outbox.put("chat", f"topic{number}", title=f"number {number}")
    others = [made_outbox() for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        totals = list(pool.map(lambda other: other.send(), others))
    for other in others:
        other.store.close()
    assert sum(total.sent for total in totals) == 30
    assert sorted(one["title"] for one in webhook.received) == sorted(f"number {n}" for n in range(30))


@pytest.mark.parametrize(
    ("settings", "url", "reason"),
    [
        ({}, None, "$CHAT isn't set"),
        ({"per_person": True}, "json://localhost/x", "the URL holds neither {email} nor {login}"),
        ({}, "json://localhost/{login}", "the URL holds {login}, but per_person isn't set"),
        ({}, "nothing://at-all", "Apprise doesn't take the URL"),
        ({}, "slack://short", "Apprise doesn't take the URL"),
    ],
)
def test_channel_that_cannot_work_says_why(outbox, settings, url, reason):
    """The message waits with the reason; nothing else is hindered."""
    outbox.channel("chat", url, **settings)
    outbox.put("chat")
    assert outbox.send() == Sent(failed=1)
    assert reason in outbox.reason()


def test_message_for_a_channel_that_is_gone_waits_and_is_given_up(outbox):
    """A renamed channel doesn't send under its old name."""
    outbox.put("gone")
    assert outbox.send() == Sent(failed=1)
    assert "isn't in the configuration any more" in outbox.reason()


TOKEN = "T0k3n-of-the-hook"


@pytest.mark.parametrize(
    "url",
    [
        f"json://daypass:{receivers.PASSWORD}@{LOOPBACK}:9/{TOKEN}/x?+X-Api-Key={TOKEN}",
        f"mailto://daypass:{receivers.PASSWORD}@{LOOPBACK}:9?from=d@example.com&to=a@example.com",
        f"nothing://{TOKEN}",
        f"slack://{TOKEN}",
        f"mailtos://{TOKEN}",
        f"discord://{TOKEN}/",
        f"tgram://{TOKEN}/",
        f"json://{LOOPBACK}:port/{TOKEN}",
        f"{TOKEN}",
    ],
)
def test_secrets_of_a_url_are_nowhere(outbox, url, tmp_path, capfd, caplog):
    """Whatever goes wrong: not in the record, not in the audit log, not in what is printed or logged."""
    outbox.channel("chat", url)
    outbox.put("chat")
    assert outbox.send() == Sent(failed=1)
    outbox.later(days=1)
    outbox.send()
    outbox.store.close()
    kept = b"".join(path.read_bytes() for path in Path(tmp_path).iterdir())
    said = "".join(capfd.readouterr()) + caplog.text
    for secret in (TOKEN, receivers.PASSWORD):
        assert secret.encode() not in kept
        assert secret not in said


def test_refused_password_is_told_without_it(outbox, mail):
    """What the mail server says helps; the password isn't in it even where a server repeats it."""
    outbox.channel("mail", mail.url(to="ops@example.com", password="wr0ng-one"))
    outbox.put("mail")
    assert outbox.send() == Sent(failed=1)
    assert "535" in outbox.reason()
    assert "wr0ng-one" not in outbox.reason()
    assert outbox.all()[0].state is DeliveryState.WAITING
