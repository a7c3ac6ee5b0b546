"""Several grants, what was there before, and what may never be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.workflow.reconciling import reconcile_once

SERVER = "web-2"


def test_two_grants_add_up_and_revoking_one_leaves_exactly_the_other(site, look, all_agree, tidy):
    """Groups, sudo rules and key lines of one grant go; everything of the other stays."""
    plain = site.grant("twice", SERVER, groups=["logs"])
    ops = site.grant("twice", SERVER, groups=["ops"])
    both = look(SERVER).accounts["twice"]
    assert both.groups == ["daypass", "logs", "ops"]
    assert sorted(both.principals) == sorted([plain.principal, ops.principal])
    assert site.ssh(plain, SERVER, "sudo -n /usr/bin/id -u").stdout == "0\n"

    site.revoke(ops)
    state = look(SERVER)
    assert state.accounts["twice"].groups == ["daypass", "logs"]
    assert state.accounts["twice"].principals == [plain.principal]
    assert "twice" not in state.sudoers
    assert not site.gets_in(ops, SERVER)
    assert site.gets_in(plain, SERVER)
    assert site.ssh(plain, SERVER, "sudo -n /usr/bin/id -u").returncode == 1
    all_agree()


def test_a_grant_ends_with_its_window_and_the_longer_one_goes_on(site, look, all_agree, tidy):
    """The first pass after not_after takes back what no other grant still gives."""
    short = site.grant("windows", SERVER, groups=["ops"], length="1m")
    long = site.grant("windows", SERVER, length="8h")
    with site.opened(timedelta(minutes=2)) as daypass:
        done = reconcile_once(daypass.seams, daypass.now())
    assert done.ended == (short.id,)
    account = look(SERVER).accounts["windows"]
    assert account.principals == [long.principal]
    assert account.groups == ["daypass"]
    assert site.gets_in(long, SERVER)
    all_agree(later=timedelta(minutes=2))


@pytest.mark.essential
def test_an_account_from_before_is_refused_and_left_as_it_was(site, look, all_agree, tidy):
    """Not changed, not closed, not removed; refused on its server, given on the other one."""
    site.lab.exec(SERVER, ["useradd", "-m", "-s", "/bin/sh", "-c", "been here", "-G", "ops", "resident"])
    before = look(SERVER)
    grant = site.grant("resident", SERVER, "web-3", groups=["ops"], code=3)
    refused = grant.answer["servers"][SERVER]
    assert (refused["state"], refused["code"]) == ("pending", "account_exists")
    assert grant.answer["servers"]["web-3"]["state"] == "applied"
    assert not site.gets_in(grant, SERVER)
    assert site.gets_in(grant, "web-3")
    site.revoke(grant)
    site.reconcile()
    after = look(SERVER)
    assert (after.passwd, after.shadow, after.group) == (before.passwd, before.shadow, before.group)
    assert "resident" not in after.key_files
    all_agree()


def test_members_from_before_stay_in_their_group(site, look, tidy):
    """A person's membership comes and goes; the group and everybody else's membership stay."""
    site.lab.exec("web-3", ["useradd", "-G", "logs", "veteran"])
    before = look("web-3").group
    grant = site.grant("newcomer", "web-3", groups=["logs"])
    assert "newcomer" in look("web-3").group
    site.revoke(grant)
    site.reconcile()
    assert look("web-3").group == before
    assert "logs:x" in before
    assert "veteran" in before


def test_a_group_that_the_server_does_not_have_refuses_the_grant_there(site, look, tidy_at_once):
    """All or nothing: no account stays behind, no group is made."""
    grant = site.grant("grouped", SERVER, groups=["nowhere"], code=3)
    assert grant.answer["servers"][SERVER]["code"] == "group_missing"
    state = look(SERVER)
    assert "grouped" not in state.opened()
    assert "nowhere:" not in state.group
    assert not site.gets_in(grant, SERVER)


def test_a_group_that_servers_may_make_comes_and_goes(site, look, all_agree, tidy):
    """Where the integration says so; it goes with its last member, in the wave that takes the access back."""
    grant = site.grant("maker", SERVER, groups=["made"])
    assert look(SERVER).accounts["maker"].groups == ["daypass", "made"]
    assert "made" in site.ssh(grant, SERVER, "id -nG").stdout.split()
    site.revoke(grant)
    assert "made:" not in look(SERVER).group
    all_agree()


def test_a_name_that_sudoers_mentions_is_refused_on_that_server(site, look, tidy_at_once):
    """Whoever gets that name would get rights that nobody granted."""
    path = "/etc/sudoers.d/zz-admin"
    site.lab.exec(SERVER, ["install", "-m", "0440", "/dev/stdin", path], input="ghost ALL=(root) ALL\n")
    try:
        grant = site.grant("ghost", SERVER, code=3)
        assert grant.answer["servers"][SERVER]["code"] == "name_in_sudoers"
        assert "ghost" not in look(SERVER).accounts
        assert not site.gets_in(grant, SERVER)
    finally:
        site.lab.exec(SERVER, ["rm", path])


def test_a_person_who_comes_back_gets_the_same_uid_and_an_empty_home(site, look, all_agree, tidy):
    """After the removal the uid stays that person's, and nothing of the old home is lying there."""
    first = site.grant("again", SERVER)
    uid = look(SERVER).accounts["again"].uid
    site.ssh(first, SERVER, "echo old > ~/note")
    site.revoke(first)
    site.reconcile()
    second = site.grant("again", SERVER)
    assert look(SERVER).accounts["again"].uid == uid
    assert site.ssh(second, SERVER, "cat ~/note").returncode == 1
    all_agree()
