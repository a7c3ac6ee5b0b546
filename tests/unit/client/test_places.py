"""What lies below ~/.ssh says what is open now, and nothing else."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from daypass.client import places
from daypass.client.answer import AnswerRefused, read_answer
from daypass.client.places import home_of, put_in_place, take_away
from daypass.client.ssh_config import MOST_CERTIFICATES
from daypass.domain.open_access import OpenJump
from daypass.errors import UsageError

from .conftest import GRANT, HOST_KEY, KEY, LATER, NOW, access, effective, grant, server


def as_json(found):
    return json.dumps(asdict(found), default=lambda moment: moment.isoformat().replace("+00:00", "Z"))


def test_answer_is_read_as_it_was_given():
    """What goes through the gate as JSON comes out as the same values."""
    given = access(
        server(jump=OpenJump("192.0.2.9", 22, "ops", "bastion", (HOST_KEY,)), details="Call\n#infra")
    )
    assert read_answer(as_json(given)) == given


def test_every_option_of_an_entry_is_effective(home, keys):
    """Address, login, key, certificate and trust, each as ssh itself reads it."""
    put_in_place(access(server(port=2222)), keys, home, NOW)
    found = effective(home, "web-1", after="Host *\n  User bob\n  StrictHostKeyChecking no\n  Port 1\n")
    folder = f"{home.path}/.ssh/daypass-access/{'d' * 32}"
    wanted = {
        "hostname": ["192.0.2.1"],
        "port": ["2222"],
        "user": ["alice"],
        "hostkeyalias": ["web-1"],
        "userknownhostsfile": [f"{folder}/known_hosts"],
        "globalknownhostsfile": ["/dev/null"],
        "stricthostkeychecking": ["true"],
        "updatehostkeys": ["false"],
        "verifyhostkeydns": ["false"],
        "preferredauthentications": ["publickey"],
        "identitiesonly": ["yes"],
        "addkeystoagent": ["true"],
        "identityfile": [f"{home.path}/.ssh/daypass"],
        "certificatefile": [f"{folder}/{GRANT}-1-cert.pub"],
    }
    assert {option: found[option] for option in wanted} == wanted
    assert "proxyjump" not in found


def test_other_hosts_are_left_alone(home, keys):
    """Our entries end with our file: what stands after the line is for all hosts, as before."""
    put_in_place(access(server()), keys, home, NOW)
    found = effective(home, "elsewhere", after="User bob\n")
    assert found["hostname"] == ["elsewhere"]
    assert found["user"] == ["bob"]
    assert "certificatefile" not in found


def test_capital_letters_in_a_name_may_be_typed_small(home, keys):
    """ssh tells them apart, people don't."""
    put_in_place(access(server("Web-1")), keys, home, NOW)
    for typed in ("Web-1", "web-1"):
        assert effective(home, typed)["hostname"] == ["192.0.2.1"]


def test_longest_of_what_is_open_comes_first(home, keys):
    """Several grants at a time: what is open before what begins later, the others to fall back on."""
    grants = [
        grant(LATER, hours=9, begins=1),
        grant(GRANT, number=1, hours=1),
        grant(GRANT[:-1] + "Y", number=2, hours=3),
    ]
    put_in_place(access(server("web-1", *grants)), keys, home, NOW)
    files = [path.rpartition("/")[2] for path in effective(home, "web-1")["certificatefile"]]
    assert files == [f"{GRANT[:-1]}Y-2-cert.pub", f"{GRANT}-1-cert.pub", f"{LATER}-1-cert.pub"]


def test_no_more_certificates_than_a_server_listens_to(home, keys):
    """sshd hangs up after six keys that it doesn't take."""
    grants = [grant(f"{GRANT[:-1]}{number}", hours=1 + number) for number in range(9)]
    put_in_place(access(server("web-1", *grants)), keys, home, NOW)
    assert len(effective(home, "web-1")["certificatefile"]) == MOST_CERTIFICATES


def test_ended_access_leaves_nothing_at_the_next_run(home, keys):
    """Entries, host keys and certificates go with it, the folders too."""
    both = access(server(), server("db-1", grant(LATER), host="192.0.2.2"))
    put_in_place(both, keys, home, NOW)
    placed = put_in_place(access(server()), keys, home, NOW)
    assert [path.rpartition("/")[2] for path in placed.removed] == [f"{LATER}-1-cert.pub"]
    assert effective(home, "db-1")["hostname"] == ["db-1"]
    assert "db-1" not in (home.folder / ("d" * 32) / "known_hosts").read_text()
    put_in_place(access(), keys, home, NOW)
    assert sorted(path.name for path in home.ssh.iterdir()) == ["daypass.pub"]
    assert effective(home, "web-1")["hostname"] == ["web-1"]


def test_what_has_run_out_by_this_clock_is_not_put_in_place(home, keys):
    """An answer may be older than the end of what it tells."""
    placed = put_in_place(access(server()), keys, home, NOW + timedelta(hours=3))
    assert placed.rendered.unusable == {"web-1": "it has ended"}
    assert not home.folder.exists()


def test_same_again_changes_nothing(home, keys):
    """A second run writes no file."""
    put_in_place(access(server()), keys, home, NOW)
    again = put_in_place(access(server()), keys, home, NOW)
    assert (again.written, again.removed) == ((), ())


def test_check_says_what_would_change_and_changes_nothing(home, keys):
    """The certificate and known_hosts first, the configuration that names them last."""
    placed = put_in_place(access(server()), keys, home, NOW, check=True)
    names = [path.rpartition("/")[2] for path in placed.written]
    assert names == [f"{GRANT}-1-cert.pub", "known_hosts", "config"]
    assert not home.folder.exists()


def test_files_are_the_persons_alone(home, keys):
    """Whatever the umask."""
    before = os.umask(0)
    try:
        put_in_place(access(server()), keys, home, NOW)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in home.folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (home.folder, *home.folder.iterdir())} == {0o700}


def test_leftovers_of_a_killed_run_go(home, keys):
    """Half a file under a name of its own is nobody's."""
    put_in_place(access(server()), keys, home, NOW)
    left = home.folder / ("d" * 32) / ".config.12345"
    left.write_text("Host *\n")
    put_in_place(access(server()), keys, home, NOW)
    assert not left.exists()


def test_run_that_is_killed_anywhere_names_no_file_that_is_missing(home, keys, monkeypatch):
    """The configuration comes after what it names; what it named goes after it; the next run is right."""
    first = access(server(), server("db-1", grant(LATER), host="192.0.2.2"))
    then = access(
        server("web-1", grant(number=2)), server("web-2", grant(GRANT[:-1] + "Y"), host="192.0.2.3")
    )
    put_in_place(first, keys, home, NOW)
    folder = home.folder / ("d" * 32)
    write, remove, left = places.write_file, places._remove, [0]

    def until_the_end(effect):
        def once(*words):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            effect(*words)

        return once

    monkeypatch.setattr(places, "write_file", until_the_end(write))
    monkeypatch.setattr(places, "_remove", until_the_end(remove))
    for steps in range(7):
        left[0] = 99
        put_in_place(first, keys, home, NOW)
        left[0] = steps
        with suppress(KeyboardInterrupt):
            put_in_place(then, keys, home, NOW)
        named = re.findall(r'(?:CertificateFile|UserKnownHostsFile) "(.*)"', (folder / "config").read_text())
        assert all(Path(file).exists() for file in named), steps
    assert sorted(path.name for path in folder.iterdir() if path.name.endswith("-cert.pub")) == [
        f"{GRANT}-2-cert.pub",
        f"{GRANT[:-1]}Y-1-cert.pub",
    ]


def test_key_elsewhere_is_named_by_its_whole_path(home):
    """Such as the one that a person comes in with."""
    put_in_place(access(server()), {KEY.fingerprint: Path("/media/stick/id")}, home, NOW)
    assert effective(home, "web-1")["identityfile"] == ["/media/stick/id"]


def test_two_orchestrators_keep_out_of_each_others_way(home, keys):
    """What one of them ends takes nothing of the other's away."""
    put_in_place(access(server()), keys, home, NOW)
    other = access(server("db-1", host="192.0.2.2"), orchestrator="e" * 32)
    put_in_place(other, keys, home, NOW)
    put_in_place(access(), keys, home, NOW)
    assert effective(home, "db-1")["hostname"] == ["192.0.2.2"]
    assert effective(home, "web-1")["hostname"] == ["web-1"]


def test_everything_can_be_taken_away(home, keys):
    """Keys stay: they are the person's own."""
    put_in_place(access(server()), keys, home, NOW)
    found = take_away(home, check=True)
    assert len(found) == 3
    assert take_away(home) == found
    assert sorted(path.name for path in home.ssh.iterdir()) == ["daypass.pub"]
    assert take_away(home) == ()


@pytest.mark.parametrize("run", ["put", "take"])
def test_link_in_our_place_is_not_followed(home, keys, tmp_path, run):
    """Removing would reach whatever it leads to."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    home.folder.symlink_to(elsewhere)
    with pytest.raises(UsageError) as refused:
        put_in_place(access(server()), keys, home, NOW) if run == "put" else take_away(home)
    assert refused.value.code == "place_taken"
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]


JUMP = OpenJump("192.0.2.9", 2200, None, "bastion", (HOST_KEY,))


def test_jump_goes_by_own_access_to_the_jump_host(home, keys):
    """Where its certificate forwards, which jumping is."""
    bastion = server("bastion", grant(LATER, forwards=True), host="192.0.2.9", port=2200)
    put_in_place(access(server(jump=JUMP), bastion), keys, home, NOW)
    assert effective(home, "web-1")["proxyjump"] == ["bastion"]
    assert effective(home, "bastion")["certificatefile"][0].endswith(f"{LATER}-1-cert.pub")


@pytest.mark.parametrize("forwards", [None, False])
def test_jump_without_own_access_names_way_and_keys_only(home, keys, forwards):
    """No access there, or none that forwards: the person's other login, with the host's own keys."""
    bastion = server("bastion", grant(LATER, forwards=False), host="192.0.2.9", port=2200)
    more = [] if forwards is None else [bastion]
    put_in_place(access(server(jump=replace(JUMP, user="ops")), *more), keys, home, NOW)
    assert effective(home, "web-1")["proxyjump"] == ["_jump-web-1"]
    found = effective(home, "_jump-web-1", after="IdentityFile /k\n")
    assert (found["hostname"], found["port"], found["user"]) == (["192.0.2.9"], ["2200"], ["ops"])
    assert found["stricthostkeychecking"] == ["true"]
    assert found["identityfile"] == ["/k"]
    assert f"_jump-web-1 {HOST_KEY}\n" in (home.folder / ("d" * 32) / "known_hosts").read_text()


def test_jump_host_of_unknown_keys_is_known_as_ever(home, keys):
    """By what the person's own known_hosts says of its address."""
    put_in_place(access(server(jump=replace(JUMP, host_keys=(), server=None))), keys, home, NOW)
    found = effective(home, "_jump-web-1")
    assert found["hostkeyalias"] == ["[192.0.2.9]:2200"]
    assert str(home.folder) not in found["userknownhostsfile"][0]


def test_jumps_in_a_circle_are_not_followed(home, keys):
    """ssh would start itself without end."""
    there = server("a", grant(forwards=True), jump=replace(JUMP, server="b"))
    back = server("b", grant(LATER, forwards=True), jump=replace(JUMP, server="a"))
    put_in_place(access(there, back), keys, home, NOW)
    assert effective(home, "a")["proxyjump"] == ["_jump-a"]
    assert effective(home, "b")["proxyjump"] == ["_jump-b"]


HOSTILE = [
    "x\nHost *",
    "x y",
    "*",
    "!x",
    '"x"',
    "-oProxyCommand=id",
    "x%h",
    "x${HOME}",
    "x#",
    "",
    "x\0",
    "../x",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["name", "host", "login", "key_name"])
def test_odd_values_are_refused_with_the_whole_answer(home, keys, field, value):
    """Every one of them could mean more to ssh than a name."""
    with pytest.raises(AnswerRefused):
        put_in_place(access(server("fine"), replace(server("other"), **{field: value})), keys, home, NOW)
    assert not home.folder.exists()


def test_server_cannot_take_the_name_of_a_jump(home, keys):
    """Names of our own begin with what no server's name begins with."""
    with pytest.raises(AnswerRefused):
        put_in_place(access(server("_jump-web-1")), keys, home, NOW)


@pytest.mark.parametrize("value", HOSTILE)
def test_odd_values_of_jumps_keys_and_certificates_are_refused(home, keys, value):
    """As those of servers."""
    certificate = grant().certificates[0]
    odd = [
        *(server(jump=replace(JUMP, **{field: value})) for field in ("host", "user", "server")),
        server(jump=replace(JUMP, host_keys=(value,))),
        server(host_keys=(f"{HOST_KEY}\n@cert-authority * {HOST_KEY}", value)),
        server("web-1", grant(value)),
        server("web-1", grant(certificates=(replace(certificate, text=value),))),
        server("web-1", grant(certificates=(replace(certificate, fingerprint=value),))),
    ]
    for one in odd:
        with pytest.raises(AnswerRefused):
            put_in_place(access(one), keys, home, NOW)
    with pytest.raises(AnswerRefused):
        put_in_place(access(server(), orchestrator=value), keys, home, NOW)


def test_two_servers_of_one_name_are_refused(home, keys):
    """ssh would mix them."""
    with pytest.raises(AnswerRefused):
        put_in_place(access(server("web-1"), server("WEB-1")), keys, home, NOW)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', "ssh: connect: no route", "{" * 10000])
def test_what_is_no_answer_is_said_to_be_none(text):
    """A broker's banner, half an answer."""
    with pytest.raises(AnswerRefused, match="isn't one about open access"):
        read_answer(text)


def test_answer_of_another_format_is_not_guessed_at():
    """The hint says what to do."""
    with pytest.raises(AnswerRefused) as refused:
        read_answer(as_json(access(server(), format=2)))
    assert "install" in refused.value.hint


@pytest.mark.parametrize("odd", ['a"b', "a%b", "a$b", "a*b", "a\nb", "a#b"])
def test_home_that_ssh_would_read_otherwise_is_refused(tmp_path, odd):
    """A path with a meaning in ssh's configuration isn't written there."""
    with pytest.raises(UsageError) as refused:
        home_of(tmp_path / odd)
    assert refused.value.code == "path_odd"


def test_home_with_a_blank_works(tmp_path):
    """Paths are quoted."""
    home = home_of(tmp_path / "al ice")
    home.ssh.mkdir(parents=True)
    put_in_place(access(server()), {KEY.fingerprint: home.key("daypass")}, home, NOW)
    assert effective(home, "web-1")["identityfile"] == [f"{home.path}/.ssh/daypass"]


def test_own_home_is_written_as_ssh_finds_it():
    """`~`, so that the files fit wherever the home is."""
    own = home_of()
    assert own.root == "~"
    assert own.include == 'Include "~/.ssh/daypass-access/*/config"'
