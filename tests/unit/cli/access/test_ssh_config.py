"""`daypass access ssh-config` as it is typed: what is asked, what is told, what is left."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.client.answer import read_answer
from daypass.client.keys import make_pair, public_key_of
from daypass.client.places import Home, home_of
from tests.access_site import Site

LATER = timedelta(hours=1)  # before it begins, nothing is sent anywhere


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    return Site(tmp_path)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_of(tmp_path / "home")


def typed(site: Site, home: Home, *words: str, **more):
    return site.run("access", "ssh-config", "--home", str(home.path), *words, **more)


def below(home: Home) -> set[str]:
    return {str(path.relative_to(home.path)) for path in home.path.rglob("*") if path.is_file()}


def test_one_command_makes_everything_and_another_takes_it_away(site, home):
    """Key, certificate, entries, the line that includes them; then nothing but the key."""
    grant = site.give("alice", "web-1", "db-1", begins=LATER)
    done = typed(site, home, "--as", "alice", "--no-passphrase", "--yes")
    assert done.exit_code == 0, done.output
    assert home.include in (home.ssh / "config").read_text()
    files = below(home)
    assert {".ssh/daypass", ".ssh/daypass.pub", ".ssh/config"} < files
    assert any(file.endswith(f"/{grant.id}-2-cert.pub") for file in files)
    (folder,) = home.folder.iterdir()
    assert "Host db-1\n" in (folder / "config").read_text()

    unsure = typed(site, home, "--remove")
    assert (unsure.exit_code, "--yes" in unsure.stderr) == (2, True)
    assert below(home) == files
    looked = typed(site, home, "--remove", "--check")
    assert (looked.exit_code, f"- {home.path}/.ssh/config" in looked.stdout) == (0, True)
    assert below(home) == files
    assert typed(site, home, "--remove", "--yes").exit_code == 0
    assert below(home) == {".ssh/daypass", ".ssh/daypass.pub", ".ssh/config"}
    assert (home.ssh / "config").read_text() == ""
    assert "nothing of Daypass" in typed(site, home, "--remove").stdout


def test_check_changes_nothing_and_shows_the_missing_line(site, home):
    """Neither a key nor a certificate nor a file."""
    site.give("alice", begins=LATER)
    make_pair(home.key("daypass"), passphrase=False)
    site.run("access", "ssh-config", "--home", str(home.path), "--as", "alice")
    (home.ssh / "config").write_text("User bob\n")
    before = below(home)
    done = typed(site, home, "--as", "alice", "--check")
    assert (done.exit_code, "nothing was changed (--check)" in done.stderr) == (0, True)
    assert home.include in done.stdout
    assert below(home) == before
    assert (home.ssh / "config").read_text() == "User bob\n"


def test_without_a_terminal_the_line_is_only_shown(site, home):
    """The file is the person's own: nothing is put into it without a yes."""
    site.give("alice", begins=LATER)
    make_pair(home.key("daypass"), passphrase=False)
    done = typed(site, home, "--as", "alice")
    assert (done.exit_code, home.include in done.stdout) == (0, True)
    assert "daypass access ssh-config --yes" in done.stderr
    assert not (home.ssh / "config").exists()


def test_key_without_passphrase_needs_a_word(site, home):
    """Nobody can be asked here."""
    site.give("alice", begins=LATER)
    done = typed(site, home, "--as", "alice")
    assert (done.exit_code, "--no-passphrase" in done.stderr) == (2, True)
    assert below(home) == set()


def test_server_without_a_certificate_is_told_with_the_reason(site, home):
    """Exit code 3; the others work."""
    lost, _ = site.give("alice", "web-1", begins=LATER), site.give("alice", "db-1", begins=LATER)
    make_pair(home.key("daypass"), passphrase=False)
    file = f"{home.key('daypass')}.pub"
    other = home.path / "other"
    make_pair(other, passphrase=False)
    reissue = ("certificate", "reissue", lost.id, "--public-key")
    assert site.run(*reissue, file).exit_code == 0
    assert site.run(*reissue, f"{other}.pub", "--lost").exit_code == 0
    done = typed(site, home, "--as", "alice")
    assert (done.exit_code, "key lost" in done.stdout) == (3, True)
    (folder,) = home.folder.iterdir()
    assert "Host web-1" not in (folder / "config").read_text()
    assert "Host db-1" in (folder / "config").read_text()


def test_programs_are_told_and_no_file_changes(site, home):
    """Without a key there is no certificate; with one it is signed, unless that isn't wished."""
    site.give("alice", begins=LATER)
    make_pair(home.path / "k", passphrase=False)
    key = public_key_of(home.path / "k")
    before = below(home)
    words = ("--as", "alice", "-o", "json")
    assert read_answer(typed(site, home, *words).stdout).servers[0].grants[0].certificates == ()
    words = (*words, "--public-key", f"{home.path}/k.pub")
    assert read_answer(typed(site, home, *words, "--no-sign").stdout).servers[0].grants[0].certificates == ()
    (certificate,) = read_answer(typed(site, home, *words).stdout).servers[0].grants[0].certificates
    assert key is not None
    assert certificate.fingerprint == key.fingerprint
    assert below(home) == before


def test_archive_is_for_a_key_that_is_named(site, home):
    """An operator sends it to somebody who has no Daypass."""
    site.give("alice", begins=LATER)
    make_pair(home.path / "k", passphrase=False)
    words = ("access", "ssh-config", "--as", "alice", "--archive")
    assert site.run(*words).exit_code == 2
    done = site.run(*words, "--public-key", f"{home.path}/k.pub")
    with tarfile.open(fileobj=io.BytesIO(done.stdout_bytes)) as archive:
        assert any(name.endswith("-2-cert.pub") for name in archive.getnames())


def test_nobody_is_told_without_a_name(site, home):
    """On the orchestrator's machine an operator acts for somebody."""
    done = typed(site, home, "-o", "json")
    assert json.loads(done.stdout)["error"]["code"] == "person_needed"
