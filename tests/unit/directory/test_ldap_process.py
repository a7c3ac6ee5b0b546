"""Reading from a server whose answers a test makes: ranges of values, pages, changes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from daypass.directory.ldap_process import Half, Question, Reading


class Control:
    """A page control (RFC 2696)."""

    controlType = "1.2.840.113556.1.4.319"

    def __init__(self, criticality: bool = True, size: int = 0, cookie: bytes = b"") -> None:
        self.cookie = cookie


class NoSuchObject(Exception):
    """As the library raises it."""


LDAP = SimpleNamespace(
    SCOPE_BASE=0,
    SCOPE_SUBTREE=2,
    NO_SUCH_OBJECT=NoSuchObject,
    DECODING_ERROR=ValueError,
    controls=SimpleNamespace(SimplePagedResultsControl=Control),
    dn=SimpleNamespace(
        str2dn=lambda text: [[(*part.split("=", 1), 1)] for part in text.split(",")],
        dn2str=lambda parts: ",".join(f"{kind}={value}" for [(kind, value, _)] in parts),
    ),
)
Entries = dict[str, dict[str, list[bytes]]]


class Server:
    """A session: gives its pages in order, and single entries; notes what it was asked for."""

    def __init__(self, *pages: Entries, single: Entries | None = None, more: bool = False) -> None:
        self.pages = list(pages)
        self.single = single or {}
        self.more = more
        self.asked: list[tuple[str, list[str]]] = []

    def search_ext(self, base: str, scope: int, _filter: str, attributes: list[str], **_: Any) -> Any:
        self.asked.append((base, attributes))
        return base, scope, attributes

    def result3(self, asked: Any, **_: Any) -> Any:
        base, scope, attributes = asked
        if scope == LDAP.SCOPE_SUBTREE:
            page = self.pages.pop(0)
            cookie = b"more" if self.pages or self.more else b""
            return 101, list(page.items()), 1, [Control(cookie=cookie)]
        if base not in self.single:
            raise NoSuchObject
        entry = self.single[base]
        ranged = {name: values for name, values in entry.items() if attributes[0].split("-")[0] in name}
        return 101, [(base, ranged if ";" in attributes[0] else entry)], 1, []


def read(server: Server, known: dict[str, str] | None = None) -> dict[str, Any]:
    question = Question("dc=x", "(a=b)", ["cn", "member"], ["member"], known)
    return Reading(LDAP, server, until=float("inf")).read(question)


def test_values_that_come_in_ranges_are_all_asked_for():
    """Active Directory gives 1,500 members at a time; the first of them alone would be half a group."""
    first: Entries = {"CN=G,DC=x": {"member;range=0-1": [b"a", b"b"], "member": [], "uSNChanged": [b"7"]}}
    rest: Entries = {"CN=G,DC=x": {"member;range=2-*": [b"c"]}}
    found = read(Server(first, single=rest))
    assert found["entries"]["cn=g,dc=x"]["member"] == ["YQ==", "Yg==", "Yw=="]
    assert found["stamps"] == {"cn=g,dc=x": "7"}


def test_range_without_the_rest_is_half_an_answer():
    """Nobody leaves a group by that."""
    with pytest.raises(Half, match="aren't all there"):
        read(Server({"CN=G,DC=x": {"member;range=0-1": [b"a", b"b"]}}, single={"CN=G,DC=x": {}}))


def test_empty_page_with_another_after_it_is_half_an_answer():
    """A server that goes on like that would be asked without end."""
    with pytest.raises(Half, match="a page without entries"):
        read(Server({}, more=True))


def test_answer_without_a_word_about_pages_is_half_an_answer(monkeypatch):
    """It may have been the first page of many."""
    server = Server({"cn=a,dc=x": {}})
    monkeypatch.setattr(Server, "result3", lambda *_, **__: (101, [("cn=a,dc=x", {})], 1, []))
    with pytest.raises(Half, match="more pages"):
        read(server)


def test_only_entries_with_another_stamp_or_none_are_read_again():
    """The list is whole; of what hasn't changed nothing but the stamp is asked for."""
    listed: Entries = {
        "cn=old,dc=x": {"entryCSN": [b"1"]},
        "cn=new,dc=x": {"entryCSN": [b"2"]},
        "cn=mute,dc=x": {},
    }
    single: Entries = {name: {**entry, "cn": [b"x"]} for name, entry in listed.items()}
    server = Server(listed, single=single)
    found = read(server, {"cn=old,dc=x": "1", "cn=new,dc=x": "1", "cn=gone,dc=x": "1"})
    assert set(found["entries"]) == {"cn=new,dc=x", "cn=mute,dc=x"}
    assert set(found["stamps"]) == {"cn=old,dc=x", "cn=new,dc=x", "cn=mute,dc=x"}
    assert [base for base, _ in server.asked] == ["dc=x", "cn=new,dc=x", "cn=mute,dc=x"]


def test_entry_that_goes_while_it_is_read_makes_half_an_answer():
    """The next question finds it gone, or back."""
    with pytest.raises(Half, match="changed while it was read"):
        read(Server({"cn=a,dc=x": {"entryCSN": [b"2"]}}), {"cn=a,dc=x": "1"})
