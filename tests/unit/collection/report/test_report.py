"""What a report finds: a host that is as the ledger says has no finding, and each difference has its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document, names, sudo_rules
from ansible_collections.daypass.ssh.plugins.module_utils.contract.document import SudoRule
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import units
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.facts.account_files import Group, Passwd, Shadow
from ansible_collections.daypass.ssh.plugins.module_utils.facts.host import AccountFacts, Facts
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding import footprint
from ansible_collections.daypass.ssh.plugins.module_utils.plan.key_lines import render_key_file
from ansible_collections.daypass.ssh.plugins.module_utils.program import start
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, merge
from ansible_collections.daypass.ssh.plugins.module_utils.report import comparing, findings, reporting, seen
from ansible_collections.daypass.ssh.plugins.module_utils.report.findings import Finding
from ansible_collections.daypass.ssh.plugins.module_utils.report.seen import Deep, FileSeen, Left, Seen
from tests.onboarded import CA_KEY, full_document

NOW = 1_795_000_000  # 2026-11-18T11:06:40Z
END = NOW + 3600
DAY = END // 86400 + 1
RULE = SudoRule("root", ("/usr/bin/id",))
GRANT = ledger.LedgerGrant(("daypass-G1-1",), ("ops",), (RULE,), 0, END, live=True)
PLACES = {
    trace.path: FileSeen(trace.mode or 0o755, 0, 0, f"digest of {trace.path}") for trace in footprint.TRACES
}
WANTED = {path: file.digest for path, file in PLACES.items() if path == names.SSHD_DROPIN}


def entry(login: str, uid: int, **more: object) -> ledger.LedgerAccount:
    """An account of the ledger without grants."""
    plain = ledger.LedgerAccount(  # noqa: S604 - a login shell
        uid=uid,
        comment=f"{login}@example.com",
        shell="/bin/bash",
        home=f"/home/{login}",
        home_on_removal="archive",
        user_cleanup_days=None,
        pending="",
        grants={},
        groups=(),
        closed_at=NOW - 60,
    )
    return plain._replace(**more)


def facts_of(known: ledger.LedgerAccount, login: str, keys: str | None) -> AccountFacts:
    """The host as it must be for this entry."""
    shadow = Shadow("*", 20000, None, None, None, None, DAY) if known.grants else None
    return AccountFacts(
        passwd=Passwd(login, known.uid, known.uid, known.comment, known.home, known.shell),
        shadow=shadow or Shadow("!*", 20000, None, None, None, None, 1),
        groups=("daypass", "ops") if known.grants else ("daypass",),
        private=Group(login, known.uid, ()),
        key_file=keys,
        jobs=(),
        mail=(),
        home=known.home,
        home_owner=None,
        subordinate=False,
    )


def with_made_group(found: Seen) -> Seen:
    """A group that was made for alice's grant, as the ledger says."""
    alice = found.ledger.accounts["alice"]._replace(groups=("night",))
    accounts = {**found.ledger.accounts, "alice": alice}
    return found._replace(ledger=found.ledger._replace(accounts=accounts, made_groups={"night": 99999}))


def good() -> Seen:
    """Alice has a grant, Bob is closed, and everything is as it should be."""
    accounts = {"alice": entry("alice", 70007, grants={"G1": GRANT}), "bob": entry("bob", 70008)}
    known = ledger.new_ledger("a" * 32, "c" * 32, "b" * 32, (9, 2), "apono")._replace(
        accounts=accounts, sequence=5, ca_keys=(CA_KEY,), last_seen=NOW - 60
    )
    keys = render_key_file({"G1": GRANT}, (CA_KEY,), True)
    people = {login: facts_of(one, login, keys if one.grants else None) for login, one in accounts.items()}
    groups = {
        "daypass": Group("daypass", 999, ("alice", "bob")),
        "daypass-join": Group("daypass-join", 998, ()),
        "ops": Group("ops", 500, ("alice",)),
    }
    whole = Facts(
        accounts=people,
        groups=groups,
        uid_names={},
        gid_names={},
        subordinate=(),
        known=None,
        problem=None,
        shells=frozenset(["/bin/bash"]),
        sudoers=sudo_rules.render_sudoers({"alice": [(RULE, END)]}, True),
        sudo=True,
        mentioned=frozenset(),
    )
    passwd = {login: one.passwd for login, one in people.items() if one.passwd}
    passwd["root"] = Passwd("root", 0, 0, "root", "/root", "/bin/bash")
    return Seen(
        ledger=known,
        now=NOW,
        drift=1.0,
        machine_id="c" * 32,
        facts=whole,
        passwd=passwd,
        key_files={"alice": FileSeen(0o640, 0, 70007, "x")},
        files=PLACES,
        wanted_digests=WANTED,
        left={},
        overridden={},
        armed=False,
    )


def account(seen: Seen, login: str, **changes: object) -> Seen:
    """The same host with other facts of one login."""
    facts = seen.facts
    changed = {**facts.accounts, login: facts.accounts[login]._replace(**changes)}
    return seen._replace(facts=facts._replace(accounts=changed))


def known(seen: Seen, login: str, **changes: object) -> Seen:
    """The same host with another ledger entry of one login."""
    accounts = {**seen.ledger.accounts, login: seen.ledger.accounts[login]._replace(**changes)}
    return seen._replace(ledger=seen.ledger._replace(accounts=accounts))


def host(seen: Seen, **changes: object) -> Seen:
    """The same host with other facts of it."""
    return seen._replace(facts=seen.facts._replace(**changes))


def passwd_of(seen: Seen, login: str, **changes: object) -> Seen:
    found = seen.facts.accounts[login].passwd
    assert found is not None
    return account(seen, login, passwd=found._replace(**changes))


def shadow_of(seen: Seen, login: str, **changes: object) -> Seen:
    found = seen.facts.accounts[login].shadow
    assert found is not None
    return account(seen, login, shadow=found._replace(**changes))


EXTRA_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMine mine\n"
LINE = render_key_file({"G1": GRANT}, (CA_KEY,), True)
SUDO_LINE = sudo_rules.render_sudoers({"alice": [(RULE, END)]}, True).splitlines()[-1]
DROPIN = names.SSHD_DROPIN
Change = Callable[[Seen], Seen]

# One change of a good host each, and all that the report says of it.
CASES: dict[str, tuple[Change, list[Finding]]] = {
    "machine_id_changed": (
        lambda s: s._replace(machine_id="d" * 32),
        [Finding("machine_id_changed", "", "d" * 32, "c" * 32)],
    ),
    "clock_drift": (lambda s: s._replace(drift=-95.0), [Finding("clock_drift", "", "-95", "at most 30")]),
    "way_back_armed": (lambda s: s._replace(armed=True), [Finding("way_back_armed")]),
    "deadline_lost": (
        lambda s: s._replace(deadline="the timer isn't running"),
        [Finding("deadline_lost", "", "the timer isn't running")],
    ),
    "dropin_missing": (
        lambda s: s._replace(files={path: file for path, file in PLACES.items() if path != DROPIN}),
        [Finding("dropin_missing", DROPIN)],
    ),
    "dropin_differs": (
        lambda s: s._replace(files={**PLACES, DROPIN: PLACES[DROPIN]._replace(digest="other")}),
        [Finding("dropin_differs", DROPIN)],
    ),
    "file_missing": (
        lambda s: s._replace(
            wanted_digests={**WANTED, units.CRON_PATH: "x"},
            files={path: file for path, file in PLACES.items() if path != units.CRON_PATH},
        ),
        [Finding("file_missing", units.CRON_PATH)],
    ),
    "file_differs": (
        lambda s: s._replace(wanted_digests={**WANTED, units.CRON_PATH: "x"}),
        [Finding("file_differs", units.CRON_PATH)],
    ),
    "program_altered": (
        lambda s: s._replace(wanted_digests={**WANTED, start.PROGRAM_PATH: seen.ALTERED}),
        [Finding("program_altered", start.PROGRAM_PATH)],
    ),
    "file_mode": (
        lambda s: s._replace(files={**PLACES, DROPIN: PLACES[DROPIN]._replace(mode=0o666)}),
        [Finding("file_mode", DROPIN, "0666 of uid 0", "0644 of uid 0")],
    ),
    "group_gone": (
        lambda s: host(s, groups={k: v for k, v in s.facts.groups.items() if k != "daypass-join"}),
        [Finding("group_gone", "daypass-join")],
    ),
    "made_group_gone": (
        with_made_group,
        [Finding("made_group_gone", "night")],
    ),
    "made_group_foreign": (
        lambda s: host(with_made_group(s), groups={**s.facts.groups, "night": Group("night", 2007, ())}),
        [Finding("made_group_foreign", "night", "2007", "99999")],
    ),
    "sudoers_extra": (
        lambda s: host(s, sudoers=f"{s.facts.sudoers}mallory ALL=(ALL) NOPASSWD: ALL\n"),
        [Finding("sudoers_extra", names.SUDOERS_PATH, "mallory ALL=(ALL) NOPASSWD: ALL")],
    ),
    "sudoers_missing": (
        lambda s: host(s, sudoers=sudo_rules.HEADER),
        [Finding("sudoers_missing", names.SUDOERS_PATH, "", SUDO_LINE)],
    ),
    "account_missing": (
        lambda s: account(s, "bob", passwd=None, shadow=None),
        [Finding("account_missing", "bob")],
    ),
    "account_foreign": (
        lambda s: passwd_of(s, "bob", uid=1001),
        [Finding("account_foreign", "bob", "1001", "70008")],
    ),
    "account_changed": (
        lambda s: passwd_of(s, "bob", shell="/bin/sh"),  # noqa: S604 - a login shell
        [Finding("account_changed", "bob", "shell /bin/sh", "/bin/bash")],
    ),
    "account_open": (
        lambda s: shadow_of(s, "bob", password="$y$digest", expire=None),
        [Finding("account_open", "bob", "a password is set, never expires", "no password, expired")],
    ),
    "account_shut": (
        lambda s: shadow_of(s, "alice", expire=1),
        [Finding("account_shut", "alice", "no password, expired", f"no password, expires on day {DAY}")],
    ),
    "account_ageing": (lambda s: shadow_of(s, "alice", most=90), [Finding("account_ageing", "alice")]),
    "membership_lost": (
        lambda s: account(s, "alice", groups=("ops",)),
        [Finding("membership_lost", "alice", "", "daypass")],
    ),
    "group_missing": (
        lambda s: account(s, "alice", groups=("daypass",)),
        [Finding("group_missing", "alice", "", "ops")],
    ),
    "group_extra": (
        lambda s: account(s, "bob", groups=("daypass", "docker")),
        [Finding("group_extra", "bob", "docker")],
    ),
    "key_line_extra": (
        lambda s: account(s, "alice", key_file=LINE + EXTRA_KEY),
        [Finding("key_line_extra", "alice", EXTRA_KEY.strip())],
    ),
    "key_line_missing": (
        lambda s: account(s, "alice", key_file=None),
        [Finding("key_line_missing", "alice", "", LINE.strip())],
    ),
    "key_file_mode": (
        lambda s: s._replace(key_files={"alice": FileSeen(0o660, 70007, 70007, "x")}),
        [Finding("key_file_mode", "alice", "0660 of uid 70007, group 70007", "0640 of uid 0, group 70007")],
    ),
    "subordinate_range": (
        lambda s: account(s, "bob", subordinate=True),
        [Finding("subordinate_range", "bob")],
    ),
    "unfinished": (lambda s: known(s, "bob", pending="close"), [Finding("unfinished", "bob", "close")]),
    "grant_overdue": (
        lambda s: known(s, "bob", grants={"G0": GRANT._replace(not_after=NOW - 3600)}),
        [Finding("grant_overdue", "bob", "G0", "2026-11-18T10:06:40Z")],
    ),
    "removal_overdue": (
        lambda s: known(s, "bob", user_cleanup_days=1, closed_at=NOW - 3 * 86400),
        [Finding("removal_overdue", "bob", "2026-11-16T11:06:40Z")],
    ),
    "sshd_overridden": (
        lambda s: s._replace(overridden={"alice": "DenyUsers is alice"}),
        [Finding("sshd_overridden", "alice", "DenyUsers is alice")],
    ),
    "key_file_unknown": (
        lambda s: s._replace(key_files={**s.key_files, "mallory": FileSeen(0o640, 0, 0, "x")}),
        [Finding("key_file_unknown", "mallory")],
    ),
    "member_unknown": (
        lambda s: host(
            s, groups={**s.facts.groups, "daypass": Group("daypass", 999, ("alice", "bob", "mallory"))}
        ),
        [Finding("member_unknown", "mallory", "daypass")],
    ),
    "account_unknown": (
        lambda s: s._replace(passwd={**s.passwd, "mallory": Passwd("mallory", 70100, 1, "", "/", "/")}),
        [Finding("account_unknown", "mallory", "70100")],
    ),
    "processes_left": (
        lambda s: s._replace(left={70008: Left(processes=("17 sleep",))}),
        [Finding("processes_left", "bob", "17 sleep")],
    ),
    "jobs_left": (
        lambda s: s._replace(left={70008: Left(jobs=("/var/spool/cron/crontabs/bob",))}),
        [Finding("jobs_left", "bob", "/var/spool/cron/crontabs/bob")],
    ),
    "files_left": (
        lambda s: s._replace(left={70050: Left(files=("/tmp/a", "/tmp/b"))}),
        [Finding("files_left", "uid 70050", "/tmp/a, /tmp/b")],
    ),
    "mail_left": (
        lambda s: s._replace(
            ledger=s.ledger._replace(retired=(ledger.Retired(70009, "carol", "c", NOW, ""),)),
            left={70009: Left(mail=("/var/mail/carol",))},
        ),
        [Finding("mail_left", "carol (removed)", "/var/mail/carol")],
    ),
    "setid_file": (
        lambda s: s._replace(deep=Deep((("/usr/local/bin/sh", "uid 0"),))),
        [Finding("setid_file", "/usr/local/bin/sh", "uid 0")],
    ),
    "deep_unfinished": (
        lambda s: s._replace(deep=Deep((), "/srv/data")),
        [Finding("deep_unfinished", "/srv/data")],
    ),
}


def wanted(seen: Seen, **accounts: dict[str, ledger.LedgerGrant]) -> merge.Wanted:
    """What a document says: login -> its grants; a login that isn't named is unlisted and has none."""
    found = {}
    for login in {*seen.ledger.accounts, *accounts}:
        one = seen.ledger.accounts.get(login) or entry(login, 70100)
        found[login] = merge.WantedAccount(
            login,
            one.uid,
            one.comment,
            one.shell,
            one.home_on_removal,
            one.user_cleanup_days,
            remove=False,
            listed=login in accounts,
            grants=accounts.get(login, {}),
            refused=(),
        )
    return merge.Wanted(found, (CA_KEY,), {}, 6, None, stale=False)


AGAINST: dict[str, tuple[dict[str, dict[str, ledger.LedgerGrant]], list[Finding]]] = {
    "grant_to_end": ({"alice": {}}, [Finding("grant_to_end", "alice", "G1")]),
    "grant_to_open": (
        {"alice": {"G1": GRANT}, "dora": {"G9": GRANT}},
        [Finding("grant_to_open", "dora", "", "G9")],
    ),
    "grant_differs": (
        {"alice": {"G1": GRANT._replace(groups=())}},
        [Finding("grant_differs", "alice", "G1")],
    ),
    "account_unlisted": ({}, [Finding("account_unlisted", "alice")]),
}
# What isn't a comparison of the ledger with anything: tested where it is made.
ELSEWHERE = {"not_ours", "sequence_ahead"}


def test_a_good_host_has_no_finding():
    """What Daypass made itself is never reported."""
    assert comparing.find(good(), wanted(good(), alice={"G1": GRANT}, bob={})) == []


@pytest.mark.parametrize("code", CASES)
def test_each_difference_is_one_finding(code):
    """The change is named with what was found and what is expected, and nothing else is."""
    change, expected = CASES[code]
    found = comparing.find(change(good()), None)
    assert found == expected
    assert found[0].code == code


@pytest.mark.parametrize("code", AGAINST)
def test_each_difference_to_the_record_is_one_finding(code):
    """A ledger that fits the host and not the record was changed by somebody, or missed a wave."""
    document, expected = AGAINST[code]
    assert comparing.find(good(), wanted(good(), **document)) == expected


def test_every_kind_of_finding_is_proven():
    """A finding that no case makes may never come."""
    assert {*CASES, *AGAINST, *ELSEWHERE} == set(findings.KINDS)


def test_no_finding_shows_a_password_digest():
    """Reports are mailed around; whether there is a password is all that anybody needs."""
    change, _expected = CASES["account_open"]
    assert "digest" not in json.dumps([findings.shown(one) for one in comparing.find(change(good()), None)])


def test_hostile_text_is_cut_and_made_plain():
    """A key line or a file name is whatever its owner wrote."""
    shown = findings.shown(Finding("key_line_extra", "alice", "\x1b[2J" + "x" * 5000))
    assert "\x1b" not in shown["sentence"]
    assert len(shown["sentence"]) < 800


def test_a_report_stays_below_the_size_of_an_answer():
    """ansible-runner empties what is too long without a word; what is left out is counted."""
    rows = [findings.shown(Finding("files_left", f"uid {n}", "/tmp/" + "x" * 250)) for n in range(2000)]
    kept, left_out = reporting.fitting(rows)
    assert len(json.dumps(kept)) <= reporting.FINDINGS_LENGTH
    assert len(kept) + left_out == 2000
    assert left_out > 0


def joined(seen: Seen, **facts: object) -> Seen:
    """The same host, where alice was there before and was joined."""
    seen = known(seen, "alice", uid=1500, joined=ledger.Joined("boot", 1, "none", "refuse"))
    seen = passwd_of(seen, "alice", uid=1500, gid=1500, shell="/bin/zsh")  # noqa: S604 - a login shell
    seen = shadow_of(seen, "alice", password="$y$digest", expire=None, most=90)
    seen = account(seen, "alice", **{"groups": ("daypass-join", "docker", "ops"), **facts})
    return seen._replace(key_files={"alice": FileSeen(0o640, 0, 1500, "x")})


def test_what_is_a_joined_accounts_own_is_no_finding():
    """Its shell, password, groups and ageing are its owner's; the mark, our groups and key lines are ours."""
    assert comparing.find(joined(good()), None) == []
    lost = comparing.find(joined(good(), groups=("docker",)), None)
    assert lost == [
        Finding("membership_lost", "alice", "", "daypass-join"),
        Finding("group_missing", "alice", "", "ops"),
    ]
    added = comparing.find(joined(good(), key_file=LINE + EXTRA_KEY), None)
    assert added == [Finding("key_line_extra", "alice", EXTRA_KEY.strip())]


@pytest.mark.parametrize(
    ("grant", "why"),
    [
        (GRANT._replace(groups=("docker",)), "the group docker is root-equivalent"),
        (GRANT._replace(groups=("staff",)), "the group staff is root-equivalent"),
        (
            GRANT._replace(groups=(), sudo=(SudoRule("root", "ALL"),)),
            "sudo with ALL commands as root is root-equivalent",
        ),
        (
            GRANT._replace(groups=(), sudo=(SudoRule("ALL", "ALL"),)),
            "sudo with ALL commands as root is root-equivalent",
        ),
    ],
)
def test_what_a_holder_could_have_changed_is_not_proven(grant, why):
    """During such a grant ledger, clock and code are its holder's; the report says so."""
    seen = known(good(), "alice", grants={"G1": grant})
    assert comparing.unproven(seen.ledger, seen.facts, NOW) == [{"login": "alice", "grant": "G1", "why": why}]
    assert comparing.unproven(good().ledger, good().facts, NOW) == []


def sent(**changes: object) -> document.Document:
    """A document that gives Alice her grant, as the orchestrator sends it for comparing."""
    return document.parse(full_document(**{"sequence": 6, "accounts": [], **changes}))


def test_a_document_of_somebody_else_is_a_finding_and_no_measure():
    """A server that doesn't take our documents isn't judged by them."""
    against, problems = reporting.merged(good().ledger, sent(orchestrator_id="e" * 32), "c" * 32, NOW)
    assert against is None
    assert [one.code for one in problems] == ["not_ours"]


def test_a_server_that_is_ahead_is_told_and_still_compared():
    """It has followed a document that our record doesn't know; what differs from ours is worth knowing."""
    against, problems = reporting.merged(good().ledger, sent(sequence=5), "c" * 32, NOW)
    assert problems == [Finding("sequence_ahead", "", "5", "4")]
    assert against is not None
    assert comparing.find(good(), against) == [Finding("account_unlisted", "alice")]


def test_a_host_without_a_ledger_gives_no_report(monkeypatch, tmp_path):
    """It is told from one without a finding."""
    monkeypatch.setattr(names, "LOCK_PATH", str(tmp_path / "lock"))
    result = reporting.make_report(System(), None, now=NOW)
    assert (result["failed"], result["report"]["code"]) == (True, "not_onboarded")
