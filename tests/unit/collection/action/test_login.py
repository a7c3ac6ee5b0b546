"""The ssh command that proves a login."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.action import login


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("-o IdentityFile=/k -o Port=22", "-o Port=22"),
        ("-oIdentityFile=/k -C", "-C"),
        ("-o identityfile /k", "/k"),
        ("-i /k -4", "-4"),
        ("-i/k -l root -F none", "-F none"),
        ("-o User=apono -o CertificateFile=/c -o StrictHostKeyChecking=yes", "-o StrictHostKeyChecking=yes"),
    ],
)
def test_identity_of_the_connector_is_left_out(words: str, left: str):
    """His key must not be offered for somebody else: each refused key counts as a failed login."""
    assert login.without(words.split(), login.IDENTITY) == left.split()


def test_value_in_the_same_word_with_a_blank_is_known():
    """`-o "IdentityFile /k"` is one word after splitting."""
    assert login.without(["-o", "IdentityFile /k", "-4"], login.IDENTITY) == ["-4"]


@pytest.fixture
def ssh(tmp_path: Path):
    """Makes a program that stands in for ssh and counts its calls."""

    def make(script: str) -> list[str]:
        program = tmp_path / "ssh"
        program.write_text(f"#!/bin/sh\necho x >> {tmp_path}/calls\n{script}\n")
        program.chmod(stat.S_IRWXU)
        return [os.fspath(program)]

    make.calls = lambda: len((tmp_path / "calls").read_text().splitlines())
    return make


def test_login_as_the_right_user_works(ssh):
    """The name that the host says is compared."""
    outcome = login.prove(ssh("echo alice"), "alice", 5, 3)
    assert (outcome["failed"], outcome["user"], outcome["rc"]) == (False, "alice", 0)


def test_login_as_another_user_fails(ssh):
    """Getting in isn't enough."""
    outcome = login.prove(ssh("echo root"), "alice", 5, 3)
    assert outcome["code"] == "login_failed"
    assert "root" in outcome["msg"]


def test_refused_login_isnt_tried_again(ssh):
    """Newer sshd drop an address after some refusals."""
    outcome = login.prove(ssh("echo 'Permission denied (publickey).' >&2; exit 255"), "alice", 5, 3)
    assert "Permission denied" in outcome["msg"]
    assert ssh.calls() == 1


def test_unanswered_login_is_tried_again(ssh, monkeypatch: pytest.MonkeyPatch):
    """sshd closes its port for a moment while it reloads."""
    monkeypatch.setattr(login, "PAUSE_SECONDS", 0)
    outcome = login.prove(ssh("echo 'Connection refused' >&2; exit 255"), "alice", 5, 3)
    assert outcome["failed"]
    assert ssh.calls() == 3


@pytest.mark.parametrize("path", ['/a"b', "/a\nb"])
def test_path_that_ssh_would_read_otherwise_is_refused(path: str):
    """A quote would end the value."""
    with pytest.raises(Exception, match="can't be given to ssh"):
        login._quoted(path)


def test_path_with_blanks_and_percent_is_quoted():
    """ssh_config(5) expands percent signs in IdentityFile."""
    assert login._quoted("/a b/%h") == '"/a b/%%h"'
