"""A definition file is made by somebody else: it is refused, or it does no harm."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from daypass.errors import UsageError
from daypass.importing import source, writing
from daypass.importing.apono import Translation, translate
from daypass.importing.findings import Kind
from daypass.importing.settings import Wishes
from tests.importing_cases import condition, flow, ssh_integration

KIND = "OPENSSH PRIVATE KEY"
PEM = f"-----BEGIN {KIND}-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END {KIND}-----\n"
ENCODED = base64.b64encode(PEM.encode()).decode()
WRAPPED = "\n".join(ENCODED[start : start + 76] for start in range(0, len(ENCODED), 76))


def imported(folder: Path, *definitions: Any) -> Translation:
    """Import them, and see that what is written loads."""
    (folder / "source.json").write_text(json.dumps(list(definitions)), encoding="utf-8")
    found = translate([folder / "source.json"], Wishes(mapped={"groups": "user_groups"}))
    if found.files:
        writing.check_loads(found.files, found.meant)
    return found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"", "nothing"),
        (b"{", "line 1, column 2"),
        (b'[\n{"a": 1,}\n]', "line 2"),
        (b"\xff\xfe[]", "UTF-8"),
        (b'{"name": "a", "name": "b"}', "stands twice"),
        (b'[{"settings": {"require_mfa": true, "require_mfa": false}}]', "[0].settings"),
        (b'{"name": NaN}', "not JSON"),
        (b'{"n": 1' + b"0" * 50 + b"}", "not JSON"),
        (b"[" * 100 + b"]" * 100, "nested"),
        (b"[" * 100_000, "nested"),
        (b"7", "isn't an object"),
        (b'"text"', "not JSON"),
        (b'{"format_version": "2.0"}', "version 0 or 1"),
        (b'{"format_version": "1.0", "values": {"root_module": []}}', "isn't an object"),
    ],
)
def test_what_is_no_definition_is_refused_with_its_place(tmp_path, text, told):
    """Line and column, or the path of what is odd."""
    (tmp_path / "source.json").write_bytes(text)
    with pytest.raises(UsageError) as refused:
        translate([tmp_path / "source.json"], Wishes())
    assert told in refused.value.sentence


def test_file_beyond_the_limit_is_refused(tmp_path, monkeypatch):
    """Its size is looked at before it is parsed."""
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    (tmp_path / "source.json").write_text(json.dumps([ssh_integration()]), encoding="utf-8")
    with pytest.raises(UsageError, match="larger than"):
        translate([tmp_path / "source.json"], Wishes())


OTHER = PEM.replace("OPENSSH ", "").replace("b3BlbnNzaC1rZXktdjE", "MC4CAQAwBQYDK2VwBCI")
PUTTY = "PuTTY-User-Key-File-3: ssh-ed25519\nb3Blbg"


@pytest.mark.parametrize(
    "key", [PEM, OTHER, PUTTY, ENCODED, WRAPPED, f"here it is: {ENCODED}", json.dumps(PEM)]
)
@pytest.mark.parametrize("place", ["custom_access_details", "secret", "server"])
def test_private_key_is_never_copied(tmp_path, key, place):
    """Wherever it stands and however it is encoded; the finding says to replace it."""
    theirs = ssh_integration(custom_access_details=key)
    if place == "secret":
        theirs = ssh_integration(secret_store_config={"apono": {"parameters": {"base64_private_key": key}}})
    if place == "server":
        servers = json.dumps([{"name": "web-1", "host": "192.0.2.1", "tags": {"k": key}}])
        theirs = ssh_integration(integration_config={"servers": servers, "groups": "ops"})
    found = imported(tmp_path, theirs)
    everything = str(found)
    assert not any(part in everything for part in ("b3Blbg", "b3BlbnNzaC1rZXk", "MC4CAQ", ENCODED[:60]))
    assert any(one.kind is Kind.PRIVATE_KEY and "replace" in one.do for one in found.findings)


def test_private_key_as_a_name_refuses_the_file(tmp_path):
    """A name stands in every path that is shown."""
    with pytest.raises(UsageError, match="private key as a name"):
        imported(tmp_path, {PEM: 1})


NASTY = [
    "a\nstate_dir: /",
    "a: [b",
    "!!python/object/apply:os.system [id]",
    "&a *a",
    "- x",
    "# comment",
    "{}",
    "null",
    "yes",
    "0777",
    "1:30",
    "\u2028x",
    "\x85x",
    "\x1b]0;x\x07",
    "'\"`",
    "${IFS}",
    "~",
    "<<",
    "\ufeff",
]


@pytest.mark.parametrize("text", NASTY)
def test_text_that_means_something_to_yaml_stays_text(tmp_path, text):
    """Whatever is written loads, and says what it said there; what doesn't fit isn't written."""
    theirs = [
        ssh_integration(name=text, custom_access_details=text),
        flow(name=text, description=text, settings={"labels": [text]}),
        flow(name="b", requestors={"logical_operator": "OR", "conditions": [condition("group", text)]}),
    ]
    found = imported(tmp_path, *theirs)
    if found.files:
        written = yaml.safe_load(found.files["daypass.yaml"])
        assert set(written) <= {"state_dir", "ca", "directory", "integrations", "access_flows"}
        assert written["state_dir"] == ".daypass"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**6) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (*flow(), "request_for", "escalation_policy", "timeframe", "description")


@settings(max_examples=150, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_any_flow_is_translated_or_refused_and_what_is_written_loads(tmp_path_factory, changes):
    """No value anywhere makes it fall over, and nothing is written that our loaders don't take."""
    imported(tmp_path_factory.mktemp("any"), ssh_integration(), flow(**changes))


@settings(max_examples=100, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(tuple(ssh_integration())), JSON, max_size=2))
def test_any_integration_is_translated_or_refused_and_what_is_written_loads(tmp_path_factory, changes):
    """As for flows."""
    imported(tmp_path_factory.mktemp("any"), ssh_integration(**changes), flow())
