"""Carrying out a plan: what is done with accounts whose processes don't end."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils import apply, facts, processes, setid_files
from ansible_collections.daypass.ssh.plugins.module_utils.plan_types import AccountPlan, Plan
from ansible_collections.daypass.ssh.plugins.module_utils.steps import Keys, Step
from ansible_collections.daypass.ssh.plugins.module_utils.system import System


def test_home_of_a_person_whose_processes_live_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    """He could still swap what is opened there; the other one's home is looked through."""
    logins = {"alice": 70007, "bob": 70008}
    one = facts.AccountFacts(None, None, (), None, None, (), (), "/home", None, subordinate=False)
    accounts = {login: one._replace(home=f"/home/{login}") for login in logins}
    found = facts.Facts(
        accounts, {}, {}, {}, (), None, None, frozenset(), None, sudo=True, mentioned=frozenset()
    )
    plans = {login: AccountPlan(login, uid, close=(Step("sessions"),)) for login, uid in logins.items()}
    monkeypatch.setattr(processes, "end_all", lambda _system, _logins: {"alice": [4711]})
    seen: list[dict[int, str]] = []
    monkeypatch.setattr(
        setid_files, "disarm", lambda _system, homes: seen.append(homes) or {uid: [] for uid in homes}
    )
    applier = apply.Applier(
        System(), Plan(plans, Keys((), expiry_z=True)), found, 0, lambda _login, _groups: None
    )
    applied = applier.run()
    assert seen == [{70008: "/home/bob"}]
    assert applied.stuck == {"alice"}
    assert applied.failures["alice"][0].code == "processes_remain"
