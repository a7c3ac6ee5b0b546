from __future__ import annotations

import copy
import os
import pickle

import pytest

from daypass.domain.secrets import FromEnvironment, FromFile, Secret
from daypass.errors import ConfigurationError
from daypass.secret_stores import resolve, take_environment
from daypass.secret_stores.file import MAX_SECRET_BYTES

VARIABLE = FromEnvironment("DAYPASS_CONNECTOR_KEY")


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(b"the key\n")
    return path


def test_secret_never_shows_itself():
    """Not in text, not in a container, not in an error, not through pickle."""
    secret = Secret(b"the key")
    assert f"{secret} {secret!r} {[secret]}".count("the key") == 0
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert copy.deepcopy(secret) is secret


def test_variable_leaves_the_environment_when_it_is_read():
    """What is started afterwards can't inherit it."""
    environ = {VARIABLE.name: "the key", "PATH": "/bin"}
    assert resolve(VARIABLE, environ).reveal() == b"the key"
    assert environ == {"PATH": "/bin"}


def test_variable_named_twice_serves_both():
    """Two integrations may share a connector key; it is taken once, before anything starts."""
    environ = {VARIABLE.name: "the key"}
    taken = take_environment([VARIABLE, FromEnvironment("DAYPASS_CONNECTOR_KEY")], environ)
    assert not environ
    assert [resolve(VARIABLE, environ, taken).reveal() for _ in range(2)] == [b"the key"] * 2


def test_variable_that_is_missing_is_no_error_until_it_is_needed():
    """`daypass status` works without the connector's key; a wave says which variable it wants."""
    taken = take_environment([VARIABLE], {"PATH": "/bin"})
    assert taken == {}
    with pytest.raises(ConfigurationError, match="DAYPASS_CONNECTOR_KEY"):
        resolve(VARIABLE, {}, taken)


def test_empty_variable_counts_as_missing():
    """An empty value is a mistake in a script, never a secret."""
    with pytest.raises(ConfigurationError) as caught:
        resolve(VARIABLE, {VARIABLE.name: ""})
    assert caught.value.code == "secret_missing"


def test_private_file_is_read(secret_file):
    """The content as it is; what it means is the reader's matter."""
    assert resolve(FromFile(secret_file), {}).reveal() == b"the key\n"


def test_link_to_a_private_file_is_read(secret_file, tmp_path):
    """Secret mounts hand out links; the file behind is what counts."""
    link = tmp_path / "link"
    link.symlink_to(secret_file)
    assert resolve(FromFile(link), {}).reveal() == b"the key\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_file_that_others_can_touch_is_refused(secret_file, mode):
    """As ssh refuses a private key with such a mode; the hint says what to type."""
    secret_file.chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        resolve(FromFile(secret_file), {})
    assert caught.value.code == "secret_exposed"
    assert caught.value.hint == f"chmod 600 {secret_file}"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "secret_missing"), (b" \n", "secret_missing"), (b"x" * (MAX_SECRET_BYTES + 1), "secret_invalid")],
)
def test_empty_or_endless_file_is_refused(secret_file, content, code):
    """Neither can be a key."""
    secret_file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        resolve(FromFile(secret_file), {})
    assert caught.value.code == code


def test_missing_file_is_named(tmp_path):
    """With the path that was looked at."""
    with pytest.raises(ConfigurationError, match="nothing-here"):
        resolve(FromFile(tmp_path / "nothing-here"), {})


def test_fifo_is_refused_without_waiting(tmp_path):
    """Opening one would wait for a writer for ever."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    with pytest.raises(ConfigurationError, match="regular file"):
        resolve(FromFile(fifo), {})


def test_folder_is_refused(tmp_path):
    """A folder is no secret."""
    with pytest.raises(ConfigurationError, match="regular file"):
        resolve(FromFile(tmp_path), {})
