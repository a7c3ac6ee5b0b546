from __future__ import annotations

import importlib
import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from daypass.config import load
from daypass.config.load import find
from daypass.config.yaml_text import MAX_BYTES, YamlRefused, read_yaml
from daypass.domain.secrets import FromEnvironment, FromFile
from daypass.errors import ConfigurationError

SMALL = '{integrations: [{name: prod, servers: \'[{"name": "web-1", "host": "h"}]\', secret: {env: KEY}}]}'


def write(path: Path, text: str = SMALL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_option_wins_over_variable_over_folder(tmp_path):
    """--config, $DAYPASS_CONFIG, ./daypass.yaml, in this order."""
    named, by_variable = write(tmp_path / "a" / "x.yaml"), write(tmp_path / "b" / "y.yaml")
    here = write(tmp_path / "daypass.yaml")
    environ = {"DAYPASS_CONFIG": str(by_variable)}
    assert load(Path("a/x.yaml"), environ, tmp_path).source == named
    assert load(None, environ, tmp_path).source == by_variable
    assert load(None, {"DAYPASS_CONFIG": ""}, tmp_path).source == here


def test_named_file_that_is_missing_is_no_reason_to_look_further(tmp_path):
    """A mistyped --config must not end in another configuration."""
    write(tmp_path / "daypass.yaml")
    for arguments in ((Path("typo.yaml"), {}), (None, {"DAYPASS_CONFIG": "typo.yaml"})):
        with pytest.raises(ConfigurationError, match=r"typo\.yaml") as caught:
            load(*arguments, tmp_path)
        assert caught.value.code == "configuration_missing"


def test_without_any_file_the_way_to_one_is_named(tmp_path):
    """A newcomer reads which command makes a configuration."""
    if Path("/etc/daypass/daypass.yaml").exists():
        pytest.skip("this machine has a configuration of its own")
    with pytest.raises(ConfigurationError) as caught:
        find(None, {}, tmp_path)
    assert "daypass init" in caught.value.hint


def test_relative_paths_start_at_the_files_folder(tmp_path):
    """From whatever folder the command is started."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "servers.json").write_text('[{"name": "web-1", "host": "h"}]')
    text = """
state_dir: state
ca: {key: {file: ca/key}}
integrations: [{name: p, servers: servers.json, secret: {file: /k}}]
"""
    settings = load(write(tmp_path / "etc" / "daypass.yaml", text), {}, Path("/"))
    assert settings.state_dir == tmp_path / "etc" / "state"
    assert settings.ca.key == FromFile(tmp_path / "etc" / "ca" / "key")
    assert settings.integrations[0].secret == FromFile(Path("/k"))


def test_small_configuration_gets_safe_defaults(settings_of, tmp_path):
    """Two settings are enough; what isn't said is the careful choice."""
    settings = settings_of()
    integration = settings.integrations[0]
    assert settings.state_dir == tmp_path / ".daypass"
    assert settings.ca.key == FromFile(tmp_path / ".daypass" / "user_ca")
    assert settings.database is None
    assert settings.direct_grant_max == timedelta(days=30)
    assert [group.name for group in integration.user_groups] == ["Default"]
    assert integration.secret == FromEnvironment("DAYPASS_CONNECTOR_KEY")
    assert (integration.existing_accounts, integration.home_on_removal) == ("refuse", "archive")
    assert (integration.user_cleanup_days, integration.credential_rotation_days) == (None, None)
    assert [server.integration for server in settings.servers] == ["prod"]


def test_settings_cant_be_changed(settings_of):
    """What was checked stays as it was checked."""
    with pytest.raises(ValidationError):
        settings_of().state_dir = Path("/")


@pytest.mark.parametrize("form", ["path", "inline", "text", "string in string"])
def test_servers_are_a_path_a_list_or_the_json_itself(settings_of, tmp_path, form):
    """All four mean the same list."""
    servers = [{"name": "web-1", "host": "10.0.0.1"}]
    (tmp_path / "list.json").write_text(json.dumps(servers))
    text = json.dumps(servers)
    value = {"path": "list.json", "inline": servers, "text": text, "string in string": json.dumps(text)}[form]
    assert [s.name for s in settings_of(integration={"servers": value}).servers] == ["web-1"]


def test_problems_of_a_server_list_say_where_it_is(settings_of, problems_of, tmp_path):
    """In a file of its own that file is named, inline the path in the configuration."""
    (tmp_path / "list.json").write_text('[{"name": "web-1", "host": "-o"}]')
    with pytest.raises(ConfigurationError) as caught:
        settings_of(integration={"servers": "list.json"})
    assert caught.value.problems[0].startswith(f"{tmp_path}/list.json: [0].host (web-1): ")
    [inline] = problems_of(integration={"servers": [{"name": "web-1", "host": "-o"}]})
    assert inline.startswith("integrations[0].servers[0].host (web-1): ")


@pytest.mark.parametrize("value", ["missing.json", ".", "", 7, None, "/dev/null/x", "a\0b"])
def test_servers_that_cant_be_read_are_a_problem(problems_of, value):
    """A server list that isn't there isn't an empty one."""
    [problem] = problems_of(integration={"servers": value})
    assert problem.startswith("integrations[0].servers: found ")


def test_fifo_as_server_list_is_refused_without_waiting(problems_of, tmp_path):
    """Nothing that is read can hold the command up."""
    os.mkfifo(tmp_path / "fifo")
    [problem] = problems_of(integration={"servers": "fifo"})
    assert "not a regular file" in problem


# Each line holds the line before it eight times.
BILLION_LAUGHS = "a: &a [x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 8)}]"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "null"),
        ("[]", "a list of 0"),
        ("a: [", "not YAML at line 2, column 1"),
        ("a: b: topsecret", "not YAML at line 1, column 5"),
        ("a: 1\n---\nb: 2", "not YAML at line 2"),
        ("!!python/object/apply:os.system [id]", "not YAML at line 1, column 1"),
        ("a: 2026-99-99", "a value that can't be read"),
        ("a: \x00", "not YAML"),
        ("[" * 20_000, "beyond reason"),
        ("a: " + "[" * 100_000 + "]" * 100_000, "beyond reason"),
        ("&a [*a]", "nesting or repetition beyond reason"),
        (
            BILLION_LAUGHS,
            "nesting or repetition beyond reason",
        ),
        ("# " + "x" * MAX_BYTES, "more than"),
    ],
)
def test_text_that_is_no_plain_yaml_is_refused(problems_of, text, found):
    """Safe loader only, nothing of the line is repeated, and neither depth nor aliases eat the machine."""
    [problem] = problems_of(text)
    assert found in problem
    assert "topsecret" not in problem


def test_bytes_that_arent_utf8_are_refused(tmp_path):
    """With the offset of the first."""
    file = tmp_path / "daypass.yaml"
    file.write_bytes(b"a: \xff")
    with pytest.raises(ConfigurationError) as caught:
        load(file, {}, tmp_path)
    assert "offset 3" in caught.value.problems[0]


def test_all_problems_are_reported_at_once(problems_of):
    """YAML, settings, server lists and what only shows between integrations, in one run."""
    text = """
state_dri: x
waves: {forks: many}
integrations:
  - {name: a, servers: [{name: web-1, host: "-o"}], secret: {env: KEY}}
  - {name: A, name: A, servers: [{name: db, host: h}], secret: {env: KEY}, user_cleanup_days: -1}
  - {name: b, servers: [{name: DB, host: h}], secret: {env: KEY}, resource_owner: {key: o, attribute: group}}
  - {servers: []}
"""
    assert [problem.split(": found")[0] for problem in problems_of(text)] == [
        "integrations[1].name",  # twice in one object
        "integrations[0].servers[0].host (web-1)",
        "integrations[3].servers",
        "integrations[1].name",  # as integrations[0], case aside
        "integrations[2].servers",  # the name DB again
        "integrations[2].resource_owner",
        "integrations[1].user_cleanup_days",
        "integrations[3].name",
        "integrations[3].secret",
        "waves.forks",
        "state_dri",
    ]


def test_key_given_twice_is_refused_wherever_it_stands(problems_of):
    """YAML loaders keep the last of two values; which one was meant, nobody knows."""
    text = SMALL.replace("secret: {env: KEY}", "secret: {env: KEY, env: OTHER}")
    [problem] = problems_of(text)
    assert problem.startswith("integrations[0].secret.env: found the key")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nb: 1.5\nc: yes\nd: null\ne: ~\nf:\ng: 2026-11-23\nh: 0x1f\ni: 22:00\nj: 1_000\nk: .inf",
        "a: '1'\nb: \"yes\"\nc: !!str 1\nd: !!int '1'\ne: |\n  text\n  more\nf: >-\n  folded\n  text\n",
        "[]",
        "{}",
        "- [a, {b: c}]\n- {1: x, 2.5: y, true: z}\n-\n",
        "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: [*x, *x]\nf: {<<: [*x, {b: 9, g: 7}]}",
        "%YAML 1.1\n---\na: b\n...\n",
        "",
        "# nothing",
        "text",
        "? a\n: b\n",
        "a: !!binary aGVsbG8=",
        "'=': x",
    ],
)
def test_values_are_those_of_the_safe_loader(text):
    """What PyYAML itself makes of a text."""
    assert read_yaml(text.encode(), "x") == (yaml.safe_load(text), [])


@pytest.mark.parametrize("text", ["a: *x", "[a]: b", "a: !!set {b}", "a: !x b", "{<<: 1}", "a: b\n--- c"])
def test_what_settings_have_no_use_for_is_refused(text):
    """Keys that aren't text, tags, aliases of nothing."""
    with pytest.raises(YamlRefused):
        read_yaml(text.encode(), "x")


def test_aliases_of_aliases_count_with_their_depth():
    """Each by itself is shallow."""
    steps = [f"a{n}: &a{n} [[[[*a{n - 1}]]]]" for n in range(1, 14)]
    with pytest.raises(YamlRefused, match="beyond reason"):
        read_yaml("\n".join(["a0: &a0 x", *steps]).encode(), "x")
    assert read_yaml("\n".join(["a0: &a0 x", *steps[:12]]).encode(), "x")[1] == []


def test_every_file_that_is_named_is_known(tmp_path):
    """What `gate install` lets its account read: lists by their place, not lists that stand here."""
    (tmp_path / "a.json").write_text('[{"name": "web-1", "host": "h"}]')
    (tmp_path / "shifts.yaml").write_text("shifts: []")
    text = """
ca: {key: {file: ca}}
directory:
  ldap: {urls: "ldaps://l", people: {base: "ou=p,dc=x"}, bind_dn: "cn=d,dc=x", password: {file: ldap_key}}
  shifts: shifts.yaml
integrations:
  - {name: a, servers: a.json, secret: {file: key}}
  - {name: b, servers: [{name: web-2, host: h}], secret: {file: key}}
  - {name: c, servers: '[{"name": "web-3", "host": "h"}]', secret: {env: KEY}}
notices: {channels: [{name: mail, url: {file: mail_url}}]}
"""
    settings = load(write(tmp_path / "daypass.yaml", text), {}, tmp_path)
    assert [file.name for file in settings.files] == ["daypass.yaml", "a.json", "shifts.yaml"]
    named = [one.path.name for one in settings.secrets if isinstance(one, FromFile)]
    assert named == ["ca", "key", "key", "mail_url", "ldap_key"]


@pytest.mark.parametrize("name", ["source", "server_lists"])
def test_what_is_filled_in_is_no_setting(name, tmp_path):
    """Whoever could set it would choose whose files root hands over."""
    with pytest.raises(ConfigurationError) as refused:
        load(write(tmp_path / "daypass.yaml", SMALL[:-1] + f", {name}: /etc/shadow}}"), {}, tmp_path)
    assert [problem.split(": ", 1)[1] for problem in refused.value.problems] == [
        f"{name}: found an unknown field; allowed: no field of this name"
    ]


def test_folder_that_may_not_be_entered_is_passed_over(tmp_path, monkeypatch):
    """`sudo -u daypass daypass status`, typed in root's home; the system's own is named, not hidden."""
    system = write(tmp_path / "etc" / "daypass.yaml")
    loading = importlib.import_module("daypass.config.load")  # the package has a function of this name
    monkeypatch.setattr(loading, "SYSTEM_FILE", system)
    closed = tmp_path / "root"
    there = Path.exists

    def exists(path: Path, **words: bool) -> bool:
        if closed in path.parents:
            raise PermissionError(13, "Permission denied", str(path))
        return there(path, **words)

    monkeypatch.setattr(Path, "exists", exists)
    assert find(None, {}, closed) == system
    monkeypatch.setattr(loading, "SYSTEM_FILE", closed / "daypass.yaml")
    assert find(None, {}, tmp_path / "elsewhere") == closed / "daypass.yaml"
