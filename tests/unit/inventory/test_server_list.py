from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.domain.servers import Server
from daypass.inventory.json_text import MAX_STRING_LEVELS
from daypass.inventory.server_list import MAX_PROBLEMS, MAX_SERVERS, check, check_entries

ENTRY = {"name": "web-1", "host": "10.0.0.1"}


def problems(text: str | bytes) -> list[str]:
    return [str(problem) for problem in check(text, "servers.json").problems]


def entry_problems(**changes: Any) -> list[tuple[str | None, str]]:
    result = check(json.dumps([{**ENTRY, **changes}]), "servers.json")
    return [(problem.field, problem.found) for problem in result.problems]


def test_minimal_entry_gets_the_defaults_of_the_source_document():
    """`user` is apono and `port` 22 where they are left out; no tags, no key, no jump."""
    assert check('[{"name": "web-1", "host": "10.0.0.1"}]', "x").servers == (
        Server(name="web-1", host="10.0.0.1", user="apono", port=22),
    )


@pytest.mark.parametrize("levels", range(MAX_STRING_LEVELS + 1))
def test_list_inside_json_strings_is_read(levels):
    """Minified JSON, also as a JSON string inside JSON, means the same list."""
    text = json.dumps([ENTRY])
    for _ in range(levels):
        text = json.dumps(text)
    assert [server.name for server in check(text, "x").servers] == ["web-1"]


def test_strings_without_end_are_refused():
    """Beyond the levels that occur, a string in a string is a wrong type."""
    text = json.dumps([ENTRY])
    for _ in range(MAX_STRING_LEVELS + 1):
        text = json.dumps(text)
    assert "allowed: a list of servers" in problems(text)[0]


def test_all_problems_are_reported_at_once():
    """One run names every problem with index, name, field, what was found and what is allowed."""
    text = """[
      {"name": "web 1", "host": "-oProxyCommand=x", "prot": 22},
      {"name": "db", "host": "db.example.com", "port": "0"},
      {"name": "DB", "host": 7, "user": "apono\\n"},
      "web-9"
    ]"""
    result = check(text, "servers.json")
    assert [(p.index, p.name, p.field) for p in result.problems] == [
        (0, "web 1", "name"),
        (0, "web 1", "host"),
        (0, "web 1", "prot"),
        (1, "db", "port"),
        (2, "DB", "host"),
        (2, "DB", "user"),
        (2, "DB", "name"),
        (3, None, None),
    ]
    assert all(problem.found and problem.allowed for problem in result.problems)


def test_good_entries_survive_beside_bad_ones():
    """`servers` holds exactly the entries without a problem."""
    result = check_entries([ENTRY, {"name": "web-2"}], "x")
    assert [server.name for server in result.servers] == ["web-1"]
    assert not result.ok


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "nothing"),
        ("  \n", "nothing"),
        ("[]", "an empty list"),
        ("{}", "an object"),
        ("7", "7 (a number)"),
        ("null", "null"),
        ("NaN", "NaN (not JSON)"),
        ("\ufeff[]", "a byte order mark"),
        (b"\xef\xbb\xbf[]", "a byte order mark"),
        (b'[{"name": "\xff"}]', "bytes that aren't UTF-8, the first at offset 11"),
        ("[" * 100_000, "nested beyond reason"),
        ('{"a":' * 100_000, "nested beyond reason"),
        ('[\n  {"name": "a",}]', "line 2, column 16"),
        ("[1] [2]", "line 1, column 5"),
    ],
)
def test_text_that_is_no_list_is_refused_with_its_reason(text, found):
    """What isn't a JSON list of something is one problem, with the place where there is one."""
    [problem] = problems(text)
    assert found in problem


def test_list_over_the_limit_is_refused_whole():
    """Absurd size is refused before any entry is looked at."""
    [problem] = check_entries([None] * (MAX_SERVERS + 1), "x").problems
    assert problem.found == f"{MAX_SERVERS + 1} entries"


def test_report_of_a_hopeless_list_ends():
    """A list where everything is wrong doesn't fill memory with findings."""
    result = check_entries([5] * (MAX_PROBLEMS * 2), "x")
    assert len(result.problems) == MAX_PROBLEMS + 1


@pytest.mark.parametrize(
    ("key", "likely"),
    [
        ("hots", "host"),
        ("Name", "name"),
        ("username", "user"),
        ("labels", "tags"),
        ("host-key", "host_key"),
        ("ip", "host"),
    ],
)
def test_unknown_field_is_named_with_the_likely_one(key, likely):
    """A typing mistake in a field isn't silently a default."""
    [problem] = check_entries([{**ENTRY, key: "x"}], "x").problems
    assert problem.field == key
    assert problem.allowed.startswith(f"did you mean {likely}?")


def test_key_given_twice_in_one_object_is_refused():
    """JSON parsers keep the last of two values; which one was meant, nobody knows."""
    [problem] = check('[{"name": "a", "host": "10.0.0.1", "host": "10.0.0.2"}]', "x").problems
    assert (problem.field, problem.found) == ("host", "the same key more than once")


def test_tag_given_twice_in_one_object_is_refused():
    """The same holds inside `tags`."""
    [problem] = check('[{"name": "a", "host": "h", "tags": {"env": "dev", "env": "prod"}}]', "x").problems
    assert (problem.field, problem.found) == ("tags", 'the key "env" more than once')


def test_names_that_differ_in_case_alone_are_duplicates():
    """ssh compares names in known_hosts without case, so two such servers would share their host keys."""
    result = check_entries([ENTRY, {**ENTRY, "name": "WEB-1"}], "x")
    [problem] = result.problems
    assert (problem.index, problem.field) == (1, "name")
    assert "[0]" in problem.found


@pytest.mark.parametrize("missing", ["name", "host"])
def test_required_field_that_is_missing_is_named(missing):
    """`name` and `host` are required."""
    entry = {key: value for key, value in ENTRY.items() if key != missing}
    [problem] = check_entries([entry], "x").problems
    assert (problem.field, problem.found) == (missing, "nothing")


HOSTILE = [
    "-rf",
    "a b",
    "a\n",
    "a'b",
    'a"b',
    "{{ 7*6 }}",
    "{% x %}",
    "a;b",
    "$(id)",
    "`id`",
    "a%h",
    "a@b",
    "é",
    "",
    "a/b",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["name", "host", "user", "port", "host_key", "proxy_jump"])
def test_hostile_text_is_refused_in_every_field_that_reaches_a_command(field, text):
    """Nothing that ssh, a shell, Ansible or known_hosts could read as more than a word gets through."""
    if (field, text) == ("proxy_jump", "a@b"):
        return
    assert [found[0] for found in entry_problems(**{field: text})] == [field]


@pytest.mark.parametrize("value", [None, 1.5, [], {}, ["a"], True])
@pytest.mark.parametrize("field", ["name", "host", "user", "port", "host_key", "proxy_jump"])
def test_wrong_type_is_refused(field, value):
    """A value of another type is never turned into text."""
    assert [found[0] for found in entry_problems(**{field: value})] == [field]


@pytest.mark.parametrize(
    "name", ["all", "ungrouped", "localhost", "LocalHost", "127.0.0.1", "daypass_servers"]
)
def test_name_that_ansible_reserves_is_refused_with_a_proposal(name):
    """An inventory host of such a name would be a group, or the controller itself."""
    [problem] = check_entries([{**ENTRY, "name": name}], "x").problems
    assert f"server-{name}" in problem.allowed


def test_bad_name_gets_a_proposal_that_would_be_taken():
    """A refused name is never repaired, but a good one is proposed."""
    [problem] = check_entries([{**ENTRY, "name": "web[1:3] prod"}], "x").problems
    proposal = problem.allowed.rsplit(" ", 1)[1]
    assert check_entries([{**ENTRY, "name": proposal}], "x").ok


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "::1", "2001:db8::7", "web", "web-1.example.com", "xn--bcher-kva.example"]
)
def test_addresses_and_host_names_are_taken(host):
    """IPv4, IPv6 and RFC 1123 host names."""
    assert entry_problems(host=host) == []


@pytest.mark.parametrize(
    "host",
    [
        "256.1.1.1",
        "10.0.0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "010.0.0.1",
        "1.2.3.4.5",
        "[::1]",
        "fe80::1%eth0",
        "::1::",
        "web_1",
        "web-.example",
        ".web",
        "web.",
        "a" * 64,
        "a." * 127 + "b",
    ],
)
def test_what_only_looks_like_an_address_is_refused(host):
    """Also the short and hexadecimal forms that inet_aton takes for an address."""
    assert [field for field, _ in entry_problems(host=host)] == ["host"]


@pytest.mark.parametrize(("given_port", "port"), [(22, 22), ("2222", 2222), (1, 1), ("65535", 65535)])
def test_port_is_a_number_or_its_digits(given_port, port):
    """The source product's own provider writes the port as text."""
    assert check_entries([{**ENTRY, "port": given_port}], "x").servers[0].port == port


@pytest.mark.parametrize(
    "port", [0, 65536, -1, True, False, 22.0, "0", "022", "+22", " 22", "22 ", "65536", "२२", "1e3", 10**30]
)
def test_port_out_of_range_or_of_another_form_is_refused(port):
    """`true` is 1 to Python and 22.0 equals 22; neither is a port."""
    assert [field for field, _ in entry_problems(port=port)] == ["port"]


@pytest.mark.parametrize("user", ["daypass", "daypass-join", "dp-canary"])
def test_connector_named_as_something_of_ours_is_refused(user):
    """The marker groups and the canary have these names on the server."""
    assert [field for field, _ in entry_problems(user=user)] == ["user"]


@pytest.mark.parametrize(
    ("given_tags", "tags"),
    [
        ({}, {}),
        ({"env": "prod", "note": "{{ 7*6 }}"}, {"env": "prod", "note": "{{ 7*6 }}"}),
        (["env=prod", "blue", "x=a=b"], {"env": "prod", "blue": "", "x": "a=b"}),
    ],
)
def test_tags_are_read_as_object_or_list(given_tags, tags):
    """An object of text to text, or a list of `key=value` and bare labels; any text is a value."""
    assert dict(check_entries([{**ENTRY, "tags": given_tags}], "x").servers[0].tags) == tags


@pytest.mark.parametrize(
    "tags",
    [
        None,
        "env=prod",
        {"a": 1},
        {"a": None},
        {"a": ["b"]},
        {"": "x"},
        {"a=b": "c"},
        {"a": "b\n"},
        {"a\x1b": "b"},
        {"__ansible_unsafe": "x"},
        ["a", "a=1"],
        ["=x"],
        [""],
        [7],
        {"a": "\ud800"},
        [str(n) for n in range(65)],
        {"a": "\u202eb"},
    ],
)
def test_other_tags_are_refused(tags):
    """Control and format characters, keys that no filter could name, and Ansible's own marks."""
    assert [field for field, _ in entry_problems(tags=tags)] == ["tags"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_VALUES)
def test_no_json_value_breaks_the_check(value):
    """Whatever the text holds, the answer is servers or problems, each fit to print; never an exception."""
    result = check(json.dumps([value, {**ENTRY, "tags": value}]), "x")
    assert result.problems
    assert all(str(problem).isprintable() for problem in result.problems)


@given(st.binary())
def test_no_bytes_break_the_check(content):
    """The same for what isn't JSON at all."""
    assert not check(content, "x").ok


def test_hundred_thousand_servers_are_read_in_seconds():
    """A list of 100,000 servers is usable; the bound leaves room for a busy machine (bench/ measures)."""
    entries = [
        {
            "name": f"srv-{n}.example.com",
            "host": f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}",
            "tags": {"env": "prod"},
        }
        for n in range(100_000)
    ]
    text = json.dumps(entries)
    before = time.process_time()
    result = check(text, "x")
    assert time.process_time() - before < 6
    assert len(result.servers) == 100_000
