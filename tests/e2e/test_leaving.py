"""Somebody leaves: the access ends and the account goes in one pass, and there is no way back in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.orchestrator import Orchestrator

SERVER = "web-2"


@pytest.fixture
def people(site: Orchestrator) -> Iterator[Callable[[str], None]]:
    """`people("false")`: the directory of somebody who stays and somebody who does, or doesn't, any more."""
    file = site.folder / "daypass.yaml"
    before = file.read_text()
    # Accounts wait for ever; somebody who left doesn't.
    lines = [line for line in before.splitlines() if "user_cleanup_days" not in line]
    file.write_text("\n".join([*lines, "directory: directory.yaml", ""]))

    def write(active: str) -> None:
        (site.folder / "directory.yaml").write_text(
            "people:\n"
            "  - {login: stayer, email: stayer@example.com}\n"
            f"  - {{login: leaver, email: leaver@example.com, active: {active}}}\n"
        )

    write("true")
    yield write
    file.write_text(before)


def test_who_left_loses_access_and_account_in_one_pass(site, look, tidy, people):
    """Whatever was granted, and however long accounts are kept; others keep what they have."""
    gone, kept = site.grant("leaver", SERVER, groups=["ops"]), site.grant("stayer", SERVER)
    assert "leaver@example.com" in look(SERVER).passwd
    assert site.gets_in(gone, SERVER)

    people("false")
    site.run(*site.grant_words("leaver", SERVER), code=4)
    answer = site.reconcile()
    assert answer["left"] == [gone.id]
    assert answer["removals"][SERVER] == ["leaver"]
    state = look(SERVER)
    assert "leaver" not in state.passwd
    assert "leaver" not in state.accounts
    assert not site.gets_in(gone, SERVER)
    assert site.gets_in(kept, SERVER)
