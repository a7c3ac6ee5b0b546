"""The controller's side of `accounts`: the program that it sends, and what it takes for a result."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.daypass.ssh.plugins.action.accounts import COMMAND, MARK, read_result, render_input
from ansible_collections.daypass.ssh.plugins.module_utils import program


def _done(stdout: str, stderr: str = "", rc: int = 0) -> dict[str, object]:
    return {"stdout": stdout, "stderr": stderr, "rc": rc}


def _start(request: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, *COMMAND], input=request, capture_output=True, check=False)


def test_sent_program_answers_a_bad_document_with_its_code():
    """The packed sources are a whole program: no package of Ansible's or of the host's is needed."""
    request = {"document": "bm9uc2Vuc2U=", "controller_time": 1.0, "check": True}
    done = _start(render_input(request))
    result = read_result(_done(done.stdout.decode(), done.stderr.decode(), done.returncode))
    assert result["failed"] is True
    assert result["answer"]["code"] == "document_invalid"
    assert "document_invalid" in result["msg"]


def test_program_that_was_cut_off_on_its_way_does_nothing_and_gives_no_result():
    """Sources count whole or not at all: a connection that broke leaves an outcome that nobody knows."""
    request = {"document": "bm9uc2Vuc2U=", "controller_time": 1.0, "check": True}
    content = render_input(request)
    done = _start(content[: len(content) // 2])
    assert done.returncode != 0
    assert MARK.encode() not in done.stdout


def test_both_ends_know_the_same_mark():
    """The action looks for what the program prints; it can't import it on the controller."""
    assert program.MARK == MARK


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
