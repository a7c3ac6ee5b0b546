"""Who is to have what by an automatic flow, until when, and what of it is to change."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from daypass.domain.automatic import AutomaticAccess
from daypass.domain.servers import Server
from daypass.domain.windows import Window
from daypass.flows.automatic import End, Keep, Open, lead, plan_automatic
from daypass.flows.entitled import AHEAD, Entitled
from daypass.flows.policy import Policy
from tests.policies import INTEGRATIONS, NOW, PEOPLE, SERVERS, Doubtful, policy

HOUR = timedelta(hours=1)
READY = {server.name for server in SERVERS}


def key(number: int) -> str:
    """A public key of its own for each number: one that two people have counts for neither."""
    wire = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + number.to_bytes(32, "big")
    return f"ssh-ed25519 {b64encode(wire).decode()}"


WITH_KEYS = tuple({"public_keys": [key(number)], **person} for number, person in enumerate(PEOPLE))
AUTOMATIC = {"trigger": "automatic", "requesters": None}


def automatic(people=WITH_KEYS, **flow) -> Policy:
    """A policy of one automatic flow."""
    return policy({**AUTOMATIC, **flow}, people=people, integrations=INTEGRATIONS)


def entitled(now: datetime = NOW, ready=READY, people=WITH_KEYS, **flow) -> Entitled:
    made = automatic(people, **flow)
    return Entitled(made.flows[0], made, ready, now)


def access(login: str = "alice", **changes) -> AutomaticAccess:
    """What the record holds of a grant that began now and fits."""
    made = entitled(grantees={"user": login})
    values = {
        "flow": "f", "login": login, "grant_id": "G1", "window": Window(NOW, NOW + 8 * HOUR),
        "ended_at": None, "critical_options": {}, "extensions": ("permit-pty",),
        "digest": made.wanted[login].digest, "keys": (key(0),),
    }  # fmt: skip
    return AutomaticAccess(**{**values, **changes})


def plan(*accesses: AutomaticAccess, now: datetime = NOW, ready=READY, **flow):
    flow = {"grantees": {"user": "alice"}, **flow}
    return plan_automatic(automatic(**flow), accesses, ready, now)


@pytest.mark.parametrize(
    ("grantees", "logins"),
    [
        ({"group": "ops"}, {"alice"}),
        ("everyone", {"alice", "bob", "carol", "dave", "erin"}),
        ({"shift": "day"}, {"carol"}),
        ({"all": [{"group": "platform"}, {"group": "dba"}]}, {"dave"}),
        ({"any": ["manager", {"group": "ops"}]}, {"alice"}),
        ({"group": {"is_not": "opps"}}, set()),
    ],
)
def test_those_who_are_meant_and_here_have_it(grantees, logins):
    """Nobody who left; nobody is one's own manager; a slip of the pen means nobody."""
    assert set(entitled(grantees=grantees).wanted) == logins


def test_owner_has_it_on_the_servers_that_are_owned():
    """erin and dave own db-1 by its tag, platform all others."""
    wanted = entitled(grantees="owner").wanted
    places = {login: set(one.places) for login, one in wanted.items()}
    assert places == {
        "erin": {"db-1"},
        "dave": {"db-1", "web-1", "web-2"},
        "carol": {"web-1", "web-2"},
    }


def test_place_holds_what_the_integration_offers_today():
    """Without `Default`, which is no group; groups that aren't offered are told."""
    targets = {"integration": "prod", "user_groups": ["Default", "ops", "adm"]}
    found = entitled(grantees={"user": "alice"}, targets=targets, ready={"web-1"})
    assert {name: place.groups for name, place in found.wanted["alice"].places.items()} == {"web-1": ("ops",)}
    assert [note.code for note in found.notes] == ["not_onboarded", "group_not_offered"]


def test_server_that_offers_nothing_of_it_is_left_out():
    """An account without what it is for would be access all the same."""
    found = entitled(grantees={"user": "alice"}, targets={"integration": "lab", "user_groups": ["ops"]})
    assert found.wanted == {}


def test_names_in_a_note_are_bounded():
    """A thousand people without a key are one line."""
    people = [{"login": f"p{n}", "groups": ["ops"]} for n in range(1000)]
    [note] = entitled(people=people, grantees={"group": "ops"}).notes
    assert note.text.endswith("and 995 more")


@pytest.mark.parametrize(
    ("grantees", "at", "ends"),
    [
        ({"user": "carol"}, NOW, NOW + 20 * HOUR),
        ({"shift": "day"}, NOW, NOW.replace(hour=20)),
        ({"any": [{"shift": "day"}, {"shift": "night"}]}, NOW, NOW.replace(hour=20)),
        ({"any": [{"shift": "day"}, {"user": "carol"}]}, NOW, NOW + 20 * HOUR),
        ({"all": [{"user": "carol"}, {"shift": {"is_not": "night"}}]}, NOW, NOW + 20 * HOUR),
    ],
)
def test_access_by_a_shift_ends_with_the_shift(grantees, at, ends):
    """It ends when the person wouldn't be meant any more, whatever else the condition says."""
    found = entitled(at, grantees=grantees, max_duration="20h")
    assert found.until(found.wanted["carol"]) == ends


def test_end_of_a_shift_is_looked_for_a_week_ahead():
    """A shift without an end gives a week, and more when that is nearly over."""
    people = {"people": ["alice"], "timezone": "UTC"}
    made = policy(
        {**AUTOMATIC, "grantees": {"shift": "always"}, "max_duration": "30d"},
        people=WITH_KEYS,
        shifts=[{"name": "always", "weekly": [people]}],
    )
    found = Entitled(made.flows[0], made, READY, NOW)
    assert found.until(found.wanted["alice"]) == NOW + AHEAD


def test_what_fits_is_left_alone():
    """Nothing to do is nothing to write."""
    assert plan(access()).changes == ()


def test_missing_grant_is_opened():
    """For the flow's length."""
    [change] = plan().changes
    assert isinstance(change, Open)
    assert (change.before, change.until) == (None, NOW + 8 * HOUR)


def test_end_moves_when_a_quarter_of_the_length_is_left():
    """Not before, and by the flow's length from then."""
    assert plan(access(), now=NOW + 6 * HOUR).changes == ()
    now = NOW + 6 * HOUR + timedelta(seconds=1)
    [change] = plan(access(), now=now).changes
    assert isinstance(change, Keep)
    assert change.until == now + 8 * HOUR


@pytest.mark.parametrize(
    ("minutes", "expected"), [(1, 0.5), (30, 15), (40, 20), (60, 20), (80, 20), (120, 30), (480, 120)]
)
def test_lead_leaves_time_for_a_second_try(minutes, expected):
    """A quarter, at least 20 minutes, at most half."""
    assert lead(timedelta(minutes=minutes)) == timedelta(minutes=expected)


def test_other_digest_makes_the_grant_fit():
    """Without moving its end."""
    [change] = plan(access(digest="other")).changes
    assert isinstance(change, Keep)
    assert change.until is None


@pytest.mark.parametrize(
    ("flow", "reason"),
    [
        ({"grantees": {"user": "bob"}}, "the flow doesn't give it any more"),
        ({"active": False}, "the flow f is switched off"),
        ({"name": "g"}, "there is no flow f any more"),
        ({"trigger": "self_serve", "requesters": "everyone"}, "the flow f is asked now"),
    ],
)
def test_what_is_not_wanted_any_more_ends_first(flow, reason):
    """With the reason, before anything opens."""
    change = plan(access(), **flow).changes[0]
    assert isinstance(change, End)
    assert change.reason == reason


@pytest.mark.parametrize("changes", [{"critical_options": {"force-command": "x"}}, {"extensions": ()}])
def test_other_bounds_need_another_grant(changes):
    """The old one ends with it."""
    [change] = plan(access(**changes)).changes
    assert isinstance(change, Open)
    assert change.before is not None


def test_what_somebody_took_back_waits_for_the_end_it_had():
    """Then it is given again."""
    back = access(ended_at=NOW + HOUR)
    found = plan(back, now=NOW + 2 * HOUR)
    assert (found.changes, [note.code for note in found.notes]) == ((), ["taken_back"])
    [change] = plan(back, now=NOW + 8 * HOUR).changes
    assert isinstance(change, Open)


@pytest.mark.parametrize(
    ("grantees", "frozen"),
    [
        ({"shift": "night"}, True),
        ({"shift": {"starts_with": "n"}}, True),
        ({"any": [{"shift": "night"}, {"user": "alice"}]}, True),
        ("owner", False),
        ({"shift": "day"}, False),
        ({"user": "alice"}, False),
    ],
)
def test_nothing_changes_by_a_shift_that_cannot_be_told(grantees, frozen):
    """Nobody gets it, nobody loses it: a calendar that can't be read says nothing of anybody."""
    made = automatic(grantees=grantees)
    shifts = {**made.directory.shifts, "night": Doubtful()}
    made = replace(made, directory=replace(made.directory, shifts=shifts))
    found = plan_automatic(made, [access(login="bob")], READY, NOW)
    assert [note.code for note in found.notes].count("shift_unknown") == frozen
    assert any(isinstance(change, End) for change in found.changes) != frozen
    assert any(isinstance(change, Open) for change in found.changes) != frozen


@pytest.mark.parametrize(("attribute", "frozen"), [("shift", True), ("group", False)])
def test_owner_that_is_a_shift_counts_as_one(attribute, frozen):
    """Who owns a server may go by the hour, too."""
    owner = {"attribute": attribute, "values": ["day"]}
    made = policy(
        {**AUTOMATIC, "grantees": "owner"},
        people=WITH_KEYS,
        integrations=[
            {**INTEGRATIONS[0], "integration_owner": owner, "resource_owner": None},
            {"name": "lab"},
        ],
    )
    shifts = {**made.directory.shifts, "night": Doubtful()}
    made = replace(made, directory=replace(made.directory, shifts=shifts))
    found = plan_automatic(made, (), READY, NOW)
    assert ("shift_unknown" in [note.code for note in found.notes]) == frozen


def test_ten_thousand_people_on_a_thousand_servers_are_looked_at_by_sets():
    """Nothing to do is no work for each of their ten million pairs."""
    people = [{"login": f"p{n}", "groups": ["ops"], "public_keys": [key(n)]} for n in range(10_000)]
    servers = [Server(f"s{n}", f"h{n}", integration="prod") for n in range(1000)]
    made = policy(
        {**AUTOMATIC, "grantees": {"group": "ops"}, "targets": {"integration": "prod"}},
        people=people,
        servers=servers,
    )
    ready = {server.name for server in servers}
    opened = plan_automatic(made, (), ready, NOW).changes
    assert len({id(change.wanted.places) for change in opened if isinstance(change, Open)}) == 1
    like = access()
    accesses = [
        replace(like, login=change.wanted.person.login, digest=change.wanted.digest)
        for change in opened
        if isinstance(change, Open)
    ]
    assert len(accesses) == 10_000
    assert plan_automatic(made, accesses, ready, NOW).changes == ()
