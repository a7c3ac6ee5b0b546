"""Rules of `daypass init`: what it makes, and when it makes nothing."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest
import yaml
from alembic import command
from sqlalchemy import insert

from daypass.audit.anchor import ANCHOR_FILE
from daypass.errors import ConfigurationError, UsageError
from daypass.store import schema, tables
from daypass.store.engines import make_engine
from daypass.store.reading import ORCHESTRATOR_ID
from daypass.wiring import opening
from daypass.wiring.first_start import initialise

SERVERS = '[{"name": "web-1", "host": "192.0.2.1"}]'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, without any configuration of the machine's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAYPASS_CONFIG", raising=False)
    return tmp_path


def start(config: Path | None = None, **words: object):
    """`daypass init` with its defaults."""
    options: dict[str, object] = {"servers": None, "integration": "servers", "groups": ()}
    return initialise(config, **(options | {"connector_key": None} | words))


def test_without_a_server_list_nothing_is_made(place):
    """A configuration that names a missing list would only have to be mended by hand."""
    with pytest.raises(UsageError) as refused:
        start()
    assert refused.value.code == "no_server_list"
    assert list(place.iterdir()) == []


def test_a_new_orchestrator_is_private(place):
    """State folder 0700, CA key 0600, whatever the umask."""
    (place / "servers.json").write_text(SERVERS)
    made = start()
    assert stat.S_IMODE(made.state_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((made.state_dir / "user_ca").stat().st_mode) == 0o600
    assert made.ca_public_key.startswith("ssh-ed25519 ")


def test_a_second_start_makes_nothing_and_keeps_everything(place):
    """CA key and configuration of a running orchestrator are never replaced."""
    (place / "servers.json").write_text(SERVERS)
    first = start()
    text = (place / "daypass.yaml").read_text()
    again = start(groups=("ops",))
    assert again.made == ()
    assert again.ca_public_key == first.ca_public_key
    assert (place / "daypass.yaml").read_text() == text


def test_paths_are_whole_when_the_configuration_lies_elsewhere(place):
    """Relative paths in it start at its own folder; what was typed starts at the caller's."""
    (place / "servers.json").write_text(SERVERS)
    (place / "etc").mkdir()
    start(place / "etc" / "daypass.yaml", connector_key="key")
    integration = yaml.safe_load((place / "etc" / "daypass.yaml").read_text())["integrations"][0]
    assert integration["servers"] == str(place / "servers.json")
    assert integration["secret"] == {"file": str(place / "key")}


def test_an_older_database_is_brought_up_and_init_says_so(place):
    """With the copy of how it was: nothing else would lead back."""
    (place / "servers.json").write_text(SERVERS)
    database = start().state_dir / "daypass.sqlite3"
    for file in database.parent.glob("daypass.sqlite3*"):
        file.unlink()
    engine = make_engine(database)
    with engine.begin() as connection:
        configuration = schema._configuration()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "0007")
        connection.execute(insert(tables.settings), {"name": ORCHESTRATOR_ID, "value": "a" * 32})
    engine.dispose()
    [said] = start().made
    assert said == f"the database's schema {schema.HEAD}, from 0007; as it was: {database}.0007.backup"
    assert Path(f"{database}.0007.backup").is_file()
    assert start().made == ()


def test_a_lost_ca_key_is_not_replaced_once_it_has_signed(place):
    """Servers trust the old one: a new key would open nothing, and nobody would know why."""
    (place / "servers.json").write_text(SERVERS)
    made = start()
    key = made.state_dir / "user_ca"
    with opening.open_daypass(None) as daypass, daypass.seams.store.write("test", daypass.now()) as work:
        work.set_ca_keys((made.ca_public_key,))
    key.unlink()
    with pytest.raises(ConfigurationError) as refused:
        start()
    assert refused.value.code == "ca_key_missing"
    assert not key.exists()


def test_a_command_that_needs_a_lost_ca_key_says_what_to_do(place):
    """Not `daypass init`, which refuses; before anything was signed, it is what makes the key."""
    (place / "servers.json").write_text(SERVERS)
    made = start()
    (made.state_dir / "user_ca").unlink()
    with opening.open_daypass(None) as daypass:
        with pytest.raises(ConfigurationError, match="can't be read") as refused:
            daypass.seams.signer()
        assert "daypass init" in (refused.value.hint or "")
        with daypass.seams.store.write("test", daypass.now()) as work:
            work.set_ca_keys((made.ca_public_key,))
        with pytest.raises(ConfigurationError, match=r"user_ca is missing, and it has signed") as refused:
            daypass.seams.signer()
    hint = refused.value.hint or ""
    assert "backup" in hint
    assert "daypass init" not in hint


def test_whoever_waits_for_the_proof_of_a_long_log_is_told_how_far_it_is(place):
    """A page at a time, of how many."""
    (place / "servers.json").write_text(SERVERS)
    start()
    with opening.open_daypass(None) as daypass:
        with daypass.seams.write(daypass.now()) as work:
            for number in range(1500):
                work.append_event("test", str(number), {})
        told: list[tuple[int, int]] = []
        report = daypass.verify_audit(None, lambda count, total: told.append((count, total)))
    assert sum(count for count, _ in told) == report.checked
    assert {total for _, total in told} == {report.checked}
    assert len(told) > 1


def test_a_lost_audit_anchor_is_told_and_made_anew_by_init_alone(place):
    """Whoever cuts the log's end off would delete the anchor too."""
    (place / "servers.json").write_text(SERVERS)
    anchor = start().state_dir / ANCHOR_FILE
    anchor.unlink()
    with opening.open_daypass(None) as daypass:
        assert any("missing" in problem for problem in daypass.verify_audit(None).problems)
    assert not anchor.exists()
    start()
    with opening.open_daypass(None) as daypass:
        assert daypass.verify_audit(None).whole
        with daypass.seams.store.read() as view:
            assert [event.kind for event in view.events()].count("audit.anchor_made") == 2


def test_no_core_file_is_left_behind(place):
    """Keys are in memory: the limit holds for this process and all that it starts."""
    (place / "servers.json").write_text(SERVERS)
    start()
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)


def test_a_new_state_folder_gets_the_record_that_is_named(place):
    """The same orchestrator goes on in another place; a record that isn't there is none."""
    (place / "servers.json").write_text(SERVERS)
    old = start()
    with pytest.raises(UsageError) as refused:
        start(copy_from=place / "missing.sqlite3")
    assert refused.value.code == "file_unreadable"
    (place / "new").mkdir()
    words = {"servers": place / "servers.json", "copy_from": old.state_dir / "daypass.sqlite3"}
    start(place / "new" / "daypass.yaml", **words)
    opened = []
    for config in (None, place / "new" / "daypass.yaml"):
        with opening.open_daypass(config) as daypass, daypass.seams.store.read() as view:
            opened.append(view.orchestrator_id())
    assert opened[0] == opened[1]


def test_state_of_another_account_is_left_alone(place, monkeypatch):
    """An upgrade by root would leave files there that the gate's account can't write."""
    (place / "servers.json").write_text(SERVERS)
    state = start().state_dir
    before = sorted(path.name for path in state.iterdir())
    (state / "user_ca").unlink()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ConfigurationError) as refused:
        start()
    assert refused.value.code == "state_not_yours"
    assert sorted(path.name for path in state.iterdir()) == [name for name in before if name != "user_ca"]
