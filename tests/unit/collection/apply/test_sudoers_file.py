"""The one sudoers file: what gets into it, and what leaves it even when visudo doesn't help."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.apply.sudoers_file import SudoersFile
from ansible_collections.daypass.ssh.plugins.module_utils.contract.document import SudoRule
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import SUDOERS_PATH, Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import Completed
from ansible_collections.daypass.ssh.plugins.module_utils.facts.sudo_program import SudoProgram

END = 1_795_000_000
ALICE = {"alice": [(SudoRule("root", ("/usr/bin/id",)), END)]}
BOTH = {**ALICE, "bob": [(SudoRule("root", "ALL"), END)]}


class Host:
    """One file, a sudo with a version, and a visudo that answers by what it reads."""

    def __init__(self, visudo: Callable[[str], int], version: str = "Sudo version 1.9.16p2") -> None:
        self.visudo = visudo
        self.version = version
        self.content: str | None = None
        self.checked = ""
        self.asked: list[str] = []  # files that visudo was asked about

    def write(self, path: str, content: bytes, _mode: int, validate: Callable[[str], None] | None) -> None:
        assert path == SUDOERS_PATH
        self.checked = content.decode()
        if validate is not None:
            validate(path + ".tmp")
        self.content = content.decode()

    def remove(self, _path: str) -> None:
        self.content = None

    def query(self, argv: list[str], stdin: str = "") -> Completed:
        if argv == ["sudo", "--version"]:
            return Completed(0, self.version, "")
        assert argv[:2] == ["visudo", "-cf"]
        self.asked.append(argv[2])
        return Completed(self.visudo(stdin if argv[2] == "-" else self.checked), "", "complaint")

    def beside(self, ask: Callable[[], bool], at_once: bool = True) -> Callable[[], bool]:
        answer = ask()
        return lambda: answer


def file_of(host: Host) -> SudoersFile:
    return SudoersFile(host, SudoProgram(host), host.content)


def test_rules_end_by_themselves_where_this_sudo_can():
    """NOTAFTER is tried first."""
    host = Host(lambda _text: 0)
    assert file_of(host).put(ALICE)
    assert "NOTAFTER=20261118" in str(host.content)
    assert file_of(host).ends_by_itself
    assert not file_of(host).put(ALICE)


def test_sudo_that_refuses_an_end_gets_rules_without():
    """An old sudo and sudo-rs don't know NOTAFTER; the closing takes the rules away there."""
    host = Host(lambda text: int("NOTAFTER" in text))
    assert file_of(host).put(ALICE)
    assert "NOTAFTER" not in str(host.content)
    assert not file_of(host).ends_by_itself
    assert not file_of(host).put(ALICE)


def test_sudo_rs_gets_rules_without_an_end_whatever_visudo_says():
    """Both programs may be installed: the sudo that people run decides, not the visudo that is found."""
    host = Host(lambda _text: 0, version="sudo-rs 0.2.5")
    assert file_of(host).put(ALICE)
    assert "NOTAFTER" not in str(host.content)


def test_no_rule_is_none_that_doesnt_end():
    """Nothing to warn of where there is no rule."""
    assert file_of(Host(lambda _text: 0)).ends_by_itself


@pytest.mark.parametrize("code", [124, 127])
def test_visudo_that_doesnt_answer_gives_no_rules_at_all(code: int):
    """A busy host must not turn rules with an end into rules without one."""
    host = Host(lambda text: code if "NOTAFTER" in text else 0)
    with pytest.raises(Refusal) as caught:
        file_of(host).put(ALICE)
    assert caught.value.code == "command_failed"
    assert host.content is None


@pytest.mark.parametrize("code", [1, 124])
def test_lines_of_a_closed_account_go_without_visudo(code: int):
    """Nobody keeps rights because somebody else broke sudoers; the lines of others stay."""
    host = Host(lambda _text: 0)
    file_of(host).put(BOTH)
    host.visudo = lambda _text: code
    assert file_of(host).reduce(ALICE, {"bob"})
    assert "alice" in str(host.content)
    assert "bob" not in str(host.content)


def test_last_rule_takes_the_file_along():
    """No rule, no file."""
    host = Host(lambda _text: 0)
    file_of(host).put(ALICE)
    assert file_of(host).put({})
    assert host.content is None


class FullDisk(Host):
    """Nothing can be written anew; lines can be blanked, unless `frozen`."""

    def __init__(self, content: str, *, frozen: bool = False) -> None:
        super().__init__(lambda _text: 0)
        self.content, self.frozen = content, frozen

    def write(self, path: str, content: bytes, _mode: int, validate: Callable[[str], None] | None) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def blank_lines(self, _path: str, gone: Callable[[bytes], bool]) -> None:
        if self.frozen:
            raise OSError(errno.ENOSPC, "No space left on device")
        lines = (self.content or "").encode().splitlines(True)
        self.content = b"".join(b"# " + line[2:] if gone(line) else line for line in lines).decode()

    def read(self, _path: str) -> bytes:
        return (self.content or "").encode()


@pytest.mark.parametrize("rules", [{"bob": BOTH["bob"]}, BOTH])
def test_rules_that_end_leave_a_full_disk_too(rules):
    """Without room for another file their lines become comments; what other grants give stays."""
    held = Host(lambda _text: 0)
    more = {**BOTH, "alice": [*ALICE["alice"], (SudoRule("root", "ALL"), END)]}
    file_of(held).put(more)
    host = FullDisk(held.content or "")
    assert file_of(host).reduce(rules, {"alice"})
    live = [line for line in (host.content or "").splitlines() if not line.startswith("#")]
    assert sorted(line.split(" ")[0] for line in live) == sorted(rules)
    assert "alice" not in rules or "/usr/bin/id" in str([one for one in live if one.startswith("alice")])


def test_file_that_can_t_even_be_blanked_goes_as_a_whole():
    """Closing comes before keeping; the failure is reported, and the next run gives others theirs back."""
    held = Host(lambda _text: 0)
    file_of(held).put(BOTH)
    host = FullDisk(held.content or "", frozen=True)
    with pytest.raises(OSError, match="No space"):
        file_of(host).reduce({"bob": BOTH["bob"]}, {"alice"})
    assert host.content is None


def test_rules_that_visudo_took_ahead_are_not_asked_about_again():
    """Its yes counts for exactly this text; with another rule the file is asked about in its place."""
    host = Host(lambda _text: 0)
    file = file_of(host)
    file.check_ahead(ALICE)
    assert file.put(ALICE)
    assert (host.asked, "alice" in str(host.content)) == (["-"], True)
    file.check_ahead(ALICE)  # nothing would change
    assert file.put(BOTH)
    assert host.asked == ["-", SUDOERS_PATH + ".tmp"]


@pytest.mark.parametrize("code", [1, 124, 127])
def test_anything_but_a_yes_ahead_counts_for_nothing(code: int):
    """A visudo that reads no standard input, or hung once, is asked as ever; its no there is final."""
    host = Host(lambda _text: code)
    file = file_of(host)
    file.check_ahead(ALICE)
    host.visudo = lambda _text: 1
    with pytest.raises(Refusal):
        file.put(ALICE)
    assert host.content is None
    host.visudo = lambda _text: 0
    assert file.put(ALICE)
    assert "NOTAFTER" in str(host.content)


def test_sudo_rs_isnt_asked_ahead_about_rules_with_an_end():
    """They aren't what it gets."""
    host = Host(lambda _text: 0, version="sudo-rs 0.2.5")
    file = file_of(host)
    file.check_ahead(ALICE)
    assert file.put(ALICE)
    assert host.asked == [SUDOERS_PATH + ".tmp"]
