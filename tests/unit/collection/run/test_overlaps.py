"""Any sequence of grants, endings and accidents ends in exactly the union of what is still granted.

The collection's own converge runs over a host in memory (`tests.memory_system`), step by step against a model
that knows only documents (`tests.overlap_model`). After every single change of the host it is looked at:
nobody may have more than before the run, or, once anything new was given to anybody, more than is wanted.
`DAYPASS_SEQUENCES=20000` tries more of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document as documents
from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.contract.fields import show_moment
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file
from ansible_collections.daypass.ssh.plugins.module_utils.run.converge import converge
from tests import overlap_model as model
from tests.memory_system import JANE, JANES_GROUPS, Killed, MemorySystem, Rights, Sshd, in_memory, mark_of
from tests.onboarded import CA_KEY

START = 1_795_000_000
UIDS = {"alice": 70007, "bob": 70008, JANE: 1501}
MADE = "made"  # isn't there before: the grants that name it let the host make it
GROUPS = ("ops", "web", "team", MADE)
RULES = (("root", "/usr/bin/id"), ("root", "/usr/bin/systemctl restart nginx"), ("olaf", "/usr/bin/id"))
TOOLS = (
    "useradd",
    "usermod",
    "groupadd",
    "visudo",
    "userdel",
    "sudo",
    "id",
    "gpasswd",
    "journalctl",
    "groupdel",
)
SEQUENCES = int(os.environ.get("DAYPASS_SEQUENCES", "500"))
# Shrinking can take minutes: `DAYPASS_SHRINK=1` when a failing sequence is too long to understand.
PHASES = [Phase.generate, Phase.shrink] if os.environ.get("DAYPASS_SHRINK") == "1" else [Phase.generate]
LIMITS = settings(max_examples=SEQUENCES, stateful_step_count=14, phases=PHASES, report_multiple_bugs=False)

logins = st.sampled_from(sorted(UIDS))
some_groups = st.frozensets(st.sampled_from(GROUPS), max_size=2)
some_permits = st.frozensets(st.sampled_from(["pty", "port-forwarding"]))
some_rules = st.frozensets(st.sampled_from(RULES), max_size=2)
minutes = st.sampled_from([1, 10, 60, 1500])
deaths = st.tuples(st.integers(0, 24), st.sampled_from(["before", "after"]))


class Overlaps(RuleBasedStateMachine):
    """What people want, what was sent, and the host that got it; documents carry a sequence."""

    numbered = True

    def __init__(self) -> None:
        super().__init__()
        self.system = MemorySystem()
        self.system.have_jane()
        self.jane = self.system.belongings()
        self.own_sessions: set[int] = set()  # of jane's own key, begun with nothing of ours
        self.sshd = Sshd()
        ids = ("a" * 32, "b" * 32) if self.numbered else (None, None)
        ledger_file.write_ledger(self.system, ledger.new_ledger(ids[0], None, ids[1], (9, 2), "apono"))
        self.ids = ids
        self.clock = START
        self.wish: dict[str, dict[str, model.Grant]] = {login: {} for login in UIDS}
        self.over: dict[str, set[str]] = {login: set() for login in UIDS}
        self.count = 0
        self.sent: list[model.Document] = []
        self.states = [model.State()]
        self.certain = True  # False after an accident, until something newer than it came through
        self.worked: set[str] = set()  # logins that have something in their home

    @initialize(named=st.booleans())
    def begin(self, named):
        """Endings are named, or left out, a whole account too: with a sequence both end a grant."""
        self.named = named or not self.numbered

    # --- what people want, and sent at once or later --------------------------------------------------------
    @rule(
        login=logins,
        groups=some_groups,
        sudo=some_rules,
        length=minutes,
        permits=some_permits,
        sent=st.booleans(),
    )
    def give(self, login, groups, sudo, length, permits, sent):
        self.count += 1
        key = f"G{self.count}"
        until = self.clock + length * 60
        principals = frozenset({f"daypass-{key}-1"})
        self.wish[login][key] = model.Grant(key, principals, groups, sudo, until, permits)
        self._send(sent)

    @precondition(lambda self: any(self.wish.values()))
    @rule(
        data=st.data(),
        groups=some_groups,
        sudo=some_rules,
        length=minutes,
        permits=some_permits,
        more=st.booleans(),
        sent=st.booleans(),
    )
    def change(self, data, groups, sudo, length, permits, more, sent):
        """Extend or shorten, widen or narrow, another certificate in the place of the first or beside it."""
        login, key = data.draw(st.sampled_from([(one, key) for one in UIDS for key in self.wish[one]]))
        old = self.wish[login][key]
        number = data.draw(st.integers(1, 3))
        principals = frozenset({f"daypass-{key}-{number}"}) | (old.principals if more else frozenset())
        until = self.clock + length * 60
        self.wish[login][key] = model.Grant(key, principals, groups, sudo, until, permits)
        self._send(sent)

    @precondition(lambda self: any(self.wish.values()))
    @rule(data=st.data(), sent=st.booleans())
    def revoke(self, data, sent):
        login, key = data.draw(st.sampled_from([(one, key) for one in UIDS for key in self.wish[one]]))
        del self.wish[login][key]
        self.over[login].add(key)
        self._send(sent)

    # --- what happens on the host ---------------------------------------------------------------------------
    @rule(length=st.sampled_from([-600, -60, 1, 10, 60, 1500]))
    def clock_moves(self, length):
        """Mostly on, sometimes back."""
        self.clock += length * 60

    @rule(login=logins)
    def log_in(self, login):
        if self.system.log_in(login):
            self.worked.add(login)

    @rule()
    def jane_comes_by_her_own_key(self):
        pid = self.system.log_in_by_own_key()
        if self.system.rights(JANE).groups == JANES_GROUPS:
            self.own_sessions.add(pid)

    @precondition(lambda self: any(self.marked(login) for login in UIDS))
    @rule(data=st.data(), sent=st.booleans())
    def lose_membership(self, data, sent):
        login = data.draw(st.sampled_from([one for one in UIDS if self.marked(one)]))
        self.system.groups[mark_of(login)][1].discard(login)
        self._send(sent)

    def marked(self, login: str) -> bool:
        """Whether the account has our mark."""
        return login in self.system.groups[mark_of(login)][1]

    @rule(content=st.sampled_from([b"", b"{", b"\0\0\0", None]), copy=st.booleans())
    def break_ledger(self, content, copy):
        """One of the two files; never both."""
        if all(self.readable(path) for path in (names.LEDGER_COPY_PATH, names.LEDGER_PATH)):
            path = names.LEDGER_COPY_PATH if copy else names.LEDGER_PATH
            del self.system.files[path]
            if content is not None:
                self.system.files[path] = content

    def readable(self, path: str) -> bool:
        """Whether there is a ledger in this file."""
        try:
            return ledger_file.read_ledger(self.system, path) is not None
        except names.Refusal:
            return False

    # --- what is sent ---------------------------------------------------------------------------------------
    def _send(self, sent: bool) -> None:
        if sent:
            self._run(self._next(), None)

    @rule(death=deaths, removing=st.booleans())
    def killed(self, death, removing):
        empty = frozenset(login for login in UIDS if removing and not self.wish[login])
        self._run(self._next(empty), death)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), death=st.none() | deaths)
    def old_one_lands_late(self, data, death):
        self._run(data.draw(st.sampled_from(self.sent)), death)

    @precondition(lambda self: self.sent)
    @rule()
    def last_one_again(self):
        self._run(self.sent[-1], None)

    @precondition(lambda self: len(self.sent) > 1)
    @rule()
    def one_before_the_last_again(self):
        self._run(self.sent[-2], None)

    @rule(accident=st.sampled_from(["sshd", "disk", *TOOLS]))
    def something_fails(self, accident):
        self.sshd.refuses, self.system.full = accident == "sshd", accident == "disk"
        self.system.broken = {accident}
        self._run(self._next(), None, model.after_no_record if self.system.full else model.after_failure)
        self.sshd.refuses, self.system.full, self.system.broken = False, False, set()

    # --- the run --------------------------------------------------------------------------------------------
    def _next(self, remove: frozenset[str] = frozenset()) -> model.Document:
        sequence = len(self.sent) + 1 if self.numbered else None
        listed = [login for login in UIDS if self.named or self.wish[login] or login in remove]
        grants = {login: dict(self.wish[login]) for login in listed}
        absent = {login: frozenset(self.over[login] if self.named else ()) for login in listed}
        document = model.Document(sequence, grants, absent, remove, exclusive=self.numbered)
        self.sent.append(document)
        return document

    def _run(self, document: model.Document, death: Any, accident: Any = None) -> None:
        unmarked = frozenset(login for login in self.system.users if not self.marked(login))
        done = [model.follow(state, document, self.clock, unmarked) for state in self.states]
        late = document.sequence is not None and all(document.sequence < one.sequence for one in self.states)
        before = {login: self.system.rights(login) for login in UIDS}
        look = Looking(self.system, done, strict=accident is None)
        self.system.effects.clear()
        self.system.die, self.system.watch, self.system.now = death, look, self.clock
        broken = not self.readable(names.LEDGER_PATH)
        try:
            with in_memory(self.system, self.sshd):
                answer = converge(self.system, self._opaque(document), now=self.clock)
            assert answer["answer"]["rebuilt"] or not broken
            # A removal that was cut off is finished first; the next run makes the account again.
            if any(one["code"] == "account_deleted" for one in answer["answer"]["accounts"].values()):
                accident = accident or model.after_failure
        except Killed:
            accident = model.after_death
        look()
        self._check_jane()
        after = {login: self.system.rights(login) for login in UIDS}
        assert not late or _all_within(after, before), f"a late document gave {after}, before {before}"
        gone = {login for login in self.worked if f"/home/{login}" not in self.system.homes}
        assert gone <= document.remove, f"the homes of {gone} went without a word"
        self.worked -= gone
        if accident is not None:
            self.states = accident(self.states, document, self.clock, unmarked)
            self.certain = False
        else:
            self._settle(done, document)
        self.system.die, self.system.watch = None, lambda: None

    def _check_jane(self) -> None:
        """Nothing of hers was ever touched; where she has no grant, all is as it was."""
        user, home, groups = self.system.belongings()
        assert ((user, home), groups >= self.jane[2]) == (self.jane[:2], True)
        assert self.own_sessions <= self.system.running.keys(), "a session of her own was ended"

    def _settle(self, done: list[model.State], document: model.Document) -> None:
        """After a run that went well the host gives exactly what one of the possible states says."""
        found = {login: self.system.rights(login) for login in UIDS}
        late = model.is_late(self.states, document)
        fitting = model.fitting(done, found, exact=self.certain or not late)
        assert fitting, f"the host gives {found}, wanted was {[one.grants for one in model.unique(done)]}"
        self.states, self.certain = fitting, self.certain or not late
        if self.certain and all(not state.grants.get(JANE) for state in self.states):
            assert self.system.belongings() == self.jane
        if self.certain and not late:
            needed = any(MADE in held.groups for held in found.values())
            assert (MADE in self.system.groups) == needed, "a group that we made goes with its last member"
        for login, _uid, held in self.system.running.values() if self.certain else ():
            assert _names(held) <= _names(found[login]), f"a session of {login} holds {held}"

    def _opaque(self, document: model.Document) -> str:
        accounts = [self._account(document, login) for login in document.grants]
        mapping = {
            "version": 1,
            "host_id": self.ids[0],
            "orchestrator_id": self.ids[1],
            "sequence": document.sequence,
            "exclusive": document.exclusive,
            "ca_keys": [CA_KEY],
            "accounts": accounts,
        }
        return documents.build(mapping)[0]

    def _account(self, document: model.Document, login: str) -> dict[str, Any]:
        absent = [{"id": key, "state": "absent"} for key in sorted(document.absent[login])]
        return {
            "name": login,
            "uid": UIDS[login],
            "existing": "join" if login == JANE else "refuse",
            "comment": f"{login}@example.com",
            "shell": "/bin/bash",
            "remove": login in document.remove,
            "grants": [_present(grant) for grant in document.grants[login].values()] + absent,
        }


class Merging(Overlaps):
    """Playbooks without an orchestrator: documents without a sequence, each grant by its id."""

    numbered = False


class Looking:
    """Looks at the host after every change of one run."""

    def __init__(self, system: MemorySystem, done: list[model.State], *, strict: bool) -> None:
        self._system, self._done, self._strict = system, done, strict
        self._start = {login: system.rights(login) for login in UIDS}

    def __call__(self) -> None:
        found = {login: self._system.rights(login) for login in UIDS}
        allowed = [{login: state.rights(login) for login in UIDS} for state in self._done]
        if self._strict:  # all closings of all accounts come first
            ok = _all_within(found, self._start) or any(_all_within(found, one) for one in allowed)
        else:
            each = [[self._start[login], *(one[login] for one in allowed)] for login in UIDS]
            ok = all(
                any(found[login].within(one) for one in limits)
                for login, limits in zip(UIDS, each, strict=True)
            )
        assert ok, f"after {self._system.effects[-1:]}: {found}, before {self._start}, wanted {allowed}"


def _all_within(found: Mapping[str, Rights], limit: Mapping[str, Rights]) -> bool:
    return all(rights.within(limit[login]) for login, rights in found.items())


def _names(rights: Rights) -> set[tuple[str, ...]]:
    """What somebody may do, without its ends: an end that moved takes nothing from a session."""
    keys = {("key", *key[:2]) for key in rights.keys}
    return keys | {("group", one) for one in rights.groups} | {("sudo", *rule[:2]) for rule in rights.sudo}


def _present(grant: model.Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "principals": sorted(grant.principals),
        "groups": sorted(grant.groups),
        "create_groups": sorted(grant.groups & {MADE}),
        "sudo": [{"run_as": run_as, "commands": [command]} for run_as, command in sorted(grant.sudo)],
        "extensions": [f"permit-{permit}" for permit in sorted(grant.permits)],
        "not_after": show_moment(grant.until),
    }


TestOverlaps = Overlaps.TestCase
TestOverlaps.settings = LIMITS
TestMerging = Merging.TestCase
TestMerging.settings = LIMITS
