"""Automatic access from people, servers and flows to accounts, over a real record and servers in memory."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.domain.automatic import AutomaticAccess
from daypass.domain.certificates import CertificateState
from daypass.domain.grants import Grant, Trigger
from daypass.errors import ConfigurationError
from daypass.host_rules import PRINCIPALS_MAX
from daypass.workflow import following
from daypass.workflow.automatic import follow_flows
from daypass.workflow.certifying import certificate_for
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.offboarding import offboard
from daypass.workflow.reconciling import Pass, reconcile_once
from daypass.workflow.reissuing import LOST, reissue
from daypass.workflow.revoking import take_back
from tests.agreement import check_agreement, check_certificates, check_not_more
from tests.asking import PUBLIC_KEY, Company
from tests.fakes import Killed

HOUR = timedelta(hours=1)
OTHER_KEY = public_line(load_ca_key(generate_ca_key("ed25519")))
AUTOMATIC: Mapping[str, Any] = {
    "name": "watchers",
    "trigger": "automatic",
    "requesters": None,
    "grantees": {"group": "dba"},
    "targets": {"servers": {"starts_with": "web-"}, "user_groups": ["Default", "logs"]},
    "max_duration": "8h",
    "default_duration": None,
    "approvers": "none",
}


class Watched(Company):
    """A company with automatic flows; tags and shifts may be replaced, too."""

    def __init__(self, folder: Path, *flows: Mapping[str, Any]) -> None:
        super().__init__(folder, *({**AUTOMATIC, **flow} for flow in flows or ({},)))

    def change(self, **flow: Any) -> None:
        """The first flow differs from now on."""
        self.flows = ({**self.flows[0], **flow}, *self.flows[1:])

    def set_person(self, login: str, **entry: Any) -> None:
        self.people = tuple(
            {**person, **entry} if person["login"] == login else person for person in self.people
        )

    def tick(self, forward: timedelta = timedelta(0)) -> Pass:
        """One pass, later."""
        return reconcile_once(self.seams, self.clock.forward(forward))

    def accesses(self) -> list[AutomaticAccess]:
        with self.seams.store.read() as view:
            return view.automatic_access()

    def access(self, login: str = "erin") -> AutomaticAccess:
        [found] = [one for one in self.accesses() if one.login == login]
        return found

    def grants(self, login: str = "erin") -> list[Grant]:
        with self.seams.store.read() as view:
            return view.grants(login=login)

    def note_codes(self) -> list[tuple[str, str]]:
        return [(note.flow, note.code) for note in self.tick().automatic.notes]


@pytest.fixture
def company(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def agree(company: Watched) -> None:
    """Record and servers say the same, and every certificate is as it should be."""
    with company.seams.store.read() as view:
        for name, host in company.hosts.items():
            opened = {login: host.open_principals(login) for login in host.ledger.accounts}
            check_agreement(view, name, opened, company.clock())
        check_certificates(view)


def never_more(company: Watched) -> None:
    """Nobody has more than the record gives."""
    with company.seams.store.read() as view:
        for name, host in company.hosts.items():
            opened = {login: host.open_principals(login) for login in host.ledger.accounts}
            check_not_more(view, name, opened, company.clock())


def test_everyone_meant_gets_it_by_the_next_pass(company):
    """With the keys of the directory, for the flow's length, on the servers that it is about."""
    done = company.tick()
    assert company.opens("erin") == company.opens("dave") == ["web-1", "web-2"]
    assert company.opens("alice") == []
    [grant] = company.grants()
    assert (grant.flow, grant.trigger, grant.request_id) == ("watchers", Trigger.AUTOMATIC, None)
    assert (grant.comment, grant.window.length) == ("erin@example.com", 8 * HOUR)
    assert {share.groups for share in company.shares("erin")} == {("logs",)}
    assert set(done.automatic.opened) == {one.grant_id for one in company.accesses()}
    assert company.details(grant.id, "grant.recorded")["trigger"] == "automatic"
    agree(company)


def test_nothing_is_done_again(company):
    """A pass with nothing due records nothing and sends nothing."""
    company.tick()
    with company.seams.store.read() as view:
        before = view.audit_head()
    sent = len(company.world.waves.sent)
    company.tick(HOUR)
    with company.seams.store.read() as view:
        assert view.audit_head() == before
    assert len(company.world.waves.sent) == sent


def test_its_end_is_moved_before_it_comes_and_sessions_go_on(company):
    """The same grant with a certificate more; the old line stays, so nothing is taken away (ADR 0016)."""
    company.tick()
    [before] = company.grants()
    principals = company.hosts["web-1"].open_principals("erin")
    company.tick(5 * HOUR)
    assert company.grants() == [before]
    company.tick(1.5 * HOUR)
    [after] = company.grants()
    assert (after.id, after.times_extended) == (before.id, 1)
    assert after.window.not_after == company.clock().replace(microsecond=0) + 8 * HOUR
    assert principals < company.hosts["web-1"].open_principals("erin")
    assert company.details(after.id, "grant.extended")["reason"] == "automatic access"
    agree(company)


def test_it_goes_on_for_as_long_as_somebody_is_meant(company, monkeypatch):
    """Without a gap over many lengths; a grant that is full of certificates is followed by another."""
    assert following.PRINCIPALS_MAX == PRINCIPALS_MAX
    monkeypatch.setattr(following, "PRINCIPALS_MAX", 4)
    for _ in range(4 + 3):
        company.tick(6.5 * HOUR)
        assert company.opens("erin") == ["web-1", "web-2"]
    assert len(company.grants()) == 2
    assert "as many certificates" in (company.grants()[1].end_reason or "")
    agree(company)


def test_it_ends_by_itself_where_no_pass_comes(company):
    """Nothing is promised beyond the window; the next pass gives it anew."""
    company.tick()
    [before] = company.grants()
    company.tick(9 * HOUR)
    assert {grant.end_reason for grant in company.grants() if grant.id == before.id} == {"window closed"}
    assert company.access().grant_id != before.id
    assert company.opens("erin") == ["web-1", "web-2"]
    agree(company)


@pytest.mark.parametrize(
    "no_more",
    [
        lambda company: company.set_person("erin", groups=["platform"]),
        lambda company: company.set_person("erin", active=False),
        lambda company: company.set_person("erin", public_keys=[]),
        lambda company: company.change(active=False),
        lambda company: company.change(grantees={"user": "dave"}),
        lambda company: company.change(targets={"servers": "db-2"}),
        lambda company: setattr(company, "flows", ({"name": "other"},)),
        lambda company: setattr(company, "flows", ({"name": "watchers"},)),
    ],
)
def test_who_is_not_meant_any_more_loses_it_with_the_next_pass(company, no_more):
    """Out of the group, gone, without a key; the flow off, narrowed, gone, or one that is asked now."""
    company.tick()
    no_more(company)
    company.tick()
    assert company.opens("erin") == []
    [grant] = company.grants()
    assert grant.end_reason
    assert [one.login for one in company.accesses() if one.login == "erin"] == []
    agree(company)


def test_who_is_meant_again_gets_it_again(company):
    """What the flow itself took back isn't withheld."""
    company.tick()
    for groups, servers in ((["platform"], []), (["dba"], ["web-1", "web-2"])):
        company.set_person("erin", groups=groups)
        company.tick()
        assert company.opens("erin") == servers
    agree(company)


def test_servers_that_come_and_go_are_followed_in_the_same_grant(company):
    """One that begins to match is added, one that stops is taken back, and may come back."""
    company.tick()
    [grant] = company.grants()
    for names in (["db-1", "web-1"], ["web-2"], ["web-1", "web-2", "db-1"], ["web-1"]):
        company.change(targets={"servers": names, "user_groups": ["Default", "logs"]})
        company.tick()
        assert company.opens("erin") == sorted(names, key=list(company.hosts).index)
        agree(company)
    assert company.grants() == [grant]
    assert {"share.added", "share.ending"} <= set(company.kinds(grant.id))


def test_groups_and_sudo_rules_are_followed_on_servers_that_stay(company):
    """In place: the servers get another content of the same grant."""
    company.tick()
    [grant] = company.grants()
    company.change(targets={"servers": ["web-1", "web-2"], "user_groups": ["ops"]})
    company.tick()
    assert company.grants() == [grant]
    assert {(share.groups, len(share.sudo)) for share in company.shares("erin")} == {(("ops",), 1)}
    held = company.hosts["web-1"].ledger.accounts["erin"].grants[grant.id]
    assert (held.groups, len(held.sudo)) == (("ops",), 1)
    agree(company)


def test_each_server_has_the_groups_of_its_own_targets(company):
    """Targets that overlap add up."""
    company.change(
        targets=[
            {"servers": ["web-1", "web-2"]},
            {"servers": ["web-2"], "user_groups": ["logs"]},
            {"servers": ["web-2"], "user_groups": ["ops"]},
        ]
    )
    company.tick()
    groups = {share.server: share.groups for share in company.shares("erin")}
    assert groups == {"web-1": (), "web-2": ("logs", "ops")}
    assert company.details(company.access().grant_id, "grant.recorded")["groups"] == ["logs", "ops"]


def test_keys_of_the_directory_are_followed(company):
    """A new key gets a certificate; the line of one that is gone is taken away."""
    company.tick()
    [grant] = company.grants()
    own = company.person("erin").public_keys[0]
    for keys in ([own, OTHER_KEY], [OTHER_KEY]):
        company.set_person("erin", public_keys=keys)
        company.tick()
        with company.seams.store.read() as view:
            good = [c for c in view.certificates(grant.id) if c.state is CertificateState.SIGNED]
        assert {c.public_key for c in good} == set(keys)
        assert company.hosts["web-1"].open_principals("erin") == {c.principal for c in good}
    agree(company)


def test_key_that_was_brought_beside_the_directory_s_is_renewed_too(company):
    """Another machine's key, by the person's own word; the flow takes back only what the directory gave."""
    company.tick()
    grant_id = company.access().grant_id
    certificate_for(company.seams, grant_id, "erin", OTHER_KEY, company.clock())
    company.change(targets={"servers": "web-1"})
    company.tick()
    company.tick(6.5 * HOUR)
    with company.seams.store.read() as view:
        signed = [c.public_key for c in view.certificates(grant_id) if c.state is CertificateState.SIGNED]
    assert signed.count(OTHER_KEY) == 2
    agree(company)


def test_key_that_was_revoked_in_the_grant_is_not_signed_again(company):
    """The directory may not know yet that it is lost."""
    company.tick()
    grant_id = company.access().grant_id
    lost = company.person("erin").public_keys[0]
    reissue(company.seams, grant_id, OTHER_KEY, company.clock(), reason=LOST)
    company.change(targets={"servers": "web-1"})
    company.tick()
    company.tick(6.5 * HOUR)
    with company.seams.store.read() as view:
        signed = [c.public_key for c in view.certificates(grant_id) if c.state is CertificateState.SIGNED]
    assert (signed.count(lost), signed.count(OTHER_KEY)) == (0, 2)


def test_changed_constraints_end_the_grant_and_begin_another(company):
    """A certificate can't be bound afterwards."""
    company.tick()
    company.change(certificate={"force_command": "/usr/bin/id"})
    company.tick(timedelta(minutes=1))
    new, old = company.grants()
    assert (old.end_reason, old.ended_at) == ("the flow binds certificates otherwise now", company.clock())
    assert new.constraints.critical_options == {"force-command": "/usr/bin/id"}
    assert company.opens("erin") == ["web-1", "web-2"]
    agree(company)


def test_what_is_in_the_way_is_told_and_stops_nobody_else(company):
    """People without a key, servers that aren't onboarded, groups that aren't offered."""
    company.set_person("dave", public_keys=[])
    with company.seams.store.write("x", company.clock()) as work:
        host = work.host("web-2")
        assert host
        work.set_host(replace(host, onboarded_at=None))
    company.change(targets={"servers": ["web-1", "web-2"], "user_groups": ["logs", "adm"]})
    found = {note.code: note.text for note in company.tick().automatic.notes}
    assert found == {
        "no_key": "no public key in the directory of dave",
        "not_onboarded": "not onboarded: web-2",
        "group_not_offered": "the group 'adm' isn't offered on web-1, web-2",
    }
    assert (company.opens("erin"), company.opens("dave")) == (["web-1"], [])


def test_server_is_added_when_it_is_onboarded_and_gone_when_it_is_offboarded(company):
    """Neither needs a word about automatic access."""
    company.tick()
    offboard(company.seams, ["web-2"], company.clock())
    company.tick()
    assert company.opens("erin") == ["web-1"]
    with company.seams.store.write("x", company.clock()) as work:
        host = work.host("web-2")
        assert host
        company.hosts["web-2"].begin("e" * 32, "d" * 32)
        work.set_host(replace(host, host_id="e" * 32, offboarded_at=None))
    company.tick()
    assert company.opens("erin") == ["web-1", "web-2"]


def test_account_name_of_daypass_itself_is_refused_and_others_go_on(company):
    """What can't be recorded of one person is nobody else's matter."""
    company.people = (*company.people, {"login": "apono", "groups": ["dba"], "public_keys": [OTHER_KEY]})
    assert ("watchers", "name_reserved") in company.note_codes()
    assert company.opens("erin") == ["web-1", "web-2"]


def test_grant_that_was_taken_back_is_not_given_again_before_its_end(company):
    """An operator's word counts for the time that was given; for longer, the flow has to change."""
    company.tick()
    take_back(company.seams, company.access().grant_id, company.clock())
    assert company.note_codes() == [("watchers", "taken_back")]
    assert (company.opens("erin"), company.opens("dave")) == ([], ["web-1", "web-2"])
    company.tick(9 * HOUR)
    assert company.opens("erin") == ["web-1", "web-2"]


def test_access_that_is_there_with_other_bounds_stands_and_the_rest_is_given(company):
    """Constraints don't mix; the server is added when the other access has ended."""
    give(company.seams, GrantRequest("erin", ("web-1",), (), (), HOUR, PUBLIC_KEY), company.clock())
    company.change(certificate={"force_command": "/usr/bin/id"})
    assert company.note_codes() == [("watchers", "constraints_differ")]
    assert {share.server for share in company.shares("erin")} == {"web-1", "web-2"}
    assert len(company.hosts["web-1"].open_principals("erin")) == 1
    assert company.note_codes() == [("watchers", "constraints_differ")]
    company.tick(2 * HOUR)
    assert {share.server for share in company.shares("erin") if share.grant_id == company.access().grant_id}
    assert company.opens("erin") == ["web-1", "web-2"]
    agree(company)


def test_of_two_automatic_flows_with_other_bounds_the_first_in_the_file_wins(tmp_path):
    """The second gives what is left."""
    bound = {"certificate": {"force_command": "/usr/bin/id"}}
    company = Watched(
        tmp_path, {"name": "first", "targets": {"servers": "web-1"}}, {"name": "second", **bound}
    )
    company.tick()
    assert ("second", "constraints_differ") in company.note_codes()
    [first] = [one for one in company.accesses() if (one.flow, one.login) == ("first", "erin")]
    shares = {share.server: share.grant_id for share in company.shares("erin")}
    assert shares["web-1"] == first.grant_id
    assert shares["web-2"] != first.grant_id


def test_shift_gives_it_until_the_shift_ends(company):
    """Never longer than the shift, however long the flow allows; erin's begins at 20:00."""
    company.change(grantees={"shift": "night"})
    company.tick()
    assert company.opens("erin") == []
    company.tick(timedelta(hours=10, minutes=30))
    [grant] = company.grants()
    assert grant.window.not_after.hour == 4  # eight hours, the flow's length
    company.tick(6.5 * HOUR)
    [grant] = company.grants()
    assert (grant.window.not_after.hour, grant.window.not_after.minute) == (8, 0)
    company.tick(5 * HOUR - timedelta(minutes=1))
    assert company.grants() == [grant]
    company.tick(timedelta(minutes=1))
    assert company.opens("erin") == []
    agree(company)


def test_people_that_cannot_be_read_change_nothing(company):
    """Nobody gets anything, nobody loses anything, and the pass says so at its end."""

    def unreadable():
        raise ConfigurationError("not YAML")

    company.tick()
    give(company.seams, GrantRequest("alice", ("db-1",), (), (), HOUR, PUBLIC_KEY), company.clock())
    seams = replace(company.seams, directory=unreadable, policy=unreadable)
    with pytest.raises(ConfigurationError):
        reconcile_once(seams, company.clock.forward(2 * HOUR))
    assert (company.opens("erin"), company.opens("alice")) == (["web-1", "web-2"], [])


def test_access_of_flows_that_are_gone_ends_without_a_directory(company):
    """Whoever takes flows and people out of the configuration ends what they gave."""

    def no_directory():
        raise ConfigurationError("there is none")

    company.tick()
    company.flows = ()
    seams = replace(company.seams, policy=no_directory, directory=lambda: None)
    assert len(reconcile_once(seams, company.clock()).automatic.taken) == 2
    assert (company.opens("erin"), company.accesses()) == ([], [])


def test_two_passes_at_once_give_one_grant(company):
    """What the other one did is seen in the unit of work that records."""
    seams, barrier = company.seams, Barrier(2)

    def go(_n: int) -> int:
        barrier.wait()
        return len(follow_flows(seams, company.clock()).opened)

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(go, range(2))) == 2  # erin's and dave's
    assert len(company.grants("erin")) == len(company.grants("dave")) == 1


def killed_at(company: Watched, step: int) -> bool:
    """One pass of a process that is gone at this step; whether it came that far."""
    seams, mortal = company.world.mortal(step)
    try:
        reconcile_once(company.over(seams), company.clock())
    except Killed:
        return True
    assert not mortal.dead
    return False


def change_something(company: Watched, what: str) -> list[str]:
    """Make a pass have something to do; returns where erin has access after it."""
    company.set_person("erin", groups=["dba"])
    company.tick()
    if what == "opens":
        company.set_person("erin", groups=[])
        company.tick()
        company.set_person("erin", groups=["dba"])
    elif what == "renews":
        company.clock.forward(6.5 * HOUR)
    elif what == "follows":
        company.change(targets={"servers": ["web-2", "db-1"], "user_groups": ["ops"]})
        return ["web-2", "db-1"]
    elif what == "ends":
        company.set_person("erin", groups=[])
        return []
    return ["web-1", "web-2"]


@pytest.mark.parametrize("what", ["opens", "renews", "follows", "ends"])
def test_a_pass_that_is_killed_anywhere_is_finished_by_the_next(company, what):
    """Recorded before anything is made: never more than the record, and all of it after the next pass."""
    expected = change_something(company, what)
    before = {grant.id for grant in company.grants()}
    begun = company.world.moment()
    for step in range(1, 60):
        company.world.back_to(begun)
        killed = killed_at(company, step)
        if what in ("opens", "renews"):
            never_more(company)
        company.tick()
        agree(company)
        assert company.opens("erin") == expected
        assert len({grant.id for grant in company.grants()} - before) == (what == "opens")
        if not killed:
            break
    else:
        pytest.fail("the pass has more steps than were tried")
    assert step > 8


def test_a_server_whose_off_boarding_is_not_over_gets_no_access_again(company):
    """A change of the list meanwhile, or a new window, opens nothing that an operator is taking away."""
    company.tick()
    company.hosts["web-1"].up = False
    offboard(company.seams, ["web-1"], company.clock())
    company.hosts["web-1"].up = True
    company.change(targets={"servers": ["web-1", "web-2", "db-1"], "user_groups": "logs"})
    assert ("watchers", "not_onboarded") in company.note_codes()
    company.tick(HOUR)
    assert company.opens("erin") == ["web-2", "db-1"]
    company.tick(9 * HOUR)
    assert company.opens("erin") == ["web-2", "db-1"]
    never_more(company)


def test_with_the_off_boarding_of_its_last_server_access_does_not_begin_anew(company):
    """Its window is over, and the server still hasn't said that it is gone."""
    company.change(targets={"servers": "web-1"})
    company.tick()
    company.hosts["web-1"].up = False
    offboard(company.seams, ["web-1"], company.clock())
    company.hosts["web-1"].up = True
    company.tick(9 * HOUR)
    assert company.opens("erin") == []
