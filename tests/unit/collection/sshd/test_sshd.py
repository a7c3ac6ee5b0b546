"""What sshd must do for managed accounts, and what it says it does."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import dropin
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.config import walk
from ansible_collections.daypass.ssh.plugins.module_utils.sshd.listeners import Listener

MAIN = "/etc/ssh/sshd_config"
LISTENER = Listener(7, "/usr/sbin/sshd", ("-o", "Port=22"))


class FakeSystem:
    """Answers `sshd -T` from a text and reads files from a mapping."""

    def __init__(self, effective: str, files: Mapping[str, bytes] | None = None, rc: int = 0) -> None:
        self.effective = effective
        self.files = files or {}
        self.rc = rc
        self.asked: list[list[str]] = []

    def query(self, argv: list[str], **_more: object) -> Completed:
        self.asked.append(argv)
        if argv[0] == "id":
            return Completed(0, "alice daypass staff\n", "")
        return Completed(
            self.rc, self.effective, "line 3: Bad configuration option: Prot\n" if self.rc else ""
        )

    def read(self, path: str) -> bytes | None:
        return self.files.get(path)


def effective_text(**changed: str) -> str:
    """What `sshd -T` prints when the block holds, with some values changed."""
    values = {**dropin.EXPECTED, **changed}
    return (
        "".join(f"{name} {value}\n" for name, value in values.items()) + "port 22\nallowtcpforwarding yes\n"
    )


def check(system: FakeSystem) -> list[dropin.Violation]:
    return dropin.check_account(system, "alice", listeners=[LISTENER])


def test_dropin_leaves_root_and_the_connector_out():
    """Whoever puts root or the connector user into the group, they log in as before."""
    assert "Match User *,!root,!apono Group daypass\n" in dropin.render_dropin("apono")
    assert "Match User *,!root Group daypass\n" in dropin.render_dropin("root")


def test_dropin_ends_its_match_block():
    """The main file goes on behind the Include: what follows must hold for everybody again."""
    assert dropin.render_dropin("apono").endswith("\nMatch all\n")


@pytest.mark.parametrize("base", ["", "/srv/keys/%u", ".ssh/authorized_keys .ssh/authorized_keys2"])
def test_block_for_joined_accounts_names_key_files_alone(base: str):
    """What was effective before, and ours behind it; all else of the host's holds for them as before."""
    text = dropin.render_dropin("apono", (), base)
    block = text.split("Match User *,!root,!apono Group daypass-join\n")[1].split("Match all")[0]
    assert block == f"    AuthorizedKeysFile {base} {dropin.KEYS_FILE}\n".replace("  /etc", " /etc")
    assert dropin.joined_base(text.encode()) == base


@pytest.mark.parametrize(
    "content", [None, b"", dropin.render_dropin("apono").encode(), b"x Group daypass-join"]
)
def test_host_without_that_block_joins_nobody(content: bytes | None):
    """One that was onboarded before has to be onboarded again."""
    assert dropin.joined_base(content) is None


@pytest.mark.parametrize("name", ["*", "a,b", "!x", "a b", "a\nMatch all", "", "x?", "-x", "a" * 33])
def test_connector_with_pattern_characters_is_refused(name: str):
    """A pattern in the connector's place would change whom the block leaves alone."""
    with pytest.raises(ValueError, match="connector"):
        dropin.render_dropin(name)


def test_directives_that_sshd_lacks_are_left_out():
    """A build without Kerberos would complain at each connection about the directive."""
    assert "Kerberos" not in dropin.render_dropin("apono", {"kerberosauthentication"})


def test_only_optional_directives_can_be_left_out():
    """A sshd that doesn't print a directive that counts is no reason to go without it."""
    assert "AuthorizedKeysCommand none" in dropin.render_dropin("apono", {"authorizedkeyscommand"})


def test_account_with_every_value_of_the_block_passes():
    """Nothing is reported where sshd shows the block."""
    assert check(FakeSystem(effective_text())) == []


def test_listeners_own_arguments_are_asked():
    """Settings on the command line of the running sshd count."""
    system = FakeSystem(effective_text())
    check(system)
    assert system.asked[0][:3] == ["/usr/sbin/sshd", "-o", "Port=22"]
    assert any(word.startswith("user=alice,") for word in system.asked[0])


@pytest.mark.parametrize("directive", sorted(dropin.EXPECTED))
def test_each_value_that_differs_is_a_violation(directive: str):
    """One value that an earlier file wins is enough to keep the account shut."""
    files = {MAIN: b"Include /etc/ssh/sshd_config.d/*.conf\n", dropin.DROPIN: b"x"}
    found = check(FakeSystem(effective_text(**{directive: "other"}), files))
    assert [(one.directive.lower(), one.found) for one in found] == [(directive, "other")]


def test_value_that_is_missing_is_a_violation_unless_the_build_lacks_it():
    """Kerberos and GSSAPI may be unknown to a build; anything else must be shown."""
    lines = effective_text().splitlines(keepends=True)
    files = {MAIN: b"Include /etc/ssh/sshd_config.d/*.conf\n", dropin.DROPIN: b"x"}
    without = [one for one in lines if not one.startswith(("gssapi", "kerberos"))]
    assert check(FakeSystem("".join(without), files)) == []
    without = [one for one in lines if not one.startswith("allowgroups")]
    assert [one.directive for one in check(FakeSystem("".join(without), files))] == ["AllowGroups"]


def test_place_of_the_line_in_the_way_is_named(tmp_path, monkeypatch):
    """The administrator is told file and line, not only that something is wrong."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "05-x.conf").write_text("# first\nMatch all\n    PasswordAuthentication yes\n")
    monkeypatch.setattr(dropin, "DROPIN", str(folder / "10-daypass.conf"))
    (folder / "10-daypass.conf").write_text("x")
    files = {str(path): path.read_bytes() for path in folder.iterdir()}
    files[MAIN] = f"Include {folder}/*.conf\nPasswordAuthentication no\n".encode()
    found = check(FakeSystem(effective_text(passwordauthentication="yes"), files))
    assert found[0].file == f"{folder}/05-x.conf:3"
    assert found[0].sentence() == f"PasswordAuthentication is yes ({folder}/05-x.conf:3), must be no"


def test_missing_include_explains_everything():
    """Where the drop-in isn't read at all, that is the one thing to say."""
    found = check(FakeSystem(effective_text(permituserrc="yes", allowgroups=""), {MAIN: b"Port 22\n"}))
    assert [(one.directive, one.file) for one in found] == [("Include", MAIN)]


def test_configuration_that_sshd_refuses_is_a_violation():
    """No answer is no permission."""
    found = check(FakeSystem("", rc=255))
    assert found[0].directive == "sshd -T"
    assert "Bad configuration option" in found[0].found


def test_host_without_sshd_is_a_violation():
    """Nothing to ask means nothing is proven."""
    assert dropin.check_account(FakeSystem(""), "alice", listeners=[]) != []


@pytest.mark.parametrize("pattern", ["alice", "al*", "a?ice", "alice@*", "bob alice"])
def test_denied_user_is_a_violation(pattern: str):
    """DenyUsers wins over our AllowUsers."""
    effective = dropin.parse_effective(effective_text() + f"denyusers {pattern}\n")
    assert [one.directive for one in dropin.denials(effective, "alice", ("daypass",))] == ["DenyUsers"]


@pytest.mark.parametrize("pattern", ["bob", "!alice", "alice@10.0.0.0/8", "[a]lice", "alic"])
def test_denied_others_are_none(pattern: str):
    """Only what shuts this login out everywhere counts; square brackets are no pattern of sshd's."""
    effective = dropin.parse_effective(effective_text() + f"denyusers {pattern}\n")
    assert dropin.denials(effective, "alice", ("daypass",)) == []


def test_denied_group_is_a_violation_and_groups_are_asked_only_then():
    """Each group of the account may be the one that is denied."""
    files = {MAIN: b"Include /etc/ssh/sshd_config.d/*.conf\nDenyGroups staff\n", dropin.DROPIN: b"x"}
    system = FakeSystem(effective_text() + "denygroups staff\n", files)
    assert [(one.directive, one.file) for one in check(system)] == [("DenyGroups", f"{MAIN}:2")]
    assert ["id", "-Gn", "--", "alice"] in system.asked
    system = FakeSystem(effective_text())
    check(system)
    assert all(argv[0] != "id" for argv in system.asked)


def test_lines_of_one_directive_are_joined():
    """`sshd -T` prints one line for each user of AllowUsers."""
    assert dropin.parse_effective("allowusers a\nallowusers b\nport 22\n") == {
        "allowusers": "a b",
        "port": "22",
    }


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19\n", ("9.2p1", (9, 2))),
        ("unknown option -- V\nOpenSSH_8.4p1 Debian-5, OpenSSL 1.1.1\nusage: sshd\n", ("8.4p1", (8, 4))),
        ("OpenSSH_10.0p2 Debian-7\n", ("10.0p2", (10, 0))),
        ("usage: dropbear\n", ("", (0, 0))),
    ],
)
def test_version_is_read_from_what_each_sshd_says(said: str, version: tuple[str, tuple[int, int]]):
    """Old ones name themselves only in their complaint."""
    system = FakeSystem(said)
    assert dropin.read_version(system) == version


def origin_check(main: str) -> list[tuple[str, str, str | None]]:
    """What is in the way though `sshd -T` shows the whole block."""
    files = {MAIN: main.encode(), dropin.DROPIN: b"Match Group daypass\n  PasswordAuthentication no\n"}
    found = dropin.by_origin(walk(MAIN, files.get, lambda _pattern: [dropin.DROPIN]))
    return [(one.directive, one.found, one.file) for one in found]


INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"


@pytest.mark.parametrize(
    "match",
    ["Address 10.0.0.0/8", "User alice Host *.lan", "LocalPort 2222", "address=10.0.0.0/8", 'exec "true"'],
)
def test_setting_for_some_origins_in_front_of_the_block_is_a_violation(match: str):
    """`sshd -T` answers for one origin; from another the earlier block would let own keys in."""
    main = f"Match {match}\nAuthorizedKeysFile .ssh/authorized_keys\nMatch all\n" + INCLUDE
    assert origin_check(main) == [("AuthorizedKeysFile", ".ssh/authorized_keys", f"{MAIN}:2")]


@pytest.mark.parametrize(
    "main",
    [
        INCLUDE + "Match Address 10.0.0.0/8\nAuthorizedKeysFile .ssh/authorized_keys\n",
        "Match User bob\nPasswordAuthentication yes\nMatch all\n" + INCLUDE,
        "Match Address 10.0.0.0/8\nPasswordAuthentication no\nX11Forwarding yes\nMatch all\n" + INCLUDE,
        "Match Address 10.0.0.0/8\nMatch all\nPasswordAuthentication yes\n" + INCLUDE,
    ],
)
def test_settings_that_dont_win_or_that_sshd_tells_are_none(main: str):
    """Behind the drop-in, for certain users (`sshd -T` says so), with our value, or outside of the block."""
    assert origin_check(main) == []
