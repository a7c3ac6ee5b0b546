"""Run folders are private, and only those of dead owners are removed."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daypass.errors import ExecutionError
from daypass.execution.processes import end_processes
from daypass.execution.run_folder import RunFolder, default_run_root, remove_stale_runs

NOW = datetime.now(UTC)
OWNER = """
import sys, time
from pathlib import Path
from daypass.execution.run_folder import RunFolder
run = RunFolder(Path(sys.argv[1]))
print(run.path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A short path, as run folders hold sockets."""
    folder = Path(tempfile.mkdtemp(prefix="daypass-"))
    yield folder
    shutil.rmtree(folder)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_run_folder_is_private_and_gone_afterwards(root: Path) -> None:
    """Only this user can read what a wave needs, whatever the umask, and only while it runs."""
    before = os.umask(0)
    try:
        with RunFolder(root / "runs") as run:
            file = run.write("files/note", b"x")
            assert [mode(path) for path in (root / "runs", run.path, file.parent, file)] == [
                0o700,
                0o700,
                0o700,
                0o600,
            ]
    finally:
        os.umask(before)
    assert list((root / "runs").iterdir()) == []


def test_file_is_never_written_twice(root: Path) -> None:
    """A name that is there already, as a link perhaps, is an error."""
    with RunFolder(root) as run:
        (run.path / "note").symlink_to(root / "elsewhere")
        with pytest.raises(FileExistsError):
            run.write("note", b"x")


def test_root_that_others_can_enter_is_refused(root: Path) -> None:
    """A folder that somebody else made or may read doesn't get secrets' neighbours."""
    root.chmod(0o755)
    with pytest.raises(ExecutionError, match="0700"):
        RunFolder(root)


def test_root_that_is_a_link_is_refused(root: Path) -> None:
    """A link in a shared folder may lead anywhere."""
    (root / "link").symlink_to(root)
    with pytest.raises(ExecutionError):
        RunFolder(root / "link")


@pytest.mark.parametrize("name", ["with blank", "100%h", "a:b", "${HOME}", "quote'", "x" * 90])
def test_root_with_a_meaning_for_ssh_is_refused(root: Path, name: str) -> None:
    """ssh and Ansible split and expand such paths; they are refused, not quoted."""
    with pytest.raises(ExecutionError):
        RunFolder(root / name)


def test_folder_of_a_living_owner_stays_and_of_a_dead_one_goes(root: Path) -> None:
    """What counts is whether the owner runs, not the age."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(root)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        assert remove_stale_runs(root, NOW + timedelta(days=9)) == []
        owner.kill()
    assert remove_stale_runs(root, NOW) == [folder.name]
    assert not folder.exists()


def test_half_made_folder_goes_when_it_is_old(root: Path) -> None:
    """A folder that is just being made has no lock yet and is left alone; ten minutes later it is rubbish."""
    (root / ".new-abc").mkdir()
    (root / "run-abc").mkdir()
    assert remove_stale_runs(root, NOW) == ["run-abc"]
    assert remove_stale_runs(root, NOW + timedelta(hours=1)) == [".new-abc"]


def test_foreign_files_in_the_root_stay(root: Path) -> None:
    """Only what we named is ours to remove."""
    (root / "notes").mkdir()
    (root / "run-file").write_text("x")
    assert remove_stale_runs(root, NOW + timedelta(days=9)) == []
    assert remove_stale_runs(root / "missing", NOW) == []


def test_only_processes_of_the_run_are_ended(root: Path) -> None:
    """The run folder as HOME is what marks them; another folder with the same beginning doesn't."""
    with (
        subprocess.Popen(["sleep", "60"], env={"HOME": str(root / "run-a")}) as ours,
        subprocess.Popen(["sleep", "60"], env={"HOME": str(root / "run-ab")}) as other,
    ):
        assert end_processes(root / "run-a") == 1
        assert ours.wait(5) == -9
        assert other.poll() is None
        other.kill()


def test_run_root_is_in_memory_where_that_is_private(root: Path) -> None:
    """The login's own tmpfs comes first; one that others can enter is passed over."""
    runtime = root / "runtime"
    runtime.mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(runtime)}
    assert default_run_root(root, environ) == runtime / "daypass"
    (runtime / "daypass").chmod(0o777)
    assert default_run_root(root, environ) != runtime / "daypass"
