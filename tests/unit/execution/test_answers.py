"""Answers of hosts are hostile until they are taken apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.outcomes import AccountAnswer, HostAnswer
from daypass.execution.answers import (
    LONGEST_TEXT,
    MOST_LISTED,
    UnreadableAnswer,
    clean_facts,
    clean_text,
    parse_answer,
    parse_code,
    parse_message,
)
from daypass.host_rules import SEQUENCE_MAX

HOST_ID = "5b" * 16
ACCOUNT = {
    "state": "active",
    "grants": ["01JD"],
    "code": None,
    "message": None,
    "changes": [["groups", "", "ops"], ["shell", None, "/bin/bash"]],
    "warnings": ["clock"],
    "next_deadline": "2026-11-22T11:00:00Z",
}
ANSWER: dict[str, Any] = {
    "version": 1,
    "status": "converged",
    "code": None,
    "message": None,
    "host_id": HOST_ID,
    "machine_id": None,
    "orchestrator_id": HOST_ID,
    "sequence": 7,
    "drift_seconds": 0.25,
    "rebuilt": "it was\x1b[2J gone",
    "program": {"version": "7e7e68d9c1487f94", "installed": True},
    "accounts": {"alice": ACCOUNT},
    "warnings": [],
}


def test_answer_of_our_module_is_read_field_by_field() -> None:
    """What the module writes comes out as the domain's types."""
    assert parse_answer(ANSWER, changed=True) == HostAnswer(
        status="converged",
        host_id=HOST_ID,
        machine_id=None,
        sequence=7,
        accounts={
            "alice": AccountAnswer(
                state="active",
                grants=("01JD",),
                warnings=("clock",),
                changes=(("groups", "", "ops"), ("shell", "", "/bin/bash")),
            )
        },
        warnings=(),
        drift_seconds=0.25,
        rebuilt="it was[2J gone",
        changed=True,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"status": "fine"},
        {"status": None},
        {"status": ["converged"]},
        {"sequence": -1},
        {"sequence": True},
        {"sequence": 2**63},
        {"sequence": "7"},
        {"accounts": []},
        {"accounts": {"-rf": ACCOUNT}},
        {"accounts": {"alice\n": ACCOUNT}},
        {"accounts": {"alice": []}},
        {"accounts": {"alice": {**ACCOUNT, "state": "root"}}},
        {"accounts": {"alice": {**ACCOUNT, "state": {}}}},
        {"accounts": {"alice": {**ACCOUNT, "grants": "01JD"}}},
        {"accounts": {"alice": {**ACCOUNT, "grants": ["../x"]}}},
        {"accounts": {"alice": {**ACCOUNT, "grants": ["A"] * (MOST_LISTED + 1)}}},
        {"accounts": {"alice": {**ACCOUNT, "changes": [["groups"]]}}},
        {"warnings": "text"},
        {f"field{number}": 1 for number in range(200)},
    ],
    ids=lambda change: ",".join(list(change)[:1]) + "=" + repr(next(iter(change.values())))[:40],
)
def test_answer_of_another_shape_is_unreadable(change: dict[str, Any]) -> None:
    """Nothing is guessed from a damaged answer."""
    with pytest.raises(UnreadableAnswer):
        parse_answer(ANSWER | change, changed=False)


@pytest.mark.parametrize("raw", [None, [], "converged", 1])
def test_answer_that_is_no_object_is_unreadable(raw: object) -> None:
    """An emptied result is unreadable, not an answer without accounts."""
    with pytest.raises(UnreadableAnswer):
        parse_answer(raw, changed=False)


def test_text_for_people_loses_what_moves_a_cursor() -> None:
    """Escape sequences, newlines, writing direction and invisible characters don't reach a terminal."""
    assert clean_text("a\x1b[2Jb\r\nc\u202ed\u200be\x9bf\x00") == "a[2Jb cdef"


@given(st.text())
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    """Whatever is in it, a message stays one line of bounded length."""
    cleaned = clean_text(text * 3)
    assert len(cleaned) <= LONGEST_TEXT
    assert "".join(cleaned.splitlines()) == cleaned
    assert cleaned.isprintable() or all(c.isprintable() or c.isspace() for c in cleaned)


def test_long_text_is_cut_visibly() -> None:
    """A reader sees that something is missing."""
    assert clean_text("x" * 1000, 10) == "x" * 9 + "…"


def test_code_must_look_like_one() -> None:
    """A code is for programs: snake case or nothing."""
    assert parse_code("uid_taken") == "uid_taken"
    assert [parse_code(raw) for raw in ("Uid taken", "x\n", "", None, 1, "a" * 61)] == [None] * 6


def test_message_and_hint_become_one_line() -> None:
    """The host's hint isn't lost; no message is None, not an empty one."""
    assert parse_message("taken", "choose another") == "taken; choose another"
    assert parse_message(None) is None
    assert parse_message({"a": 1}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(json_values)
def test_facts_of_any_shape_are_made_harmless(raw: Any) -> None:
    """Whatever a playbook returns can be stored and shown."""
    cleaned = clean_facts(raw)
    assert "\x1b" not in repr(cleaned)


@given(json_values)
def test_any_json_is_an_answer_or_unreadable(raw: Any) -> None:
    """No shape raises anything else."""
    with pytest.raises(UnreadableAnswer):
        parse_answer(raw, changed=False)


def test_deep_facts_are_cut() -> None:
    """A thousand levels don't end in a recursion error."""
    deep: Any = "x"
    for _ in range(1000):
        deep = [deep]
    assert clean_facts(deep) == [[[[[[[[None]]]]]]]]


def test_sequence_beyond_half_of_what_documents_hold_is_unreadable() -> None:
    """A re-base onto a number that a host made up must leave room for every document to come."""
    half = SEQUENCE_MAX // 2
    assert parse_answer({**ANSWER, "sequence": half}, changed=True).sequence == half
    with pytest.raises(UnreadableAnswer, match="sequence"):
        parse_answer({**ANSWER, "sequence": half + 1}, changed=True)
