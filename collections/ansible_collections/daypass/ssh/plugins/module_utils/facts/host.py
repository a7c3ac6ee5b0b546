# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there on the host now: read once, before anything is planned."""

from __future__ import annotations

from ..contract import names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from . import account_files, free_gids, joined, nss, sudo_program, sudoers_tree, sudoers_words
from .account_files import Group, Passwd, Shadow
from .joined import JoiningFacts

if TYPE_CHECKING:
    from typing import Iterable, Mapping, Sequence

    from ..effects.system import System
    from ..record.ledger import LedgerAccount
    from ..record.merge import Wanted, WantedAccount

HOME_BASE = "/home"
# Debian and busybox, Red Hat, SUSE, Alpine (where the first is a link to it).
CRONTABS = ("/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs", "/etc/crontabs")
AT_FOLDERS = ("/var/spool/cron/atjobs", "/var/spool/at", "/var/spool/atjobs")
MAIL_FOLDERS = ("/var/mail", "/var/spool/mail")
NOBODYS = -1  # no uid
LINGER_FOLDER = "/var/lib/systemd/linger"


class AccountFacts(NamedTuple):
    """One login on the host.

    Attributes:
        groups: Supplementary groups of /etc/group that list the login, sorted.
        private: The group of the same name.
        key_file: Content of our key file, None where there is none.
        jobs: Crontab, at jobs and lingering of this login or uid (paths).
        mail: Mail spool files that aren't empty (paths); asked where an account may begin or go.
        home_owner: Owner's uid of what lies at the home path, None where nothing does; asked only while the
            login has no account.
        subordinate: /etc/subuid or /etc/subgid gives the login a range.
        joining: What an account from before is asked before more is given to it; None where nothing is.
    """

    passwd: Passwd | None
    shadow: Shadow | None
    groups: tuple[str, ...]
    private: Group | None
    key_file: str | None
    jobs: tuple[str, ...]
    mail: tuple[str, ...]
    home: str
    home_owner: int | None
    subordinate: bool
    joining: JoiningFacts | None = None


class Facts(NamedTuple):
    """The host.

    Attributes:
        uid_names, gid_names: Everybody who holds a number in the files.
        known: What NSS says of names and numbers that may be opened; None when nothing may.
        problem: Why NSS or sudoers couldn't be read, so that nothing opens; None when nothing was to.
        shells: Of /etc/shells.
        sudoers: Content of our file, None where there is none.
        sudo: sudo and visudo are installed.
        mentioned: Words that stand for users or groups in the sudoers of others.
        root_groups: Groups whose members are as good as root; `#27` is a gid.
        sudoers_included: The host's sudoers include our file.
        primary_gids: Primary groups of all users of the files.
        free_gids: Numbers that nobody holds, for groups that are to be made.
    """

    accounts: Mapping[str, AccountFacts]
    groups: Mapping[str, Group]
    uid_names: Mapping[int, tuple[str, ...]]
    gid_names: Mapping[int, tuple[str, ...]]
    subordinate: tuple[tuple[str, int, int], ...]
    known: nss.Known | None
    problem: Refusal | None
    shells: frozenset[str]
    sudoers: str | None
    sudo: bool
    mentioned: frozenset[str]
    root_groups: frozenset[str] = names.ROOT_EQUIVALENT_GROUPS
    sudoers_included: bool = True
    primary_gids: frozenset[int] = frozenset()
    free_gids: tuple[int, ...] = ()


def read_facts(
    system: System,
    wanted: Wanted,
    known: Mapping[str, LedgerAccount],
    spared_gids: Iterable[int] = (),
) -> Facts:
    """Read all facts for the accounts of `wanted`.

    Args:
        known: The accounts of the ledger: their uids and homes count, not those of a document.
        spared_gids: What no new group gets, though nobody may hold it now.
    """
    uids = {login: account.uid for login, account in (*wanted.accounts.items(), *known.items())}
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    shadow = account_files.parse_shadow(system.read("/etc/shadow") or b"", wanted.accounts)
    ranges = _ranges(system)
    memberships = _memberships(groups.values())
    at_jobs, named_jobs = at_jobs_of(system), _named_jobs(system, wanted.accounts)
    accounts = {}
    for login in wanted.accounts:
        entry = passwd.get(login)
        ours = known[login].home if login in known else ""
        home = ours or (entry.home if entry else f"{HOME_BASE}/{login}")
        # A living person's home and mail aren't looked at: over both he may mount what never answers.
        unseen = entry is not None
        accounts[login] = AccountFacts(
            passwd=entry,
            shadow=shadow.get(login),
            groups=tuple(sorted(memberships.get(login, ()))),
            private=groups.get(login),
            key_file=_text(system, f"{names.KEYS_FOLDER}/{login}"),
            jobs=(*named_jobs.get(login, ()), *_owned_by(uids[login], at_jobs)),
            mail=() if unseen and not wanted.accounts[login].remove else mail_of(system, login),
            home=home,
            home_owner=None if unseen else _owner(system, home),
            subordinate=any(owner in (login, str(uids[login])) for owner, _first, _last in ranges),
            joining=joined.read(system, wanted.accounts[login], known.get(login), entry, groups),
        )
    opening = [
        account
        for account in wanted.accounts.values()
        if any(not grant.live for grant in account.grants.values()) or _to_make([account], groups)
    ]
    tree, broken = _sudoers_of_others(system)
    uid_names = _holders((entry.uid, entry.name) for entry in passwd.values())
    gid_names = _holders((group.gid, group.name) for group in groups.values())
    named = sudoers_words.gids_of(tree.texts)
    taken = {*uid_names, *gid_names, *uids.values(), *spared_gids, *named}
    gids = free_gids.some(_to_make(opening, groups), taken, ranges)
    answered, problem = _ask_nss(system, opening, uids, groups, gids)
    return Facts(
        accounts=accounts,
        groups=groups,
        uid_names=uid_names,
        gid_names=gid_names,
        subordinate=ranges,
        known=answered,
        problem=problem or (broken if opening else None),
        shells=account_files.parse_shells(system.read("/etc/shells") or b""),
        sudoers=_text(system, names.SUDOERS_PATH),
        sudo=sudo_program.installed(system),
        mentioned=sudoers_words.mentioned_names(tree.texts),
        root_groups=sudoers_words.root_groups(tree.texts),
        sudoers_included=tree.includes_ours,
        primary_gids=frozenset(entry.gid for entry in passwd.values()),
        free_gids=free_gids.unknown(gids, answered),
    )


def _to_make(opening: Sequence[WantedAccount], groups: Mapping[str, Group]) -> set[str]:
    """Groups that may have to be made."""
    return {name for account in opening for _grant, name in account.create_groups if name not in groups}


def _sudoers_of_others(system: System) -> tuple[sudoers_tree.Tree, Refusal | None]:
    """What they say, or why nobody knows; no closing fails over that."""
    nothing = sudoers_tree.Tree((), True)
    try:
        return sudoers_tree.read_tree(system), None
    except Refusal as refusal:
        return nothing, refusal
    except OSError as error:
        return nothing, Refusal("sudoers_broken", f"{error.filename} can't be read: {error.strerror}")


def _ask_nss(
    system: System,
    opening: Sequence[WantedAccount],
    uids: Mapping[str, int],
    groups: Mapping[str, Group],
    gids: Sequence[int],
) -> tuple[nss.Known | None, Refusal | None]:
    """What only openings need: no closing waits for a directory."""
    if not opening:
        return None, None
    missing = {
        group
        for account in opening
        for grant in account.grants.values()
        for group in grant.groups
        if group not in groups
    }
    logins = [account.name for account in opening]
    try:
        numbers = [*(uids[login] for login in logins), *gids]
        return nss.ask(system, logins, numbers, sorted(missing)), None
    except Refusal as refusal:
        return None, refusal


def _ranges(system: System) -> tuple[tuple[str, int, int], ...]:
    files = ("/etc/subuid", "/etc/subgid")
    return tuple(entry for path in files for entry in account_files.parse_ranges(system.read(path) or b""))


def _memberships(groups: Iterable[Group]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member, set()).add(group.name)
    return found


def _holders(pairs: Iterable[tuple[int, str]]) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for number, name in pairs:
        found[number] = (*found.get(number, ()), name)
    return found


def at_jobs_of(system: System) -> list[tuple[str, int | None]]:
    """All at jobs of the host, each with its owner's uid."""
    paths = [f"{folder}/{name}" for folder in AT_FOLDERS for name in system.names(folder)]
    return [(path, _owner(system, path)) for path in paths]


def jobs_of(system: System, login: str, uid: int) -> tuple[str, ...]:
    """Crontab, at jobs and lingering of a login or uid (paths)."""
    return (*_named_jobs(system, [login]).get(login, ()), *_owned_by(uid, at_jobs_of(system)))


def _named_jobs(system: System, logins: Iterable[str]) -> dict[str, list[str]]:
    """Crontabs and lingering by the login whose name they have, these logins' at least (paths)."""
    found: dict[str, list[str]] = {}
    for folder in (*CRONTABS, LINGER_FOLDER):
        for name in _names_in(system, folder, logins):
            found.setdefault(name, []).append(f"{folder}/{name}")
    return found


def _names_in(system: System, folder: str, logins: Iterable[str]) -> list[str]:
    try:
        return system.names(folder)
    except OSError:  # it can't be listed; what has a known name may be there all the same
        return [login for login in logins if system.exists(f"{folder}/{login}")]


def _owned_by(uid: int, jobs: Sequence[tuple[str, int | None]]) -> list[str]:
    return [path for path, owner in jobs if owner == uid]


def mail_of(system: System, login: str) -> tuple[str, ...]:
    """Mail spool files of a login that aren't empty (paths)."""
    return tuple(path for path in (f"{folder}/{login}" for folder in MAIL_FOLDERS) if _has_mail(system, path))


def _has_mail(system: System, path: str) -> bool:
    try:
        status = system.status(path)
    except OSError:
        return True
    return status is not None and status.st_size > 0


def _owner(system: System, path: str) -> int | None:
    """The owner's uid, None where nothing is, NOBODYS where it can't be told (a mount of somebody's)."""
    try:
        status = system.status(path)
    except OSError:
        return NOBODYS
    return None if status is None else status.st_uid


def _text(system: System, path: str) -> str | None:
    try:
        content = system.read(path)
    except OSError:
        return ""  # something odd has our name: unlike all that we write, so it is replaced or removed
    return None if content is None else content.decode("utf-8", "surrogateescape")
