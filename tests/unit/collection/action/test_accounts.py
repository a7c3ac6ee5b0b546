"""The controller's side of `accounts`: the document it makes of options, and what it takes for a result."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest

from ansible_collections.daypass.ssh.plugins.action.accounts import opaque_of
from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.plugin_utils import program
from ansible_collections.daypass.ssh.plugins.plugin_utils.program import COMMAND, MARK, render_input

REQUEST = {"operation": "accounts", "document": "bm9uc2Vuc2U=", "controller_time": 1.0, "check": True}
ALICE = {"name": "alice", "uid": "70007", "comment": "alice@example.com"}
ENDED = {"id": "G1", "state": "absent"}


def _done(stdout: str, stderr: str = "", rc: int = 0) -> dict[str, object]:
    return {"stdout": stdout, "stderr": stderr, "rc": rc}


def read_result(done: dict[str, object]) -> dict[str, object]:
    return program._result(done, program._printed(done))


def _start(request: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *COMMAND], input=request, capture_output=True, check=False)


class Host:
    """Stands for an action whose host prints one text after the other."""

    def __init__(self, *printed: str) -> None:
        self.printed = list(printed)
        self.received: list[bytes] = []

    def _low_level_execute_command(self, command: str, in_data: bytes) -> dict[str, object]:
        self.received.append(in_data)
        return _done(self.printed.pop(0))


WANTED = MARK + json.dumps({"wanted": "sources"}) + "\n"
DONE = MARK + json.dumps({"failed": False, "changed": True}) + "\n"


def test_host_with_the_program_gets_the_request_alone():
    """One connection, no sources."""
    host = Host(DONE)
    assert program.send(host, "/usr/bin/python3", REQUEST) == {"failed": False, "changed": True}
    assert [program.CODE.packed() in one for one in host.received] == [False]


def test_host_without_the_program_gets_the_sources_next():
    """The sources follow, with the same request."""
    host = Host(WANTED, DONE)
    assert program.send(host, "/usr/bin/python3", REQUEST) == {"failed": False, "changed": True}
    assert [one.endswith(program.CODE.packed()) for one in host.received] == [False, True]


def test_host_that_always_asks_for_sources_fails():
    """A host that lies costs two connections, no more."""
    host = Host(WANTED, WANTED)
    assert program.send(host, "/usr/bin/python3", REQUEST)["failed"] is True
    assert len(host.received) == 2


def test_options_make_the_document_that_the_module_would_make():
    """Defaults, types and order are Ansible's; the bytes are those of an opaque document."""
    opaque = opaque_of({"accounts": [{**ALICE, "grants": [ENDED]}], "exclusive": "no"})
    assert opaque is not None
    found = document.parse(opaque)
    assert (found.accounts[0].uid, found.accounts[0].shell, found.accounts[0].absent) == (
        70007,
        "/bin/bash",
        ("G1",),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"document": "x", "accounts": []},
        {"accounts": [ALICE], "surprise": 1},
        {"accounts": [{"name": "alice"}]},
        {"accounts": [{**ALICE, "uid": "many"}]},
        {"accounts": [{**ALICE, "existing": "perhaps"}]},
        {"accounts": "alice"},
        {"accounts": [{**ALICE, "grants": [{"id": "G1", "not_after": dt.date(2026, 11, 22)}]}]},
        {"accounts": [{**ALICE, "shell": "~/sh"}]},
        {"accounts": [{**ALICE, "shell": "$HOME/sh"}]},
    ],
)
def test_what_only_the_module_can_tell_is_left_to_it(arguments: dict[str, object]):
    """Wrong arguments read as Ansible's own error, and what means something on the host is read there."""
    assert opaque_of(arguments) is None


def test_options_that_make_no_document_are_refused_before_anything_is_sent():
    """The same code and sentence as the module's."""
    with pytest.raises(Refusal) as refused:
        opaque_of({"accounts": [{**ALICE, "grants": [{**ENDED, "groups": ["ops"]}]}]})
    assert refused.value.code == "document_invalid"


def test_sent_program_answers_a_bad_document_with_its_code():
    """The packed sources are a whole program: no package of Ansible's or of the host's is needed."""
    done = _start(render_input(REQUEST, with_sources=True))
    result = read_result(_done(done.stdout.decode(), done.stderr.decode(), done.returncode))
    assert result["failed"] is True
    assert result["answer"]["code"] == "document_invalid"
    assert "document_invalid" in result["msg"]


def test_program_that_was_cut_off_on_its_way_does_nothing_and_gives_no_result():
    """Sources count whole or not at all: a connection that broke leaves an outcome that nobody knows."""
    content = render_input(REQUEST, with_sources=True)
    for length in (len(content) - 1, len(content) - 1000, 5000):
        done = _start(content[:length])
        assert done.returncode != 0
        assert MARK.encode() not in done.stdout


def test_text_before_the_result_is_left_aside():
    """A login may print a banner before anything of ours runs."""
    result = read_result(
        _done('Welcome!\n{"failed": true}\n' + MARK + '{"failed": false, "changed": true}\n')
    )
    assert result == {"failed": False, "changed": True}


def test_no_result_is_a_failure_with_what_was_printed():
    """What sudo or the shell said is kept: the orchestrator finds the reason in it."""
    result = read_result(_done("", "sudo: a password is required", 1))
    assert result["failed"] is True
    assert result["module_stderr"] == "sudo: a password is required"
    assert result["rc"] == 1


def test_result_of_the_wrong_shape_is_no_result():
    """JSON that isn't ours is no answer, whatever it says."""
    for line in ("[]", "null", "{}", '{"failed": "no"}', "{"):
        assert read_result(_done(MARK + line))["failed"] is True


def test_other_names_in_a_result_are_dropped():
    """A host can't set facts or Ansible's own variables through its answer."""
    line = {
        "failed": False,
        "changed": False,
        "ansible_facts": {"ansible_user": "root"},
        "_ansible_no_log": True,
        "answer": "text",
    }
    assert read_result(_done(MARK + json.dumps(line))) == {"failed": False, "changed": False}
