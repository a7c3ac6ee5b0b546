"""Files come all together, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from daypass.errors import ConfigurationError, UsageError
from daypass.importing import writing

FILES = {"servers.json": "[]", "daypass.yaml": "a: 1\n", "directory.yaml": "b: 2\n"}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_that_comes_meanwhile_is_kept_and_no_other_is_left(tmp_path, monkeypatch):
    """Between the look and the writing somebody else may write; nothing of theirs is replaced."""
    monkeypatch.setattr(writing, "look_before", lambda *_, **__: None)
    (tmp_path / "daypass.yaml").write_text("theirs", encoding="utf-8")
    with pytest.raises(UsageError):
        writing.write(tmp_path, FILES, force=False)
    assert names(tmp_path) == ["daypass.yaml"]
    assert (tmp_path / "daypass.yaml").read_text(encoding="utf-8") == "theirs"


def test_folder_that_cant_be_written_is_told(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="can't make"):
        writing.write(tmp_path / "out", FILES, force=False)


def test_files_are_for_their_owner_and_group(tmp_path):
    """As `daypass init` makes them."""
    writing.write(tmp_path / "new" / "out", FILES, force=False)
    assert names(tmp_path / "new" / "out") == sorted(FILES)
    assert (tmp_path / "new" / "out" / "daypass.yaml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["daypass.yaml", "directory.yaml"])
def test_text_that_says_something_else_is_never_written(name):
    """What our loaders refuse, or what isn't what was meant, is a defect here, and stops it before."""
    servers = '[{"name": "web-1", "host": "192.0.2.1"}]'
    files = {
        "servers.json": servers,
        "daypass.yaml": "integrations: [{name: a, servers: servers.json, secret: {env: K}}]\n",
        "directory.yaml": "people: [{email: a@example.com, login: a}]\n",
    }
    writing.check_loads(files, {})
    with pytest.raises(ConfigurationError):
        writing.check_loads(files, {name: {}})
    with pytest.raises(ConfigurationError):
        writing.check_loads({**files, name: "nothing: 1\n"}, {})
