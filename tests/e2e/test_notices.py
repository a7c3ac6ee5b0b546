"""An approver who knows nothing but the message that came, and what else people are told."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

import pytest

from daypass.domain.notices import DeliveryState
from tests import receivers

from .company import Company

SERVER = "web-1"
PEOPLE = ({"login": "needy"}, {"login": "helpful", "groups": ["platform"]})
FLOW = {
    "name": "production",
    "requesters": "everyone",
    "targets": {"servers": SERVER, "user_groups": ["Default", "ops"]},
    "max_duration": "8h",
    "approvers": [{"group": "platform"}],
}


@pytest.fixture
def webhook() -> Iterator[receivers.Webhook]:
    with receivers.webhook() as one:
        yield one


@pytest.fixture
def company(site, webhook) -> Iterator[Company]:
    """Each person has a place of their own at the webhook; a second channel leads nowhere."""
    channels = []
    gone = f"json://{receivers.LOOPBACK}:{receivers.free_port()}/T0k3n"
    for name, url, per_person in (("hook", webhook.url("{login}"), True), ("gone", gone, False)):
        file = site.folder / f"{name}_url"
        file.touch(0o600)
        file.write_text(url)
        channels.append({"name": name, "url": {"file": file.name}, "per_person": per_person})
    made = Company(site)
    made.write(PEOPLE, [FLOW], notices={"channels": channels})
    yield made
    made.restore()
    with site.opened() as daypass, daypass.seams.store.write("test", daypass.now()) as work:
        for one in work.deliveries():  # other tests' commands have nothing to do with them
            work.set_delivery(replace(one, state=DeliveryState.SENT, done_at=daypass.now()))


def test_the_line_in_the_message_gives_access(site, company, webhook, tidy):
    """Typed as it came; each person is told of what is theirs, and a channel that is gone hinders nothing."""
    company.as_("needy", "request", "new", "--server", SERVER, "--for", "1h", "--reason", "INC-1")
    site.run("reconcile", code=None)  # in case the machine was too busy to send within the command's time
    [waiting] = webhook.received
    assert waiting["path"] == "/helpful"
    line = re.search(r"^Yes: +daypass (.*)$", waiting["message"], re.MULTILINE)
    assert line is not None

    given = site.run(*shlex.split(line[1]), "--output", "json").json
    assert set(given["grant"]["servers"].values()) == {"applied"}
    grant = company.held("needy", given["grant"]["id"])
    assert site.gets_in(grant, SERVER)
    site.run("revoke", grant.id)
    site.run("reconcile", code=None)
    assert [(one["path"], one["title"]) for one in webhook.received[1:]] == [
        ("/needy", f"Access to {SERVER} is approved"),
        ("/needy", f"Access to {SERVER} has ended"),
    ]

    unsent = site.run("status", "--output", "json").json["notices"]
    assert unsent["gone"]["unsent"] == 3
    assert "T0k3n" not in site.run("notices", "list", "--output", "json").out
    assert "T0k3n" not in site.run("audit", "list", "--output", "json").out
