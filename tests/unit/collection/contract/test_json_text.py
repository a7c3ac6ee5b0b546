"""JSON without json: the same texts and values."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import json_text
from ansible_collections.daypass.ssh.plugins.module_utils.contract.typed import NamedTuple

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class _Pair(NamedTuple):
    first: int
    second: str


@pytest.fixture(params=[True, False], ids=["quick", "by json"], autouse=True)
def _with_and_without_the_quick_way(request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python that has no such C code does the same by json."""
    if not request.param:
        monkeypatch.setattr(json_text, "make_encoder", None)


@given(VALUES)
def test_value_is_written_as_json_writes_it_with_sorted_keys_and_no_blanks(value):
    """A document's digest is taken over these bytes, here and by whoever else makes one."""
    assert json_text.dumps(value) == json.dumps(value, sort_keys=True, separators=(",", ":"))


def test_named_tuple_is_written_as_a_list():
    """As json does it with every tuple."""
    assert json_text.dumps({"b": _Pair(1, "x"), "a": (2,)}) == '{"a":[2],"b":[1,"x"]}'


@given(VALUES, st.sampled_from([None, 1]))
def test_what_json_wrote_is_read_with_blanks_around_and_within(value, indent):
    """Everything that JSON knows; NaN and Infinity are none of it."""
    text = " \n\t\r" + json.dumps(value, indent=indent) + "\n "
    try:
        wanted = json.loads(text, parse_constant=_refused)
    except ValueError:
        with pytest.raises(ValueError, match="is not allowed"):
            json_text.loads(text)
    else:
        assert json_text.loads(text) == wanted


@given(st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u \n'))
def test_text_is_read_or_refused_as_json_does(text):
    """Neither more nor less: what one of the two refuses, so does the other, as a ValueError."""
    try:
        wanted = json.loads(text, parse_constant=_refused)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json_text.loads(text)
    else:
        assert json_text.loads(text) == wanted


@pytest.mark.parametrize(
    "text", ["", " ", "{} {}", "[1]]", "NaN", "[-Infinity]", "\ufeff{}", "{'a': 1}", "\x0b1"]
)
def test_no_json_is_a_value_error(text: str):
    """Whoever reads a file of his own asks for that alone."""
    with pytest.raises(ValueError, match=r"."):
        json_text.loads(text)


def test_objects_are_made_of_their_pairs():
    """So that a key that stands twice can be noticed."""
    assert json_text.loads('{"a": 1, "a": 2}', pairs=list) == [("a", 1), ("a", 2)]


def test_unknown_value_is_a_type_error_and_a_deep_one_a_recursion_error():
    """Errors as json's."""
    with pytest.raises(TypeError):
        json_text.dumps({"a": object()})
    with pytest.raises(RecursionError):
        json_text.loads("[" * 200_000)
    assert math.isnan(json.loads(json_text.dumps(math.nan)))


def _refused(text: str) -> None:
    raise ValueError(text)
