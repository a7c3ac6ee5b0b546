"""Hostile and mistaken words on the command line: a clear error, the right exit code, and no change."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from daypass.cli import main
from daypass.cli.options import EXIT_DENIED
from tests.orchestrator import SECRET_VARIABLE, Orchestrator

SERVER = "web-1"


@pytest.fixture(scope="module")
def ssh_keygen(tmp_path_factory) -> Callable[..., Path]:
    """`ssh_keygen("rsa", "-b", "1024")`: the path of a new private key."""
    folder = tmp_path_factory.mktemp("keys")

    def make(kind: str, *words: str) -> Path:
        path = folder / f"{kind}{''.join(words)}"
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", kind, *words, "-N", "", "-f", str(path)]
            subprocess.run(command, check=True, timeout=60)
        return path

    return make


def invoke(site: Orchestrator, *words: str) -> tuple[int, str]:
    """A command in our own process; its exit code and all that it said."""
    environment = {**site.environment(), "DAYPASS_CONFIG": str(site.folder / "daypass.yaml")}
    result = CliRunner().invoke(main, list(words), env=environment)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def refused(site: Orchestrator, code: int, *words: str) -> str:
    """The refusal's text, after a look that the record is as before; what policy denies is on record."""
    before = site.events()
    found, said = invoke(site, *words)
    assert found == code, said
    assert said.strip()
    assert "Traceback" not in said
    assert site.events() == before + (code == EXIT_DENIED)
    return said


def grant_words(site: Orchestrator, **changes: str) -> list[str]:
    words = {"login": "mallory", "server": SERVER, "for": "1h", "public-key": f"{site.key('mallory')}.pub"}
    return ["grant", *(f"--{name}={value}" for name, value in {**words, **changes}.items())]


@pytest.mark.parametrize(
    "login",
    [
        "-rf",
        "../x",
        "root",
        "alice\nbob",
        "alice\n",
        "a" * 33,
        "",
        "Alice",
        "al ice",
        "al:ice",
        "{{ 7*7 }}",
        "$(id)",
        "apono",
        "daypass-x",
        "dp-canary",
        "sshd",
        "7up",
    ],
)
def test_a_login_that_may_not_be_is_refused(site, look, login):
    """Refused, never repaired; the control characters of a name don't reach the terminal."""
    before = look(SERVER)
    said = refused(site, 2, *grant_words(site, login=login))
    assert "\nbob" not in said
    after = look(SERVER)
    assert (after.passwd, after.opened()) == (before.passwd, before.opened())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"server": "web-9"}, 2),
        ({"server": "all"}, 2),
        ({"server": "-oProxyCommand=id"}, 2),
        ({"group": "docker"}, 4),
        ({"group": "no-such-group"}, 4),
        ({"group": "ops,logs"}, 2),
        ({"group": "-G"}, 2),
        ({"for": "31d"}, 4),
        ({"for": "10s"}, 4),
        ({"for": "0"}, 2),
        ({"for": "0h"}, 2),
        ({"for": "-1h"}, 2),
        ({"for": "99999999999h"}, 2),
        ({"for": "for ever"}, 2),
        ({"tag": "env=nowhere"}, 2),
        ({"public-key": "/nowhere/key.pub"}, 2),
        ({"public-key": "/dev/null"}, 2),
        ({"comment": "a:0:0:root:/root"}, 2),
        ({"comment": "two\nlines"}, 2),
        ({"comment": "Zoë"}, 2),
        ({"reason": "x" * 401}, 2),
    ],
)
def test_words_that_may_not_be_are_refused(site, changes, code):
    """2 for what is wrong, 4 for what isn't allowed; of that alone there is an event."""
    refused(site, code, *grant_words(site, **changes))


@pytest.mark.parametrize(
    "kind",
    ["private key", "dsa", "rsa 1024", "rsa 2048", "certificate", "garbage", "two keys", "options", "empty"],
)
def test_a_public_key_that_is_none_is_refused_with_the_reason(site, ssh_keygen, tmp_path, kind):
    """What isn't exactly one strong public key never becomes a certificate, and is never repeated."""
    good = ssh_keygen("ed25519")
    line = Path(f"{good}.pub").read_text()
    texts = {
        "private key": good.read_text,
        "dsa": lambda: "ssh-dss AAAAB3NzaC1kc3MAAACBAP me\n",
        "rsa 1024": lambda: Path(f"{ssh_keygen('rsa', '-b', '1024')}.pub").read_text(),
        "rsa 2048": lambda: Path(f"{ssh_keygen('rsa', '-b', '2048')}.pub").read_text(),
        "certificate": lambda: certificate(site, good),
        "garbage": lambda: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA!!! me\n",
        "two keys": lambda: line + line,
        "options": lambda: f'command="id" {line}',
        "empty": lambda: "\n",
    }
    file = tmp_path / "key.pub"
    file.write_text(texts[kind]())
    said = refused(site, 2, *grant_words(site, **{"public-key": str(file)}))
    assert good.read_text().splitlines()[2] not in said


def certificate(site: Orchestrator, key: Path) -> str:
    """A certificate for this key, by ssh-keygen."""
    copy = key.with_name("certified.pub")
    copy.write_text(Path(f"{key}.pub").read_text())
    words = ["ssh-keygen", "-q", "-s", str(key), "-I", "x", "-n", "x", str(copy)]
    subprocess.run(words, check=True, timeout=60)
    return key.with_name("certified-cert.pub").read_text()


@pytest.mark.parametrize("words", [("revoke", "01JD0000000000000000000000"), ("certificate", "show", "../x")])
def test_a_grant_that_is_not_known_is_named_in_the_error(site, words):
    """Exit code 2."""
    assert words[-1] in refused(site, 2, *words)


def test_a_server_list_with_every_kind_of_mistake_is_answered_with_all_of_them(site, tmp_path):
    """`servers check` needs no configuration and reports everything at once."""
    listed = [{"name": "a", "host": "-oProxyCommand=id"}, {"name": "a", "host": "h", "prot": 22}, {"host": 5}]
    (tmp_path / "servers.json").write_text(json.dumps(listed))
    done = subprocess.run(
        site.argv("servers", "check", tmp_path / "servers.json"),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    for expected in ("-oProxyCommand", "prot", "port", "entry [0]"):
        assert expected in done.stdout + done.stderr


def test_a_connector_key_that_is_missing_is_named_before_anything_is_recorded(site):
    """The error says which variable is empty; there is no grant that nobody could carry out."""
    environment = {k: v for k, v in site.environment().items() if k != SECRET_VARIABLE}
    before = site.events()
    done = subprocess.run(
        site.argv(*grant_words(site)),
        cwd=site.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert SECRET_VARIABLE in done.stderr
    assert site.events() == before
