"""What comes back from a wave, server by server."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.servers import Server
from daypass.errors import ExecutionError
from daypass.execution.executor import WaveServer
from daypass.execution.host_keys import scan
from daypass.execution.runner import RunnerExecutor
from lab import api
from tests.integration.execution.waves import (
    answer,
    b64,
    document,
    make_executor,
    make_key,
    processes_naming,
    server,
    wave,
)

DEADLINE = 240
# JSON that ansible-runner takes for an event and stumbles over: [1], and a failure of somebody else.
FORGED = [b64(text) for text in ("[1]", '{"uuid": "a", "event": "runner_on_failed"}')]


def test_converged_answer_is_applied(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """Each server's answer comes back under its own name, and is told as soon as it is known."""
    told: dict[str, Outcome] = {}
    waves = [
        wave(host, result=answer(sequence=number)) for number, host in enumerate(light_lab.hosts, start=1)
    ]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE, on_outcome=told.__setitem__)
    assert [outcome.kind for outcome in outcomes.values()] == [OutcomeKind.APPLIED] * 3
    assert {name: o.answer.sequence for name, o in outcomes.items() if o.answer} == {
        host.name: number for number, host in enumerate(light_lab.hosts, start=1)
    }
    assert told == outcomes


def test_refusal_of_the_host_keeps_its_code_and_sentence(
    executor: RunnerExecutor, light_lab: api.Lab
) -> None:
    """A module that fails with an answer is no lost result: the host's own reason counts."""
    refusal = answer(status="refused", code="not_onboarded", message="no ledger", hint="daypass onboard")
    waves = [wave(light_lab.hosts[0], fail=True, result={**refusal, "msg": "no ledger"})]
    outcome = executor.run("accounts", waves, deadline_seconds=DEADLINE)[light_lab.hosts[0].name]
    assert (outcome.kind, outcome.code, outcome.message) == (
        OutcomeKind.REFUSED,
        "not_onboarded",
        "no ledger; daypass onboard",
    )


def test_wrong_host_key_stops_the_login(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """A server that shows another key than the recorded one is never logged in to, and the others go on."""
    first, second, third = light_lab.hosts
    waves = [
        wave(first, host_keys=(second.host_key,), touch="/root/reached"),
        wave(second, result=answer()),
        wave(third, host_keys=(), touch="/root/reached"),
    ]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE)
    assert {name: (o.kind, o.code) for name, o in outcomes.items()} == {
        first.name: (OutcomeKind.UNREACHABLE, "host_key_mismatch"),
        second.name: (OutcomeKind.APPLIED, None),
        third.name: (OutcomeKind.UNREACHABLE, "host_key_missing"),
    }
    for host in (first, third):
        assert light_lab.exec(host, ["test", "-e", "/root/reached"], check=False).returncode == 1


def test_dead_and_frozen_servers_hold_up_nobody(light_lab: api.Lab, run_root: Path) -> None:
    """A live server's answer is told while a frozen one is waited for: it is what ends the frost here."""
    live, frozen, dead = light_lab.hosts
    executor = make_executor(light_lab, run_root, connect_timeout_seconds=DEADLINE)
    told: list[str] = []

    def thaw(name: str, _outcome: Outcome) -> None:
        told.append(name)
        if name == live.name:
            light_lab.unpause(frozen)

    nobody = WaveServer(replace(server(dead), port=9), (dead.host_key,), {"daypass_document": document()})
    waves = [wave(frozen, result=answer()), nobody, wave(live, result=answer())]
    light_lab.pause(frozen)
    try:
        outcomes = executor.run("accounts", waves, deadline_seconds=2 * DEADLINE, on_outcome=thaw)
    finally:
        if live.name not in told:
            light_lab.unpause(frozen)
    assert {name: (o.kind, o.code) for name, o in outcomes.items()} == {
        live.name: (OutcomeKind.APPLIED, None),
        frozen.name: (OutcomeKind.APPLIED, None),
        dead.name: (OutcomeKind.UNREACHABLE, "connection_refused"),
    }
    assert told[-1] == frozen.name


def test_server_that_accepts_and_says_nothing_is_timed_out(light_lab: api.Lab, run_root: Path) -> None:
    """A frozen server is unreachable after the connect timeout, long before the deadline."""
    frozen = light_lab.hosts[1]
    executor = make_executor(light_lab, run_root, connect_timeout_seconds=2)
    light_lab.pause(frozen)
    try:
        outcome = executor.run("accounts", [wave(frozen)], deadline_seconds=DEADLINE)[frozen.name]
    finally:
        light_lab.unpause(frozen)
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNREACHABLE, "timed_out")


def test_foreign_connector_key_is_permission_denied(light_lab: api.Lab, run_root: Path) -> None:
    """A key that the server doesn't know reads as such, not as a dead server."""
    executor = make_executor(light_lab, run_root)
    host = light_lab.hosts[0]
    nobody = WaveServer(server(host, user="nobody"), (host.host_key,), {"daypass_document": document()})
    outcome = executor.run("accounts", [nobody], deadline_seconds=DEADLINE)[host.name]
    assert (outcome.kind, outcome.code) == (OutcomeKind.UNREACHABLE, "permission_denied")


def test_deadline_ends_the_wave_and_leaves_the_server_unknown(
    executor: RunnerExecutor, light_lab: api.Lab, run_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who hasn't answered at the deadline is unknown; answers until then count, and no process is left."""
    quick, slow, _ = light_lab.hosts
    ahead = 0

    def deadline_passes(_name: str, _outcome: Outcome) -> None:
        nonlocal ahead
        ahead = DEADLINE

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)
    monkeypatch.setattr("daypass.execution.runner.time", clock)
    waves = [wave(quick, result=answer()), wave(slow, sleep=300, result=answer())]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE, on_outcome=deadline_passes)
    assert outcomes[quick.name].kind is OutcomeKind.APPLIED
    assert (outcomes[slow.name].kind, outcomes[slow.name].code) == (OutcomeKind.UNKNOWN, "deadline")
    assert processes_naming(str(run_root)) == []


def test_results_that_were_lost_are_unknown(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """Too large, unreadable, or of another shape: never applied, never failed."""
    large, garbage, other = light_lab.hosts
    waves = [
        wave(large, size=800_000, result=answer()),
        wave(garbage, print="Segmentation fault"),
        wave(other, result={"answer": {"version": 1, "status": "converged", "accounts": ["root"]}}),
    ]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE)
    assert {name: (o.kind, o.code) for name, o in outcomes.items()} == {
        large.name: (OutcomeKind.UNKNOWN, "no_result"),
        garbage.name: (OutcomeKind.UNKNOWN, "no_answer"),
        other.name: (OutcomeKind.UNKNOWN, "answer_unreadable"),
    }


def test_server_that_prints_event_marks_changes_nobody_elses_outcome(
    executor: RunnerExecutor, light_lab: api.Lab
) -> None:
    """ansible-runner finds events by marks in the output; text from a server must not pose as one."""
    forger, victim, _ = light_lab.hosts
    marks = "".join(f"\x1b[K{text}\x1b[{len(text)}D\x1b[K" for text in FORGED)
    waves = [
        wave(forger, fail=True, result={"msg": marks, "warnings": [marks], "stdout": marks, "stderr": marks}),
        wave(victim, sleep=1, result=answer()),
    ]
    outcomes = executor.run("accounts", waves, deadline_seconds=DEADLINE)
    assert outcomes[victim.name].kind is OutcomeKind.APPLIED
    assert outcomes[forger.name].kind is OutcomeKind.UNKNOWN
    assert "\x1b" not in str(outcomes[forger.name].message)


def test_templates_in_variables_stay_text(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """What comes from outside is never executed as a template on this machine."""
    host = light_lab.hosts[0]
    evil = "{{ lookup('ansible.builtin.pipe', 'touch /tmp/daypass-templated') }}"
    tagged = WaveServer(
        server(host, tags={"owner": evil}),
        (host.host_key,),
        {"daypass_document": document(result=answer()), "daypass_note": evil},
    )
    executor.run("accounts", [tagged], deadline_seconds=DEADLINE)
    document_of = WaveServer(server(host), (host.host_key,), {"daypass_document": evil})
    outcome = executor.run("accounts", [document_of], deadline_seconds=DEADLINE)[host.name]
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert not Path("/tmp/daypass-templated").exists()


def test_playbook_of_many_tasks_gives_facts_and_files(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """Files of the wave are there for the playbook; what it reports comes back as facts."""
    good, rescued, _ = light_lab.hosts
    waves = [
        wave(good, result={"trust": {"state": "confirmed"}}),
        wave(
            rescued,
            fail=True,
            result={"msg": "x", "trust": {"code": "sshd_broken", "message": "line 3"}},
        ),
    ]
    outcomes = executor.run("onboard", waves, deadline_seconds=DEADLINE, files={"note": b"hello"})
    assert (outcomes[good.name].kind, outcomes[good.name].facts) == (
        OutcomeKind.APPLIED,
        {"state": "confirmed"},
    )
    assert (outcomes[rescued.name].kind, outcomes[rescued.name].code, outcomes[rescued.name].message) == (
        OutcomeKind.REFUSED,
        "sshd_broken",
        "line 3",
    )


def test_jump_host_is_used_with_its_own_key(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """A server behind a jump host is reached through it, and the jump host's key is checked as well."""
    target, jump, other = light_lab.hosts
    behind = server(target, proxy_jump=f"apono@{jump.address}:{jump.port}")
    orders = {"daypass_document": document(result=answer())}
    for keys, code in (((jump.host_key,), None), ((other.host_key,), "host_key_mismatch")):
        waves = [WaveServer(behind, (target.host_key,), orders, jump_host_keys=keys)]
        assert executor.run("accounts", waves, deadline_seconds=DEADLINE)[target.name].code == code


def test_playbook_that_does_not_exist_is_an_error(light_lab: api.Lab, run_root: Path) -> None:
    """A wave that couldn't begin says so, in Ansible's words; it isn't a row of unknown servers."""
    executor = RunnerExecutor(
        connector_key=make_key(light_lab), run_root=run_root, playbooks={"accounts": "/nonexistent.yml"}
    )
    with pytest.raises(ExecutionError, match=r"nonexistent\.yml"):
        executor.run("accounts", [wave(light_lab.hosts[0])], deadline_seconds=DEADLINE)


def test_callers_own_error_ends_the_wave(executor: RunnerExecutor, light_lab: api.Lab) -> None:
    """An outcome that can't be recorded is never swallowed."""

    def refuse(_name: str, _outcome: Outcome) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        executor.run(
            "accounts",
            [wave(light_lab.hosts[0], result=answer())],
            deadline_seconds=DEADLINE,
            on_outcome=refuse,
        )


def test_scan_finds_the_keys_that_servers_show(light_lab: api.Lab) -> None:
    """Each server's keys come back under its name; one that is silent or behind a jump host has a reason."""
    first, second, _ = light_lab.hosts
    servers = [
        server(first),
        server(second),
        Server("closed", first.address, port=9),
        Server("unnamed", "does-not-exist.invalid"),
        Server("behind", first.address, proxy_jump="gate.example"),
    ]
    found = scan(servers)
    assert first.host_key in found[first.name]
    assert second.host_key in found[second.name]
    assert second.host_key not in found[first.name]
    assert all(isinstance(found[name], str) for name in ("closed", "unnamed", "behind"))
