"""The document: what goes in comes out, and what isn't exactly right is refused."""

from __future__ import annotations

import base64
import calendar
import copy
import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, fields, names
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from tests.onboarded import CA_KEY

WHOLE = {
    "version": 1,
    "host_id": "a" * 32,
    "orchestrator_id": "b" * 32,
    "sequence": 7,
    "exclusive": True,
    "ca_keys": [CA_KEY],
    "accounts": [
        {
            "name": "alice",
            "uid": 70007,
            "comment": "alice@example.com",
            "shell": "/bin/bash",
            "existing": "refuse",
            "home_on_removal": "archive",
            "user_cleanup_days": 90,
            "remove": False,
            "grants": [
                {
                    "id": "G1",
                    "state": "present",
                    "principals": ["daypass-G1-1"],
                    "groups": ["ops"],
                    "warn_before": 300,
                    "sudo": [{"run_as": "root", "commands": ["/usr/bin/systemctl restart nginx"]}],
                    "not_after": "2026-11-22T11:00:00Z",
                },
                {"id": "G2", "state": "absent"},
            ],
        }
    ],
}


def changed(path: str, value: object) -> dict:
    """The whole document with one value replaced; `path` like accounts.0.name."""
    result = copy.deepcopy(WHOLE)
    *folders, last = path.split(".")
    place = result
    for key in folders:
        place = place[int(key)] if key.isdigit() else place[key]
    place[last] = value
    return result


def refusal(mapping: dict) -> Refusal:
    """What `build` says of a document that must not pass."""
    with pytest.raises(Refusal) as caught:
        document.build(mapping)
    return caught.value


def test_whole_document_comes_back_as_values():
    """Every field of a document reaches the code that follows it."""
    opaque, digest = document.build(WHOLE)
    found = document.parse(opaque)
    assert (found.sequence, found.exclusive, found.digest) == (7, True, digest)
    account = found.accounts[0]
    assert (account.name, account.uid, account.absent) == ("alice", 70007, ("G2",))
    assert account.grants[0].not_after == 1795345200
    assert account.grants[0].sudo[0].commands == ("/usr/bin/systemctl restart nginx",)


def test_digest_is_of_the_canonical_bytes():
    """Order of keys and white space don't change the digest: equal content is equal."""
    opaque, digest = document.build(WHOLE)
    spread = base64.b64encode(json.dumps(WHOLE, indent=3).encode()).decode()
    assert document.parse(spread).digest == digest
    assert json.loads(base64.b64decode(opaque)) == WHOLE


@pytest.mark.parametrize(
    "login",
    [
        "-rf",
        "../x",
        "Alice",
        "1alice",
        "alice bob",
        "alice\nbob",
        "alice\n",
        "alice\0",
        "a" * 33,
        "",
        "älice",
        "alice:x",
        "alice,bob",
        "%ops",
        "#70007",
        ".alice",
        None,
        7,
    ],
)
def test_hostile_login_is_refused(login: object):
    """A login is refused as it is, never repaired."""
    assert refusal(changed("accounts.0.name", login)).code == "name_invalid"


@pytest.mark.parametrize(
    "login", ["root", "daemon", "sudo", "daypass", "daypass-join", "daypassx", "www-data", "nobody"]
)
def test_reserved_login_is_refused(login: str):
    """Names of the system and our own are never managed."""
    assert refusal(changed("accounts.0.name", login)).code == "name_reserved"


@pytest.mark.parametrize("login", ["jane.doe", "_x", "a", "a-b_c.d", "a" * 32])
def test_odd_but_allowed_login_passes(login: str):
    """The pattern's own borders are inside."""
    assert document.parse(document.build(changed("accounts.0.name", login))[0]).accounts[0].name == login


@pytest.mark.parametrize("uid", [0, 1000, 69999, 100000, -1])
def test_uid_outside_the_range_is_refused(uid: int):
    """Uids lie below the subordinate ranges and above systemd's."""
    assert refusal(changed("accounts.0.uid", uid)).code in ("uid_out_of_range", "document_invalid")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("version", True),
        ("host_id", "A" * 32),
        ("host_id", "a" * 31),
        ("sequence", 0),
        ("sequence", 1.0),
        ("sequence", "7"),
        ("sequence", 1 << 53),
        ("exclusive", 1),
        ("ca_keys", ["ssh-ed25519 AAAA"]),
        ("ca_keys", [CA_KEY + " comment"]),
        ("ca_keys", [CA_KEY, CA_KEY]),
        ("ca_keys", []),
        ("ca_keys", ["sk-" + CA_KEY]),
        ("ca_keys", ['restrict,command="x" ' + CA_KEY]),
        ("ca_keys", ["ssh-rsa " + CA_KEY.split()[1]]),
        ("ca_keys", [CA_KEY + "\n"]),
        ("accounts", {}),
        ("accounts", [1]),
        ("accounts.0.uid", True),
        ("accounts.0.uid", "70007"),
        ("accounts.0.comment", "a:b"),
        ("accounts.0.comment", "a,b"),
        ("accounts.0.comment", "a\nb"),
        ("accounts.0.comment", ""),
        ("accounts.0.shell", "bash"),
        ("accounts.0.shell", "/bin/bash\n"),
        ("accounts.0.shell", "/bin/bash -c"),
        ("accounts.0.existing", "take"),
        ("accounts.0.home_on_removal", "burn"),
        ("accounts.0.user_cleanup_days", -1),
        ("accounts.0.remove", True),
        ("accounts.0.password", "x"),
        ("accounts.0.grants.0.id", "G/1"),
        ("accounts.0.grants.0.id", "G2"),
        ("accounts.0.grants.0.state", "gone"),
        ("accounts.0.grants.0.not_before", "2026-11-22T10:00:00Z"),
        ("accounts.0.grants.0.principals", ["daypass-G2-1"]),
        ("accounts.0.grants.0.principals", ["alice"]),
        ("accounts.0.grants.0.principals", ["daypass-G1-0"]),
        ("accounts.0.grants.0.principals", ['daypass-G1-1",command="x']),
        ("accounts.0.grants.0.principals", ["daypass-G1-1\n"]),
        ("accounts.0.grants.0.principals", None),
        ("accounts.0.grants.0.warn_before", -1),
        ("accounts.0.grants.0.not_after", "2026-11-22 11:00:00"),
        ("accounts.0.grants.0.not_after", "2026-11-22T11:00:00+00:00"),
        ("accounts.0.grants.0.not_after", "2026-02-30T11:00:00Z"),
        ("accounts.0.grants.0.not_after", "2026-11-22T11:00:60Z"),
        ("accounts.0.grants.0.not_after", "2026-11-22T11:00:00Z\n"),
        ("accounts.0.grants.0.not_after", 1795345200),
        ("accounts.0.grants.1.groups", []),
        ("extra", 1),
    ],
)
def test_bad_field_is_refused(path: str, value: object):
    """Wrong types, unknown fields and values beyond their limits are refused; nothing is guessed."""
    assert refusal(changed(path, value)).code == "document_invalid"


@pytest.mark.parametrize(
    "group", ["-ops", "ops,root", "ops\n", "", "daypass", "daypass-join", "root", "1000", "ops root"]
)
def test_hostile_group_is_refused(group: str):
    """A group is a plain name, never ours and never root's."""
    assert refusal(changed("accounts.0.grants.0.groups", [group])).code in ("group_invalid", "name_reserved")


@pytest.mark.parametrize("group", ["ops ", "daypass-x", "root", "docker", "sudo", "adm", "Ops", "nope"])
def test_group_that_may_never_be_created_is_refused(group: str):
    """The system's, root-equivalent ones, ours, odd names; and one that the grant doesn't give."""
    wanted = changed("accounts.0.grants.0.create_groups", [group])
    if group != "nope":
        wanted["accounts"][0]["grants"][0]["groups"] = [group]
    code = "document_invalid" if group == "nope" else ("group_invalid", "name_reserved")
    assert refusal(wanted).code in code


def test_group_to_create_is_one_of_the_grants():
    """What isn't said creates nothing: documents of before mean what they meant."""
    parsed = document.parse(document.build(changed("accounts.0.grants.0.create_groups", ["ops"]))[0])
    before = document.parse(document.build(WHOLE)[0])
    found = [one.accounts[0].grants[0].create_groups for one in (parsed, before)]
    assert found == [("ops",), ()]


def test_account_twice_is_refused():
    """Two wishes for one login can't both hold."""
    twice = changed("accounts", [WHOLE["accounts"][0], WHOLE["accounts"][0]])
    assert refusal(twice).code == "document_invalid"


@pytest.mark.parametrize(
    "opaque",
    [
        "",
        "!!!",
        "e30",
        "bnVsbA==",
        base64.b64encode(b"[" * 100_000).decode(),
        base64.b64encode(b'{"version":1,"version":1}').decode(),
        base64.b64encode(b'{"version":1,"sequence":NaN}').decode(),
        base64.b64encode(b"\xff\xfe").decode(),
        "A" * (names.DOCUMENT_BYTES * 3),
    ],
)
def test_garbage_is_refused(opaque: str):
    """What is no document ends in a refusal, not in a traceback."""
    with pytest.raises(Refusal) as caught:
        document.parse(opaque)
    assert caught.value.code == "document_invalid"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    ["version", "host_id", "sequence", "exclusive", "ca_keys", "accounts"]
    + [f"accounts.0.{key}" for key in WHOLE["accounts"][0]]
    + [f"accounts.0.grants.0.{key}" for key in WHOLE["accounts"][0]["grants"][0]]
)


@given(path=PATHS, value=JSON)
def test_any_value_anywhere_passes_or_is_refused(path: str, value: object):
    """No value in any field ends in anything but a document or a refusal."""
    try:
        opaque, digest = document.build(changed(path, value))
    except Refusal:
        return
    assert document.parse(opaque).digest == digest


def test_moments_are_those_of_the_calendar():
    """Each day from 2000 to 2999 is the second that the standard library says, leap days too."""
    day = dt.date(2000, 1, 1)
    while day.year < 3000:
        parts = (day.year, day.month, day.day, 23, 59, 58)
        assert fields.seconds_of(parts) == calendar.timegm((*parts, 0, 0, 0))
        day += dt.timedelta(days=1 if day.month in (2, 3, 12) else 28)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-10T24:00:00Z",
        "2026-01-10T00:60:00Z",
        "2026-01-10T00:00:60Z",
    ],
)
def test_moment_that_no_calendar_has_is_refused(text: str):
    """It isn't taken for the next day or hour."""
    with pytest.raises(Refusal):
        fields.moment(text, "not_after")
