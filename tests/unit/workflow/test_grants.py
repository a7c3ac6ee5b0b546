"""Rules of giving and taking back, seen on servers that follow the host's own merge."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, names
from daypass.domain.certificates import CertificateState
from daypass.domain.grants import AccountState, GrantState, ShareState
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.errors import (
    ConfigurationError,
    DaypassError,
    DeniedError,
    ExecutionError,
    NotFoundError,
    SigningError,
    UsageError,
)
from daypass.workflow.granting import give
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.revoking import take_back
from tests.agreement import check_agreement
from tests.fakes import MemoryHosts, World

MINUTE = timedelta(minutes=1)


def shares(world: World, grant_id: str) -> dict[str, ShareState]:
    with world.seams.store.read() as view:
        return {share.server: share.state for share in view.shares(grant_id=grant_id)}


def events(world: World) -> int:
    with world.seams.store.read() as view:
        return view.audit_head().number


def agree(world: World, *servers: str) -> None:
    with world.seams.store.read() as view:
        for name in servers or world.hosts:
            host = world.hosts[name]
            opened = {login: host.open_principals(login) for login in host.ledger.accounts}
            check_agreement(view, name, opened, world.clock())


def test_a_grant_opens_every_named_server_and_no_other(world, request_for):
    """The certificate's principal stands on the servers of the grant alone."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    assert answer.grant.state is GrantState.ACTIVE
    assert answer.certificate.state is CertificateState.SIGNED
    for name, expected in (("web-1", {answer.certificate.principal}), ("web-3", set())):
        assert world.hosts[name].open_principals("anna") == expected
    agree(world)


def test_two_grants_add_up_and_revoking_one_leaves_exactly_the_other(world, request_for):
    """Each grant keeps its own principal, groups and rules."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())
    second = give(world.seams, request_for("anna", "web-1", groups=("ops",)), world.clock())
    host = world.hosts["web-1"]
    assert host.open_principals("anna") == {first.certificate.principal, second.certificate.principal}
    take_back(world.seams, second.grant.id, world.clock())
    (left,) = host.ledger.accounts["anna"].grants.values()
    assert (left.principals, left.groups, left.sudo) == ((first.certificate.principal,), (), ())
    assert shares(world, first.grant.id) == {"web-1": ShareState.APPLIED}
    agree(world)


def test_a_window_that_closed_is_ended_by_the_next_pass(world, request_for):
    """At not_after, not a second later, and only the grant whose window closed."""
    short = give(world.seams, request_for("anna", "web-1", length=MINUTE), world.clock())
    long = give(world.seams, request_for("anna", "web-1"), world.clock())
    world.clock.forward(MINUTE - timedelta(seconds=1))
    assert reconcile_once(world.seams, world.clock()).ended == ()
    world.clock.forward(timedelta(seconds=1))
    assert reconcile_once(world.seams, world.clock()).ended == (short.grant.id,)
    assert world.hosts["web-1"].open_principals("anna") == {long.certificate.principal}
    agree(world)


def test_a_server_that_is_down_holds_up_no_other_and_is_caught_up_later(world, request_for):
    """Its share stays pending with the reason and the time of the next try."""
    world.hosts["web-2"].up = False
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    assert shares(world, answer.grant.id) == {"web-1": ShareState.APPLIED, "web-2": ShareState.PENDING}
    (late,) = [share for share in answer.shares if share.server == "web-2"]
    assert (late.outcome, late.outcome_code) == ("unreachable", "timed_out")
    world.hosts["web-2"].up = True
    assert late.next_try_at
    assert reconcile_once(world.seams, world.clock()).waiting == {"web-2": late.next_try_at}
    world.clock.now = late.next_try_at
    assert list(reconcile_once(world.seams, world.clock()).outcomes) == ["web-2"]
    agree(world)


def test_a_server_that_is_down_at_the_end_is_asked_until_it_has_confirmed(world, request_for):
    """Ending, not ended: the record doesn't claim what no server has said."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    world.hosts["web-2"].up = False
    revoked = take_back(world.seams, answer.grant.id, world.clock())
    assert revoked.grant.state is GrantState.ENDING
    assert shares(world, answer.grant.id) == {"web-1": ShareState.ENDED, "web-2": ShareState.ENDING}
    for _ in range(3):
        world.clock.forward(timedelta(minutes=20))
        reconcile_once(world.seams, world.clock())
        assert shares(world, answer.grant.id)["web-2"] is ShareState.ENDING
    world.hosts["web-2"].up = True
    world.clock.forward(timedelta(minutes=20))
    reconcile_once(world.seams, world.clock())
    with world.seams.store.read() as view:
        assert view.grant(answer.grant.id).state is GrantState.ENDED
    agree(world)


def test_a_server_that_never_came_up_in_the_window_is_not_opened_afterwards(world, request_for):
    """What was never opened ends without a trace on the server."""
    world.hosts["web-1"].up = False
    give(world.seams, request_for("anna", "web-1", length=MINUTE), world.clock())
    world.clock.forward(2 * MINUTE)
    world.hosts["web-1"].up = True
    reconcile_once(world.seams, world.clock())
    assert world.hosts["web-1"].open_principals("anna") == set()
    agree(world)


def test_an_account_from_before_is_refused_on_its_server_alone(world, request_for):
    """The other servers open; the person reads which one refused, and why."""
    world.hosts["web-1"].foreign.add("anna")
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    codes = {share.server: share.outcome_code for share in answer.shares}
    assert codes == {"web-1": "account_exists", "web-2": None}
    take_back(world.seams, answer.grant.id, world.clock())
    assert "anna" not in world.hosts["web-1"].ledger.accounts
    agree(world)


def test_an_account_is_removed_when_its_cleanup_window_has_passed(world, request_for):
    """With 0 days: by the first pass after the end of the last grant."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, answer.grant.id, world.clock())
    assert "anna" in world.hosts["web-1"].ledger.accounts
    done = reconcile_once(world.seams, world.clock())
    assert done.removals == {"web-1": frozenset({"anna"})}
    assert "anna" not in world.hosts["web-1"].ledger.accounts
    with world.seams.store.read() as view:
        assert [a.state for a in view.accounts(server="web-1", login="anna")] == [AccountState.REMOVED]


def test_a_late_pass_does_not_set_the_cleanup_window_back(world, request_for):
    """It counts from the latest end, also when an older grant's end is recorded after it."""
    give(world.seams, request_for("anna", "web-1", length=30 * MINUTE), world.clock())
    second = give(world.seams, request_for("anna", "web-1"), world.clock())
    revoked_at = world.clock.forward(40 * MINUTE)
    take_back(world.seams, second.grant.id, revoked_at)
    with world.seams.store.write("test", world.clock()) as work:
        (account,) = work.accounts(server="web-1", login="anna")
        work.set_account(replace(account, user_cleanup_days=7))
    reconcile_once(world.seams, world.clock.forward(10 * MINUTE))
    with world.seams.store.read() as view:
        (account,) = view.accounts(server="web-1", login="anna")
        assert account.last_grant_ended_at == revoked_at


def test_a_new_grant_inside_the_cleanup_window_keeps_the_account(world, request_for):
    """The window counts from the end of the last grant."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, first.grant.id, world.clock())
    second = give(world.seams, request_for("anna", "web-1"), world.clock())
    assert reconcile_once(world.seams, world.clock()).removals == {}
    assert world.hosts["web-1"].open_principals("anna") == {second.certificate.principal}


def test_a_person_comes_back_after_the_removal_under_the_same_uid(world, request_for):
    """One uid a person, for ever, on every server."""
    uids = set()
    for _ in range(2):
        answer = give(world.seams, request_for("anna", "web-1"), world.clock())
        assert answer.outcomes["web-1"].kind is OutcomeKind.APPLIED
        uids.add(world.hosts["web-1"].ledger.accounts["anna"].uid)
        take_back(world.seams, answer.grant.id, world.clock())
        reconcile_once(world.seams, world.clock())
    assert len(uids) == 1


@pytest.mark.parametrize("kind", [OutcomeKind.UNKNOWN, OutcomeKind.UNREACHABLE, OutcomeKind.FAILED])
def test_a_lost_answer_is_never_counted_as_done_or_undone(world, request_for, kind):
    """The document may have landed: at the end it is taken back all the same."""

    class Deaf(MemoryHosts):
        def run(self, *args, on_outcome=None, **words):
            lost = dict.fromkeys(super().run(*args, **words), Outcome(kind))
            for name, outcome in lost.items():
                on_outcome(name, outcome)
            return lost

    deaf = replace(world.seams, executor=lambda _integration: Deaf(world.hosts, world.clock))
    answer = give(deaf, request_for("anna", "web-1"), world.clock())
    assert shares(world, answer.grant.id) == {"web-1": ShareState.PENDING}
    assert world.hosts["web-1"].open_principals("anna") == {answer.certificate.principal}
    take_back(world.seams, answer.grant.id, world.clock())
    agree(world)


def test_revoking_twice_is_revoking_once(world, request_for):
    """The second time there is nothing to do, and no event of an end."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    take_back(world.seams, answer.grant.id, world.clock())
    before = events(world)
    assert take_back(world.seams, answer.grant.id, world.clock()).outcomes == {}
    assert events(world) == before


def test_a_server_that_left_the_list_keeps_no_other_from_ending(world, request_for):
    """It can't be asked any more; that is said, and stays open."""
    answer = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    left = replace(world.seams, servers={k: v for k, v in world.seams.servers.items() if k != "web-2"})
    revoked = take_back(left, answer.grant.id, world.clock())
    states = {share.server: (share.state, share.outcome_code) for share in revoked.shares}
    assert states["web-1"] == (ShareState.ENDED, None)
    assert states["web-2"] == (ShareState.ENDING, "server_not_listed")


@pytest.mark.parametrize(
    ("login", "servers", "groups", "length", "error"),
    [
        ("-rf", ("web-1",), (), MINUTE, UsageError),
        ("../x", ("web-1",), (), MINUTE, UsageError),
        ("root", ("web-1",), (), MINUTE, UsageError),
        ("apono", ("web-1",), (), MINUTE, UsageError),
        ("daypass", ("web-1",), (), MINUTE, UsageError),
        ("dp-canary", ("web-1",), (), MINUTE, UsageError),
        ("alice\nbob", ("web-1",), (), MINUTE, UsageError),
        ("alice\n", ("web-1",), (), MINUTE, UsageError),
        ("a" * 33, ("web-1",), (), MINUTE, UsageError),
        ("ålice", ("web-1",), (), MINUTE, UsageError),
        ("", ("web-1",), (), MINUTE, UsageError),
        ("anna", (), (), MINUTE, UsageError),
        ("anna", ("web-9",), (), MINUTE, NotFoundError),
        ("anna", ("web-1",), ("wheel",), MINUTE, DeniedError),
        ("anna", ("web-1",), ("a,b",), MINUTE, UsageError),
        ("anna", ("web-1",), ("-g",), MINUTE, UsageError),
        ("anna", ("web-1",), (), timedelta(days=31), DeniedError),
        ("anna", ("web-1",), (), timedelta(seconds=59), DeniedError),
    ],
)
def test_a_request_that_may_not_be_is_refused_before_anything_is_recorded(
    world, request_for, login, servers, groups, length, error
):
    """No grant, no document; the one event is of what policy denies, with what was asked and why not."""
    before = events(world)
    with pytest.raises(error) as caught:
        give(world.seams, request_for(login, *servers, groups=groups, length=length), world.clock())
    assert caught.value.sentence
    if not MINUTE <= length <= timedelta(days=30):
        assert caught.value.code == "length_not_allowed"
    with world.seams.store.read() as view:
        new = [(one.kind, one.subject, one.details["code"]) for one in view.events(after=before)]
    assert new == ([("grant.denied", login, caught.value.code)] if error is DeniedError else [])
    assert world.waves.sent == []


def test_a_public_key_that_is_none_is_refused_before_anything_is_recorded(world, request_for):
    """The key is looked at first."""
    before = events(world)
    request = replace(request_for("anna", "web-1"), public_key="ssh-ed25519 AAAA")
    with pytest.raises(DaypassError):
        give(world.seams, request, world.clock())
    assert events(world) == before
    assert world.waves.sent == []


def test_a_comment_that_a_host_would_refuse_is_refused_before_anything_is_recorded(world, request_for):
    """Otherwise every later document of that server would be refused with it."""
    request = replace(request_for("anna", "web-1"), comment="Änna <anna@example.com>")
    before = events(world)
    with pytest.raises(UsageError):
        give(world.seams, request, world.clock())
    assert events(world) == before


def test_a_host_that_is_not_onboarded_is_refused_by_name(world, request_for):
    """The error says what to type."""
    with world.seams.store.write("test", world.clock()) as work:
        host = work.host("web-2")
        work.set_host(replace(host, onboarded_at=None))
    with pytest.raises(UsageError, match="web-2") as caught:
        give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    assert "daypass onboard web-2" in caught.value.hint


def test_one_grant_too_many_for_a_document_leaves_the_others_revocable(world, request_for, monkeypatch):
    """What a host would refuse as a whole is never recorded, so nobody is kept from ending by it."""
    monkeypatch.setattr(names, "GRANTS_MAX", 3)
    answers = [give(world.seams, request_for("anna", "web-1"), world.clock()) for _ in range(3)]
    before = events(world)
    with pytest.raises(UsageError):
        give(world.seams, request_for("anna", "web-1"), world.clock())
    assert events(world) == before
    take_back(world.seams, answers[0].grant.id, world.clock())
    assert answers[0].certificate.principal not in world.hosts["web-1"].open_principals("anna")
    agree(world)


def test_a_key_that_cannot_be_read_stops_a_grant_before_it_is_recorded(world, request_for):
    """What can be known before is said before."""

    def no_key(_integration):
        raise ConfigurationError("no connector key")

    before = events(world)
    with pytest.raises(ConfigurationError):
        give(replace(world.seams, executor=no_key), request_for("anna", "web-1"), world.clock())
    assert events(world) == before


def test_a_wave_that_cannot_start_is_an_outcome_of_its_servers(world, request_for):
    """A revocation is recorded whatever happens, the reason stands beside it, and the next pass does it."""

    class Broken:
        def run(self, *_args, **_words):
            raise ExecutionError("Ansible isn't installed", code="wave_not_started")

    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    broken = replace(world.seams, executor=lambda _integration: Broken())
    revoked = take_back(broken, answer.grant.id, world.clock())
    (share,) = revoked.shares
    assert (share.state, share.outcome_code) == (ShareState.ENDING, "wave_not_started")
    world.clock.forward(MINUTE)
    reconcile_once(world.seams, world.clock())
    agree(world)


def test_access_is_taken_back_without_the_private_key_of_the_ca(world, request_for):
    """Whoever puts a stolen CA key away can still end what was granted; a pass ends what is due, too."""
    first = give(world.seams, request_for("anna", "web-1"), world.clock())
    give(world.seams, request_for("bea", "web-2"), world.clock())

    def gone():
        raise ConfigurationError("the CA key can't be read")

    without_key = replace(world.seams, signer=gone, ca_keys=gone)
    answer = take_back(without_key, first.grant.id, world.clock())
    assert [share.state for share in answer.shares] == [ShareState.ENDED]
    reconcile_once(without_key, world.clock.forward(timedelta(hours=2)))
    assert not world.hosts["web-2"].open_principals("bea")


def test_a_left_over_signature_that_fails_keeps_nothing_from_ending(world, request_for):
    """What can't be signed is an error at the end of the pass, not at its beginning."""

    class Broken:
        public_key = world.seams.signer().public_key

        def sign(self, spec):
            raise SigningError("the signer is away")

    give(world.seams, request_for("anna", "web-1"), world.clock())
    broken = replace(world.seams, signer=Broken)
    with pytest.raises(SigningError):
        give(broken, request_for("bea", "web-1", length=timedelta(hours=9)), world.clock())
    with pytest.raises(SigningError):
        reconcile_once(broken, world.clock.forward(timedelta(hours=2)))
    assert not world.hosts["web-1"].open_principals("anna")


def test_a_grant_without_a_readable_ca_key_is_refused_before_it_is_recorded(world, request_for):
    """Otherwise a later pass would open what the operator was told had failed."""
    give(world.seams, request_for("anna", "web-1"), world.clock())

    def gone():
        raise ConfigurationError("the CA key can't be read")

    with pytest.raises(ConfigurationError):
        give(replace(world.seams, signer=gone), request_for("bea", "web-1"), world.clock())
    with world.seams.store.read() as view:
        assert not view.grants(login="bea")


def test_a_person_keeps_the_comment_of_the_first_grant(world, request_for):
    """Hosts know an account by uid and comment: after a removal another comment would be refused for ever."""
    first = replace(request_for("anna", "web-1"), comment="anna@example.com")
    take_back(world.seams, give(world.seams, first, world.clock()).grant.id, world.clock())
    reconcile_once(world.seams, world.clock.forward(MINUTE))
    again = give(world.seams, request_for("anna", "web-1", "web-2"), world.clock())
    assert again.grant.comment == "anna@example.com"
    with world.seams.store.read() as view:
        assert {account.comment for account in view.accounts(login="anna")} == {"anna@example.com"}


def test_another_comment_for_a_login_that_is_taken_is_refused(world, request_for):
    """Two people never share a login, nor a uid."""
    give(world.seams, replace(request_for("anna", "web-1"), comment="anna@example.com"), world.clock())
    with pytest.raises(UsageError) as refused:
        give(world.seams, replace(request_for("anna", "web-2"), comment="ann@example.com"), world.clock())
    assert refused.value.code == "comment_differs"


@pytest.mark.parametrize("reason", ["two\nlines", "\udcff", "x" * 401])
def test_a_reason_that_a_log_can_not_show_is_refused(world, request_for, reason):
    """The same for giving and for taking back, before anything is recorded."""
    with pytest.raises(UsageError):
        give(world.seams, replace(request_for("anna", "web-1"), reason=reason), world.clock())
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    with pytest.raises(UsageError):
        take_back(world.seams, answer.grant.id, world.clock(), reason=reason)
    with world.seams.store.read() as view:
        assert [grant.ended_at for grant in view.grants(login="anna")] == [None]


def test_a_server_may_make_only_the_groups_that_its_integration_creates(world, request_for):
    """The setting of today counts, for those groups alone; the answer settles as any other."""
    lab = world.seams.integrations["lab"]
    groups = tuple(one.model_copy(update={"create": one.name == "logs"}) for one in lab.user_groups)
    seams = replace(world.seams, integrations={"lab": lab.model_copy(update={"user_groups": groups})})
    answer = give(seams, request_for("anna", "web-1", groups=("logs", "ops")), world.clock())
    (account,) = document.decode(world.waves.sent[-1][1])["accounts"]
    (given,) = account["grants"]
    assert (given["groups"], given["create_groups"]) == (["logs", "ops"], ["logs"])
    assert shares(world, answer.grant.id) == {"web-1": ShareState.APPLIED}
