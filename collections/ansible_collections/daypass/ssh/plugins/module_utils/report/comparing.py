# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From ledger, document and what was seen on the host to findings. Pure, golden-tested.

Two comparisons, kept apart: the host against its ledger, and the ledger against the document of the
orchestrator. A ledger that somebody rewrote to fit the host differs from the document.
"""

from __future__ import annotations

from ..contract import names, sudo_rules
from ..contract.fields import show_moment
from ..contract.typed import TYPE_CHECKING
from ..facts.account_files import Passwd, Shadow
from ..facts.host import AccountFacts, Facts
from ..onboarding import footprint
from ..plan import root_equivalent, steps
from ..plan.key_lines import EXPIRY_Z_SINCE
from ..plan.steps import CLOSED_DAY, CLOSED_PASSWORD, OPEN_PASSWORD, Keys
from ..record import rights
from ..record.ledger import Ledger, LedgerAccount, LedgerGrant
from ..record.merge import Wanted
from .findings import Finding
from .seen import ALTERED, Seen

if TYPE_CHECKING:
    from typing import Iterator, Mapping

OVERDUE_SECONDS = 120  # a tick a minute ends what is due; one may be missed
CLEANUP_SPARE_SECONDS = 86400  # a removal waits for a wave


def find(seen: Seen, wanted: Wanted | None) -> list[Finding]:
    """Every difference, the host's own first, then by login.

    Args:
        wanted: The orchestrator's document merged with the ledger, None where there is none.
    """
    found = [*_host(seen), *_files(seen), *_sudoers(seen)]
    for login in sorted(seen.ledger.accounts):
        found += _account(login, seen)
    found += _strangers(seen)
    found += _left_over(seen)
    found += [Finding("setid_file", path, rights_) for path, rights_ in seen.deep.setid]
    if seen.deep.stopped_at:
        found.append(Finding("deep_unfinished", seen.deep.stopped_at))
    return [*found, *(_against(seen, wanted) if wanted is not None else ())]


# --- the host -----------------------------------------------------------------------------------------------
def _host(seen: Seen) -> Iterator[Finding]:
    ledger = seen.ledger
    if ledger.machine_id is not None and ledger.machine_id != seen.machine_id:
        yield Finding("machine_id_changed", "", seen.machine_id or "none", ledger.machine_id)
    if seen.drift is not None and abs(seen.drift) > names.DRIFT_WARNING_SECONDS:
        yield Finding("clock_drift", "", f"{seen.drift:+.0f}", f"at most {names.DRIFT_WARNING_SECONDS}")
    if seen.armed:
        yield Finding("way_back_armed")
    if seen.deadline:
        yield Finding("deadline_lost", "", seen.deadline)
    for login, sentence in sorted(seen.overridden.items()):
        yield Finding("sshd_overridden", login or "managed accounts", sentence)
    for group in footprint.GROUPS:
        if group not in seen.facts.groups:
            yield Finding("group_gone", group)
    yield from _made_groups(seen)


def _made_groups(seen: Seen) -> Iterator[Finding]:
    for group, gid in sorted(seen.ledger.made_groups.items()):
        entry = seen.facts.groups.get(group)
        if entry is not None and entry.gid != gid:
            yield Finding("made_group_foreign", group, str(entry.gid), str(gid))
        elif entry is None and any(group in one.groups for one in seen.ledger.accounts.values()):
            yield Finding("made_group_gone", group)


def _files(seen: Seen) -> Iterator[Finding]:
    for trace in footprint.TRACES:
        file, digest = seen.files.get(trace.path), seen.wanted_digests.get(trace.path)
        dropin = trace.path == names.SSHD_DROPIN
        if file is None:
            if digest is not None:
                yield Finding("dropin_missing" if dropin else "file_missing", trace.path)
            continue
        if digest == ALTERED:
            yield Finding("program_altered", trace.path)
        elif digest is not None and digest != file.digest:
            yield Finding("dropin_differs" if dropin else "file_differs", trace.path)
        if trace.mode is not None and (file.mode, file.uid) != (trace.mode, 0):
            yield Finding("file_mode", trace.path, _mode(file.mode, file.uid), _mode(trace.mode, 0))


def _mode(mode: int, uid: int) -> str:
    return f"{mode:04o} of uid {uid}"


def _sudoers(seen: Seen) -> Iterator[Finding]:
    rules = {}
    for login, account in seen.ledger.accounts.items():
        found = rights.sudo_of(_live(account, seen.now))
        if found:
            rules[login] = found
    content = seen.facts.sudoers or ""
    texts = [sudo_rules.render_sudoers(rules, notafter) for notafter in (True, False)]
    if content in texts:
        return
    expected = texts[1] if " ALL=(" in content and " NOTAFTER=" not in content else texts[0]
    for line in _other_lines(content, expected):
        yield Finding("sudoers_extra", names.SUDOERS_PATH, line)
    for line in _other_lines(expected, content):
        yield Finding("sudoers_missing", names.SUDOERS_PATH, "", line)


def _other_lines(text: str, other: str) -> list[str]:
    known = set(other.splitlines())
    return [line for line in text.splitlines() if line.strip() and line not in known]


# --- accounts of the ledger ---------------------------------------------------------------------------------
def _live(account: LedgerAccount, now: int) -> dict[str, LedgerGrant]:
    """What should be in effect: a grant that was intended only isn't open yet."""
    return {key: one for key, one in account.grants.items() if one.live and one.not_after > now}


def _account(login: str, seen: Seen) -> Iterator[Finding]:
    known, account = seen.ledger.accounts[login], seen.facts.accounts[login]
    if known.pending:
        yield Finding("unfinished", login, known.pending)
    yield from _deadlines(login, known, seen.now)
    entry = account.passwd
    if entry is None:
        if not known.pending:
            yield Finding("account_missing", login)
        return
    if entry.uid != known.uid:
        yield Finding("account_foreign", login, str(entry.uid), str(known.uid))
        return
    if known.pending:
        return  # the next run brings it to what is wanted, whatever it is half way
    live = _live(known, seen.now)
    yield from _keys(login, entry.gid, seen, live)
    if known.joined is not None:  # all else of it is its owner's
        yield from _joined_groups(login, entry, seen, live)
        return
    yield from _identity(login, known, entry)
    yield from _groups(login, account, live)
    yield from _shut(login, account, live)
    if account.subordinate:
        yield Finding("subordinate_range", login)


def _deadlines(login: str, known: LedgerAccount, now: int) -> Iterator[Finding]:
    for key, grant in sorted(known.grants.items()):
        if grant.live and grant.not_after + OVERDUE_SECONDS < now:
            yield Finding("grant_overdue", login, key, show_moment(grant.not_after))
    if known.closed_at is not None and known.user_cleanup_days is not None:
        due = known.closed_at + known.user_cleanup_days * 86400
        if due + CLEANUP_SPARE_SECONDS < now:
            yield Finding("removal_overdue", login, show_moment(due))


def _identity(login: str, known: LedgerAccount, entry: Passwd) -> Iterator[Finding]:
    pairs = (
        ("comment", entry.comment, known.comment),
        ("primary group", str(entry.gid), str(known.uid)),
        ("home", entry.home, known.home),
        ("shell", entry.shell, known.shell),
    )
    for what, found, expected in pairs:
        if found != expected:
            yield Finding("account_changed", login, f"{what} {found}", expected)


def _groups(login: str, account: AccountFacts, live: Mapping[str, LedgerGrant]) -> Iterator[Finding]:
    if names.GROUP_CREATED not in account.groups:
        yield Finding("membership_lost", login, "", names.GROUP_CREATED)
    expected = {names.GROUP_CREATED, *rights.groups_of(live)}
    for group in sorted(set(account.groups) - expected):
        yield Finding("group_extra", login, group)
    for group in sorted(expected - set(account.groups) - {names.GROUP_CREATED}):
        yield Finding("group_missing", login, "", group)


def _joined_groups(
    login: str, entry: Passwd, seen: Seen, live: Mapping[str, LedgerGrant]
) -> Iterator[Finding]:
    """An account from before: it has the mark while it has a grant, and groups of its own besides."""
    groups = seen.facts.accounts[login].groups
    if live and names.GROUP_JOINED not in groups:
        yield Finding("membership_lost", login, "", names.GROUP_JOINED)
    held = {*groups, *seen.facts.gid_names.get(entry.gid, ())}
    for group in sorted(rights.groups_of(live) - held):
        yield Finding("group_missing", login, "", group)


def _keys(login: str, gid: int, seen: Seen, live: Mapping[str, LedgerGrant]) -> Iterator[Finding]:
    ledger = seen.ledger
    found = seen.facts.accounts[login].key_file or ""
    expected = Keys(ledger.ca_keys, ledger.sshd_version >= EXPIRY_Z_SINCE).render(live) or ""
    for line in _other_lines(found, expected):
        yield Finding("key_line_extra", login, line)
    for line in _other_lines(expected, found):
        yield Finding("key_line_missing", login, "", line)
    file = seen.key_files.get(login)
    if file is not None and (file.mode, file.uid, file.gid) != (0o640, 0, gid):
        group = f", group {file.gid}"
        yield Finding(
            "key_file_mode",
            login,
            _mode(file.mode, file.uid) + group,
            _mode(0o640, 0) + f", group {gid}",
        )


def _shut(login: str, account: AccountFacts, live: Mapping[str, LedgerGrant]) -> Iterator[Finding]:
    shadow = account.shadow
    if shadow is None:
        yield Finding("account_changed", login, "no line in /etc/shadow", "one")
        return
    if not live:
        if not steps.is_closed(shadow):
            yield Finding("account_open", login, _lock(shadow), "no password, expired")
        return
    day = rights.expiry_day(live)
    if (shadow.password, shadow.expire) != (OPEN_PASSWORD, day):
        yield Finding("account_shut", login, _lock(shadow), f"no password, expires on day {day}")
    if steps.ages(shadow):
        yield Finding("account_ageing", login)


def _lock(shadow: Shadow) -> str:
    """Never the digest: whether there is a password, and the expiry."""
    password = "no password" if shadow.password in (OPEN_PASSWORD, CLOSED_PASSWORD) else "a password is set"
    if shadow.expire is None:
        return f"{password}, never expires"
    return f"{password}, " + ("expired" if shadow.expire <= CLOSED_DAY else f"expires on day {shadow.expire}")


# --- strangers and leftovers --------------------------------------------------------------------------------
def _strangers(seen: Seen) -> Iterator[Finding]:
    ours = seen.ledger.accounts
    for name in sorted(set(seen.key_files) - set(ours)):
        yield Finding("key_file_unknown", name)
    for group in footprint.GROUPS:
        entry = seen.facts.groups.get(group)
        for login in () if entry is None else entry.members:
            if login not in ours:
                yield Finding("member_unknown", login, group)
    for login, account in sorted(seen.passwd.items()):
        if names.UID_MIN <= account.uid <= names.UID_MAX and login not in ours:
            yield Finding("account_unknown", login, str(account.uid))


def _left_over(seen: Seen) -> Iterator[Finding]:
    logins = {account.uid: login for login, account in seen.ledger.accounts.items()}
    logins.update({one.uid: f"{one.login} (removed)" for one in seen.ledger.retired if one.uid not in logins})
    for uid, left in sorted(seen.left.items()):
        who = logins.get(uid, f"uid {uid}")
        for code, things in (
            ("processes_left", left.processes),
            ("jobs_left", left.jobs),
            ("files_left", left.files),
            ("mail_left", left.mail),
        ):
            if things:
                yield Finding(code, who, ", ".join(things))


# --- ledger against document --------------------------------------------------------------------------------
def _against(seen: Seen, wanted: Wanted) -> Iterator[Finding]:
    for login, want in sorted(wanted.accounts.items()):
        known = seen.ledger.accounts.get(login)
        before = {} if known is None else _live(known, seen.now)
        if before and not want.listed and not want.grants:
            yield Finding("account_unlisted", login)
            continue
        for key in sorted(set(before) - set(want.grants)):
            yield Finding("grant_to_end", login, key)
        for key in sorted(set(want.grants) - set(before)):
            yield Finding("grant_to_open", login, "", key)
        for key in sorted(set(want.grants) & set(before)):
            if want.grants[key]._replace(live=True, warn_before=0) != before[key]._replace(warn_before=0):
                yield Finding("grant_differs", login, key)


# --- what a report can't prove ------------------------------------------------------------------------------
def unproven(ledger: Ledger, facts: Facts, now: int) -> list[dict[str, str]]:
    """Live grants whose holder can change what a report looks at: verified by report, not proven."""
    found = []
    for login, account in sorted(ledger.accounts.items()):
        for key, grant in sorted(_live(account, now).items()):
            why = root_equivalent.reasons({key: grant}, facts)
            if why:
                found.append({"login": login, "grant": key, "why": "; ".join(why)})
    return found
