"""People of a real OpenLDAP: what is read, and that half an answer, or none, never makes anybody leave."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from daypass import config
from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.directory import Directory
from daypass.directory.ldap_asking import NoAnswer, ask, questions_digest
from daypass.directory.ldap_source import LdapDirectory
from daypass.domain.requests import RequestState
from daypass.domain.secrets import Secret
from daypass.errors import ConfigurationError
from daypass.flows import Policy, build_policy
from daypass.gate.people import read_keys
from daypass.workflow.reconciling import reconcile_once
from tests.asking import Company

from .slapd import PASSWORD, PROGRAM, READER, SUFFIX, Authority, Slapd, entry, free_port, running

KEY = public_line(load_ca_key(generate_ca_key("ed25519")))
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
MANY = 520  # two pages, the last one short


def person(login: str, **more: str | list[str]) -> str:
    values: dict[str, str | list[str]] = {
        "objectClass": ["inetOrgPerson", "posixAccount", "ldapPublicKey"],
        "uid": login,
        "cn": login,
        "sn": login,
        "mail": f"{login}@example.com",
        "uidNumber": "2000",
        "gidNumber": "2000",
        "homeDirectory": f"/home/{login}",
    }
    return entry(f"uid={login},{PEOPLE}", values | more)


def group(name: str, *members: str) -> str:
    return entry(f"cn={name},{GROUPS}", {"objectClass": "groupOfNames", "cn": name, "member": members})


def dn(login: str) -> str:
    return f"UID={login}, OU=People,{SUFFIX}"  # not as the entry has it: names are compared as names


STAFF = "".join(
    [
        person("alice", sshPublicKey=KEY, manager=dn("bob"), uidNumber="2001"),
        person("bob", uidNumber="2002"),
        person("carol", employeeType="Left", uidNumber="2003"),
        *(person(f"p{number}", uidNumber=str(10_000 + number)) for number in range(MANY - 3)),
        group("inner", dn("alice"), f"cn=outer,{GROUPS}"),  # a circle
        group("outer", f"cn=inner,{GROUPS}", dn("bob"), "cn=somebody,dc=elsewhere"),
        group("everyone", f"cn=outer,{GROUPS}", dn("p7"), dn("carol")),
    ]
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not PROGRAM.exists():
        if os.environ.get("DAYPASS_REQUIRE_SLAPD"):
            pytest.fail("OpenLDAP isn't installed (apt-get install slapd)")
        pytest.skip("OpenLDAP isn't installed (apt-get install slapd)")


@pytest.fixture(scope="module")
def company(tmp_path_factory, authority) -> Iterator[Slapd]:
    """A server that no test changes."""
    with running(tmp_path_factory.mktemp("company"), authority, STAFF) as server:
        yield server


@pytest.fixture
def small(tmp_path, authority) -> Iterator[Slapd]:
    """A server for one test."""
    staff = person("alice", sshPublicKey=KEY) + person("bob", uidNumber="2002")
    with running(tmp_path / "slapd", authority, staff + group("ops", dn("alice"))) as server:
        yield server


def settings(folder: Path, urls: str | list[str], authority: Authority, **more: object) -> config.Settings:
    """Settings as daypass.yaml gives them."""
    ldap = {
        "urls": urls,
        "ca_file": str(authority.file),
        "bind_dn": READER,
        "password": {"file": "password"},
        "people": {
            "base": PEOPLE,
            "uid": "uidNumber",
            "disabled": {"attribute": "employeeType", "values": ["left"]},
        },
        "groups": {"base": GROUPS},
        **more,
    }
    written = {
        "directory": {"ldap": ldap},
        "integrations": [
            {"name": "prod", "servers": [{"name": "web-1", "host": "h"}], "secret": {"file": "key"}}
        ],
    }
    (folder / "daypass.yaml").write_text(yaml.safe_dump(written))
    return config.load(folder / "daypass.yaml", {}, folder)


class Reader:
    """Commands that read people, one after the other, at times that a test says."""

    def __init__(self, folder: Path, urls: str | list[str], authority: Authority, **more: object) -> None:
        self._folder = folder
        self._ldap = settings(folder, urls, authority, **more).directory.ldap

    def at(self, minutes: float) -> Directory:
        now = START + timedelta(minutes=minutes)
        return LdapDirectory(
            self._ldap, self._folder / "state", now, lambda _: Secret(PASSWORD.encode())
        ).read()


def test_people_groups_and_managers_are_read_over_pages_and_tls(company, authority, tmp_path):
    """From several pages; names of entries are compared as names; groups inside groups are opened."""
    people = Reader(tmp_path, company.url, authority).at(0)
    assert len(people.people) == MANY
    alice = people.people["alice"]
    assert (alice.email, alice.uid, alice.manager) == ("alice@example.com", 2001, "bob")
    assert alice.public_keys == (KEY,)
    assert alice.groups == {"inner", "outer", "everyone"}
    assert people.members["everyone"] == {"alice", "bob", "p7"}
    assert people.left(["alice", "carol", "nobody"]) == {"carol", "nobody"}
    assert people.ids["alice"]
    assert (people.read_at, people.trouble, people.oddities) == (START, "", ())


def test_start_tls_reads_the_same(company, authority, tmp_path):
    """ldap:// is never spoken without TLS."""
    secure = Reader(tmp_path, company.start_tls_url, authority).at(0)
    assert secure.people == Reader(tmp_path, company.url, authority).at(0).people


def test_only_what_has_changed_is_read_again_and_who_is_gone_is_seen(small, authority, tmp_path, monkeypatch):
    """The list of entries is whole each time: what was deleted, or isn't found by the filter, is gone."""
    monkeypatch.setattr("daypass.directory.ldap_source.RETRY", timedelta())
    reader = Reader(tmp_path, small.url, authority)
    assert set(reader.at(0).people) == {"alice", "bob"}
    with small.admin() as session:
        session.modify_s(f"uid=alice,{PEOPLE}", [(2, "mail", [b"new@example.com"])])
        session.delete_s(f"uid=bob,{PEOPLE}")
    assert reader.at(0.5).people["alice"].email == "alice@example.com"  # not asked again yet
    later = reader.at(2)
    assert set(later.people) == {"alice"}
    assert later.people["alice"].email == "new@example.com"
    assert later.people["alice"].groups == {"ops"}


def test_person_marked_as_having_left_has_left_with_the_next_answer(small, authority, tmp_path):
    """Whatever else stands at the entry."""
    reader = Reader(tmp_path, small.url, authority)
    assert reader.at(0).left(["bob"]) == frozenset()
    with small.admin() as session:
        session.modify_s(f"uid=bob,{PEOPLE}", [(0, "employeeType", [b"LEFT"]), (2, "mail", [b"x", b"y"])])
    later = reader.at(2)
    assert later.left(["bob"]) == {"bob"}
    assert not later.people["bob"].active


def test_server_that_is_killed_leaves_the_last_good_answer_until_it_is_too_old(small, authority, tmp_path):
    """Nobody has left; then nothing is opened any more, and when it is back all is as it says."""
    reader = Reader(tmp_path, small.url, authority, max_age="2h")
    before = reader.at(0)
    small.kill()
    stale = reader.at(90)
    assert stale.people == before.people
    assert stale.read_at == START
    assert "Can't contact LDAP server" in stale.trouble
    with pytest.raises(ConfigurationError, match="hasn't answered for 2h 1m") as caught:
        reader.at(121)
    assert caught.value.code == "directory_old"
    small.start()
    assert reader.at(123).trouble == ""


def test_the_next_server_is_asked_where_one_does_not_answer(company, authority, tmp_path):
    """In the order of the settings."""
    urls = [f"ldaps://127.0.0.1:{free_port()}", company.url]
    assert len(Reader(tmp_path, urls, authority).at(0).people) == MANY


class LdapCompany(Company):
    """A company whose people stand in an LDAP directory."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        super().__init__(folder)
        self._reader = reader

    @property
    def policy(self) -> Policy:
        return build_policy(self.settings, self._reader.at((self.clock() - START) / timedelta(minutes=1)))


def test_request_is_decided_and_ended_by_what_the_directory_says(tmp_path, authority):
    """Who says yes is in a group inside another; access ends for who is deleted, not for who is unknown."""
    staff = person("alice", sshPublicKey=KEY, uidNumber="2001") + person("carol", uidNumber="2002")
    groups = group("seniors", dn("carol")) + group("platform", f"cn=seniors,{GROUPS}")
    with running(tmp_path / "slapd", authority, staff + groups) as server:
        (tmp_path / "company").mkdir()
        company = LdapCompany(tmp_path / "company", Reader(tmp_path, server.url, authority))
        asked = company.ask("alice")
        assert asked.request.state is RequestState.PENDING
        given = company.say(asked.request, "carol").granted
        assert company.opens() == ["web-1"]
        with server.admin() as session:
            session.delete_s(f"uid=alice,{PEOPLE}")
        server.kill()
        assert reconcile_once(company.seams, company.clock.forward(timedelta(minutes=2))).left == ()
        assert company.opens() == ["web-1"]
        server.start()
        now = company.clock.forward(timedelta(minutes=2))
        assert reconcile_once(company.seams, now).left == (given.grant.id,)
        assert company.opens() == []


def test_key_at_the_gate_is_asked_about_once_in_refresh(small, authority, tmp_path):
    """Who was deleted is out with the first login after it; no connection for each login."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    settings(tmp_path, small.url, authority)
    first = read_keys(tmp_path / "daypass.yaml", START)
    assert first.people == {KEY: "alice"}
    assert first.until == (START + timedelta(minutes=1)).timestamp()
    with small.admin() as session:
        session.delete_s(f"uid=alice,{PEOPLE}")
    assert read_keys(tmp_path / "daypass.yaml", START + timedelta(seconds=59)).people == {KEY: "alice"}
    assert read_keys(tmp_path / "daypass.yaml", START + timedelta(seconds=60)).people == {}


def refusal(folder: Path, urls: str, authority: Authority, **more: object) -> str:
    """Why nothing is read."""
    ldap = settings(folder, urls, authority, **more).directory.ldap
    with pytest.raises(NoAnswer) as caught:
        ask(ldap, Secret(PASSWORD.encode()), None)
    return str(caught.value)


def test_answer_that_the_server_cuts_off_is_no_answer(tmp_path, authority):
    """The size limit of a server is no end of the list (RFC 4511, 4.5.1.4)."""
    staff = "".join(person(f"p{number}", uidNumber=str(2000 + number)) for number in range(40))
    with running(tmp_path / "slapd", authority, staff + group("ops", dn("p1")), size="10") as server:
        assert "Size limit exceeded" in refusal(tmp_path, server.url, authority)


def test_referral_and_a_base_that_is_not_there_are_no_answer(tmp_path, authority):
    """Neither followed nor left out: who stands elsewhere would count as gone."""
    away = entry(
        f"ou=away,{PEOPLE}",
        {
            "objectClass": ["referral", "extensibleObject"],
            "ou": "away",
            "ref": "ldap://elsewhere.example.com/ou=away,dc=example,dc=com",
        },
    )
    with running(tmp_path / "slapd", authority, person("alice") + group("ops", dn("alice")) + away) as server:
        assert "kept elsewhere" in refusal(tmp_path, server.url, authority)
        missing = {"base": f"ou=nowhere,{SUFFIX}"}
        assert "No such object" in refusal(tmp_path, server.url, authority, people=missing)
        nobody = {"base": GROUPS}
        assert "nobody found" in refusal(tmp_path, server.url, authority, people=nobody)


def test_certificate_of_another_authority_or_another_name_is_refused(company, authority, tmp_path):
    """In either way of TLS; nothing is sent before."""
    other = Authority(tmp_path / "other")
    for url in (company.url, company.start_tls_url):
        assert url in refusal(tmp_path, url, other)
    wrong_name = company.url.replace("127.0.0.1", "127.0.0.2")
    with forwarded("127.0.0.2", company.secure):
        assert wrong_name in refusal(tmp_path, wrong_name, authority)


@contextmanager
def forwarded(address: str, port: int) -> Iterator[None]:
    """The server of 127.0.0.1 at another address of this machine: one connection there and back."""
    listener = socket.create_server((address, port))

    def copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            return

    def serve() -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            back = threading.Thread(target=copy, args=(server, client), daemon=True)
            back.start()
            copy(client, server)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        listener.close()


def test_wrong_password_is_refused_and_never_shown(company, authority, tmp_path):
    """The next server isn't tried with it: accounts are locked for that."""
    ldap = settings(tmp_path, [company.url, company.start_tls_url], authority).directory.ldap
    with pytest.raises(NoAnswer, match="Invalid credentials") as caught:
        ask(ldap, Secret(b"wrong-password"), None)
    assert "wrong-password" not in str(caught.value)


def test_server_that_takes_connections_and_says_nothing_is_given_up(tmp_path, authority, monkeypatch):
    """Before any word of TLS: the library itself would wait without end."""
    monkeypatch.setattr("daypass.directory.ldap_asking.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ldaps://127.0.0.1:{silent.getsockname()[1]}"
        assert "no session within" in refusal(tmp_path, url, authority)


def test_answers_of_other_questions_are_not_used(company, authority, tmp_path):
    """A filter that was narrowed has its effect at once, also while the server is down."""
    wide = settings(tmp_path, company.url, authority).directory.ldap
    narrow = settings(
        tmp_path, company.url, authority, people={"base": PEOPLE, "filter": "(uid=alice)"}
    ).directory.ldap
    assert questions_digest(wide) != questions_digest(narrow)
    Reader(tmp_path, company.url, authority).at(0)
    assert set(
        Reader(tmp_path, company.url, authority, people={"base": PEOPLE, "filter": "(uid=alice)"})
        .at(0)
        .people
    ) == {"alice"}
