"""A person's own account from the directory's word to its end: granted, used, given back, forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.orchestrator import Orchestrator

SERVER, UID = "web-3", 1801
PEOPLE = f"people: [{{login: settler, email: settler@example.com, uid: {UID}}}]\n"


@pytest.fixture
def joining(site: Orchestrator) -> Iterator[None]:
    """The integration joins accounts, and the directory declares one."""
    file = site.folder / "daypass.yaml"
    before = file.read_text()
    (site.folder / "directory.yaml").write_text(PEOPLE)
    text = before.replace("    login_shell:", "    existing_accounts: join\n    login_shell:")
    file.write_text(text + "directory: directory.yaml\n")
    yield
    file.write_text(before)


def test_a_declared_account_is_joined_and_given_back(site, look, tidy, joining):
    """Its own line in every file is as before; only the grant came and went, and the log tells both."""
    site.lab.exec(
        SERVER, ["useradd", "-m", "-u", str(UID), "-s", "/bin/sh", "-c", "been here", "-G", "logs", "settler"]
    )
    before = look(SERVER)
    grant = site.grant("settler", SERVER, groups=["ops", "logs"])
    assert grant.answer["servers"][SERVER]["state"] == "applied"
    assert site.gets_in(grant, SERVER)
    during = look(SERVER)
    assert (during.passwd, during.shadow) == (before.passwd, before.shadow)
    assert during.group != before.group
    status = site.run("status", "--output", "json").json
    server = next(one for one in status["servers"] if one["name"] == SERVER)
    assert (server["accounts"]["settler"], server["joined"]) == ("open", ["settler"])
    assert "settler open (joined)" in site.run("status").out

    site.revoke(grant)
    site.reconcile()
    after = look(SERVER)
    assert (after.passwd, after.shadow, after.group) == (before.passwd, before.shadow, before.group)
    assert not site.gets_in(grant, SERVER)
    assert "settler" not in after.ledger["accounts"]
    with site.opened() as daypass, daypass.seams.store.read() as view:
        events = [event for event in view.events() if event.details.get("login") == "settler"]
    kinds = [event.kind for event in events]
    assert kinds.index("account.joined") < kinds.index("account.given_back") < kinds.index("account.removed")
