"""Accounts that stay as they are: the short way to their plan says what the whole way says."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.plan import ours, planning
from ansible_collections.daypass.ssh.plugins.module_utils.plan.steps import Keys
from ansible_collections.daypass.ssh.plugins.module_utils.plan.values import AccountPlan, Context
from tests.golden.plan.test_golden_plans import CASES, NOW, inputs

Parts = tuple[Any, Any, Any, Context]  # what is wanted, the ledger's account, the facts of it, the context


def staying() -> Parts:
    """An account that has just what is wanted."""
    case = next(path for path in CASES if path.stem == "open_unchanged")
    current, wanted, facts, *_more = inputs(json.loads(case.read_text()))
    context = Context(current, facts, NOW, True, Keys(wanted.ca_keys, expiry_z=True))
    return wanted.accounts["alice"], current.accounts["alice"], facts.accounts["alice"], context


def plans(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> tuple[AccountPlan, AccountPlan, bool]:
    """The plan, the plan by the whole way, and whether the short way was taken."""
    short = ours._is_as_wanted(*parts)
    found = ours.plan_ours(*parts)
    with monkeypatch.context() as patch:
        patch.setattr(ours, "_is_as_wanted", lambda *_parts: False)
        return found, ours.plan_ours(*parts), short


def test_account_that_has_what_is_wanted_takes_the_short_way(monkeypatch: pytest.MonkeyPatch):
    """And its plan is the one that all comparisons would have given, down to the ledger's entry."""
    found, whole, short = plans(staying(), monkeypatch)
    assert short
    assert found == whole
    assert (found.close, found.open, found.remove) == ((), (), ())


def ends(account: Any, **changes: Any) -> Any:
    """The same with its grants changed."""
    return account._replace(grants={key: one._replace(**changes) for key, one in account.grants.items()})


def in_sh(entry: Any) -> Any:
    """The same with another login shell."""
    change = {"shell": "/bin/sh"}
    return entry._replace(**change)


WANT, KNOWN, FACTS = range(3)
ODD: dict[str, tuple[int, Callable[[Any], Any]]] = {
    "wanted longer": (WANT, lambda one: ends(one, not_after=NOW + 7200)),
    "wanted shorter": (WANT, lambda one: ends(one, not_after=NOW + 60)),
    "wanted with a group": (WANT, lambda one: ends(one, groups=("ops", "web"))),
    "nothing wanted": (WANT, lambda one: one._replace(grants={})),
    "another shell wanted": (WANT, in_sh),
    "another policy for its home": (WANT, lambda one: one._replace(home_on_removal="delete")),
    "another cleanup window": (WANT, lambda one: one._replace(user_cleanup_days=7)),
    "never live": (KNOWN, lambda one: ends(one, live=False)),
    "neither live nor wanted so": (WANT, lambda one: ends(one, live=False)),
    "cut off": (KNOWN, lambda one: one._replace(pending="open")),
    "cut off closing": (KNOWN, lambda one: one._replace(pending="close")),
    "closed once": (KNOWN, lambda one: one._replace(closed_at=NOW - 5)),
    "a group of ours too many": (KNOWN, lambda one: one._replace(groups=("ops", "web"))),
    "home moved": (KNOWN, lambda one: one._replace(home="/srv/alice")),
    "no account": (FACTS, lambda one: one._replace(passwd=None)),
    "another login shell": (FACTS, lambda one: one._replace(passwd=in_sh(one.passwd))),
    "mark gone": (FACTS, lambda one: one._replace(groups=("ops",))),
    "group gone": (FACTS, lambda one: one._replace(groups=("daypass",))),
    "somebody's group": (FACTS, lambda one: one._replace(groups=("daypass", "ops", "web"))),
    "no key file": (FACTS, lambda one: one._replace(key_file=None)),
    "a line more": (FACTS, lambda one: one._replace(key_file=one.key_file + "ssh-ed25519 AAAA\n")),
    "no shadow": (FACTS, lambda one: one._replace(shadow=None)),
    "a password": (FACTS, lambda one: one._replace(shadow=one.shadow._replace(password="$y$"))),
    "expires": (FACTS, lambda one: one._replace(shadow=one.shadow._replace(expire=1))),
    "ages": (FACTS, lambda one: one._replace(shadow=one.shadow._replace(most=90))),
    "has jobs": (FACTS, lambda one: one._replace(jobs=("/var/spool/cron/crontabs/alice",))),
}
KEEP_THE_SHORT_WAY = {"somebody's group", "has jobs"}


@pytest.mark.parametrize("may_open", [True, False])
@pytest.mark.parametrize("name", ODD)
def test_anything_odd_goes_the_whole_way(name: str, may_open: bool, monkeypatch: pytest.MonkeyPatch):
    """Each single difference is seen; what changes no step is told the same by both ways."""
    parts = list(staying())
    place, change = ODD[name]
    parts[place] = change(parts[place])
    parts[3] = parts[3]._replace(may_open=may_open)
    found, whole, short = plans((parts[0], parts[1], parts[2], parts[3]), monkeypatch)
    assert short == (name in KEEP_THE_SHORT_WAY)
    assert found == whole


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_both_ways_agree_on_every_golden_case(path: Any, monkeypatch: pytest.MonkeyPatch):
    """The short way is for speed alone."""
    given = inputs(json.loads(path.read_text()))
    found = planning.plan(*given)
    monkeypatch.setattr(ours, "_is_as_wanted", lambda *_parts: False)
    assert planning.plan(*given) == found
