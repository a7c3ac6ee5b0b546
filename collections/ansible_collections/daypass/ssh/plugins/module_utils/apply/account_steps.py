# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single steps on one account, by the system's own tools (useradd(8) and its family)."""

from __future__ import annotations

from ..contract import names
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING
from ..facts import account_files, nss
from ..plan.steps import CLOSED_DAY, CLOSED_PASSWORD, CREATED_PASSWORD, OPEN_PASSWORD, is_closed
from ..removal import leftovers

if TYPE_CHECKING:
    from ..effects.system import System
    from ..facts.account_files import Passwd
    from ..facts.sudo_program import SudoProgram
    from ..record.ledger import LedgerAccount


def read_entry(system: System, login: str) -> Passwd | None:
    """The login's line in /etc/passwd now."""
    return account_files.parse_passwd(system.read("/etc/passwd") or b"").get(login)


def groups_of(system: System, login: str) -> tuple[str, ...]:
    """The groups of /etc/group that list the login now, sorted."""
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    return tuple(sorted(group.name for group in groups.values() if login in group.members))


def create_group(system: System, login: str, uid: int) -> None:
    """Make the private group; its gid is the uid (useradd -u alone picks another)."""
    system.change(["groupadd", "--gid", str(uid), login])


def create_user(system: System, login: str, account: LedgerAccount, make_home: bool) -> None:
    """Make the user, expired and without a password, and look whether it is as meant.

    Raises:
        CommandFailed, Refusal (`command_failed`).
    """
    argv = ["useradd", "--uid", str(account.uid), "--gid", str(account.uid), "--groups", names.GROUP_CREATED]
    argv += ["--comment", account.comment, "--shell", account.shell, "--home-dir", account.home]
    argv += ["--create-home" if make_home else "--no-create-home", "--no-log-init"]
    argv += ["--password", CREATED_PASSWORD, "--expiredate", str(CLOSED_DAY), "--inactive", "-1"]
    # No ageing, and no subordinate range whatever login.defs says.
    for setting in ("PASS_MAX_DAYS=-1", "PASS_MIN_DAYS=0", "SUB_UID_COUNT=0", "SUB_GID_COUNT=0"):
        argv += ["--key", setting]
    system.change([*argv, login])
    entry = read_entry(system, login)
    wanted = (account.uid, account.uid, account.comment, account.home, account.shell)
    shadow = account_files.parse_shadow(system.read("/etc/shadow") or b"", [login]).get(login)
    shut = shadow is not None and (shadow.password, shadow.expire) == (CREATED_PASSWORD, CLOSED_DAY)
    if entry is None or tuple(entry[1:]) != wanted or not shut:
        raise Refusal("command_failed", f"useradd said yes, and {login} isn't as it should be: {entry}")


def check_groups(
    system: System, login: str, uid: int, groups: tuple[str, ...], group_gids: dict[str, int]
) -> None:
    """Refuse when the login is in another group than these, by any source of the host (initgroups).

    Raises:
        Refusal: `old_rights` or `nss_unavailable`.
    """
    wanted = {uid, *(group_gids[group] for group in groups)}
    extra = nss.group_ids(system, login, uid) - wanted
    if extra:
        raise Refusal(
            "old_rights",
            f"{login} is in the group with gid {min(extra)}, not through us",
            "the host's administrator clears that",
        )


def check_old_rights(system: System, login: str, uid: int, sudo: SudoProgram | None) -> None:
    """Refuse what the name has before any group or rule of ours: it comes from others.

    Args:
        sudo: The host's, None where there is none.

    Raises:
        Refusal: `old_rights`, `nss_unavailable` or `sudoers_broken`.
    """
    groups = account_files.parse_group(system.read("/etc/group") or b"")
    gids = {name: group.gid for name, group in groups.items()}
    check_groups(system, login, uid, (names.GROUP_CREATED,), gids)
    if sudo is not None:
        sudo.check_no_rights(login)


def set_groups(system: System, login: str, groups: tuple[str, ...]) -> None:
    """Put the login into exactly these supplementary groups."""
    system.change(["usermod", "--groups", ",".join(groups), login])


def lock(system: System, login: str) -> None:
    """Shut the account: no password will ever match, and it is expired."""
    argv = ["usermod", "--password", CLOSED_PASSWORD, "--expiredate", str(CLOSED_DAY), login]
    system.change(argv)
    shadow = account_files.parse_shadow(system.read("/etc/shadow") or b"", [login]).get(login)
    if not is_closed(shadow):
        raise Refusal("command_failed", f"usermod said yes, and {login} isn't shut")


def unlock(system: System, login: str, day: int, shell: str | None) -> None:
    """Open the account until the beginning of a UTC day (days since 1970). Never `usermod -U`: see steps."""
    argv = ["usermod", "--password", OPEN_PASSWORD, "--expiredate", str(day)]
    system.change([*argv, *(["--shell", shell] if shell else []), login])


def no_ageing(system: System, login: str) -> None:
    """Let no password age: that shuts certificate users out too."""
    system.change(["chage", "-m", "0", "-M", "-1", "-I", "-1", login])


def write_keys(system: System, login: str, gid: int, content: str | None) -> None:
    """Put the key file in place, readable by the login's group (sshd reads it as that user), or remove it."""
    path = f"{names.KEYS_FOLDER}/{login}"
    if content is None:
        system.remove(path)
    else:
        system.write(path, content.encode("ascii"), 0o640, 0, gid)


def narrow_keys(system: System, login: str, gid: int, content: str | None) -> str | None:
    """Take lines out of a key file, on a full disk too: a login that should end is worse than one that fails.

    Returns:
        A warning where the file has the right lines and isn't as it should be otherwise.

    Raises:
        OSError: It couldn't be written. The whole file is gone then, if that was possible.
    """
    path = f"{names.KEYS_FOLDER}/{login}"
    try:
        write_keys(system, login, gid, content)
        return None
    except OSError as error:
        if content is None:
            raise
        kept = set(content.encode("ascii").splitlines(True))
        try:
            system.blank_lines(path, lambda line: line not in kept)
        except OSError:
            system.remove(path)
            raise error from None
        return f"{path} couldn't be written anew ({error.strerror}); lines that ended were blanked"


def delete_user(system: System, login: str, uid: int) -> None:
    """Delete our user; one that is gone already is fine. userdel's exit code proves nothing.

    Raises:
        Refusal: `command_failed`: it is still there; `account_exists`: it isn't ours any more.
    """
    entry = read_entry(system, login)
    if entry is not None and entry.uid != uid:
        raise Refusal("account_exists", f"{login} has the uid {entry.uid} now, ours was {uid}")
    done = None
    if entry is not None:
        done = system.attempt(["userdel", login])
    if read_entry(system, login) is not None:
        words = "" if done is None else " ".join(done.stderr.split())[-200:]
        raise Refusal("command_failed", f"userdel didn't delete {login}: {words}")
    if _has_traces(system, login):
        purge(system, login, uid)


def purge(system: System, login: str, uid: int) -> None:
    """Clear what a userdel that was cut off has left in shadow and group.

    The tools only clear lines of a user that exists, so he is made again, shut, for a moment.
    """
    gid = account_files.parse_group(system.read("/etc/group") or b"").get(login)
    private = ["--gid", login] if gid is not None and gid.gid == uid else ["--no-user-group"]
    argv = ["useradd", "--uid", str(uid), *private, "--no-create-home", "--no-log-init"]
    argv += ["--password", CREATED_PASSWORD, "--expiredate", str(CLOSED_DAY), "--shell", "/usr/sbin/nologin"]
    system.change([*argv, "--key", "SUB_UID_COUNT=0", "--key", "SUB_GID_COUNT=0", login])
    system.attempt(["userdel", login])
    if read_entry(system, login) is not None or _has_traces(system, login):
        raise Refusal("command_failed", f"traces of {login} are left in the account files")


def _has_traces(system: System, login: str) -> bool:
    shadow = account_files.parse_shadow(system.read("/etc/shadow") or b"", [login])
    return login in shadow or bool(groups_of(system, login))


def delete_group(system: System, login: str, uid: int) -> None:
    """Delete the private group, if it is ours and empty; userdel often did."""
    group = account_files.parse_group(system.read("/etc/group") or b"").get(login)
    if group is not None and group.gid == uid and not group.members:
        remove_group(system, login)


def remove_group(system: System, name: str) -> None:
    """Have groupdel delete a group, and look after: its exit code proves as little as userdel's."""
    system.change(["groupdel", name])
    if name in account_files.parse_group(system.read("/etc/group") or b""):
        raise Refusal("command_failed", f"groupdel didn't delete {name}")


def undo_create(system: System, login: str, account: LedgerAccount, made_home: bool) -> None:
    """Take back a creation that was cut off or failed: the account never opened, so nothing of anybody's is
    in it.

    Args:
        made_home: The home was made with it, so it goes too; False where one was there before.

    Raises:
        CommandFailed, OSError, Refusal.
    """
    entry = read_entry(system, login)
    if entry is not None and (entry.uid, entry.comment) != (account.uid, account.comment):
        return  # not what we made
    free = entry is not None or not _passwd_has_uid(system, account.uid)
    if made_home and free and system.status(account.home) is not None:
        # useradd makes the folder as root and hands it over at the end
        reason = leftovers.why_not_touch(system, login, account.uid, account.home, owners=(0,))
        if reason is None:
            system.remove_tree(account.home)
    delete_user(system, login, account.uid)
    delete_group(system, login, account.uid)


def _passwd_has_uid(system: System, uid: int) -> bool:
    passwd = account_files.parse_passwd(system.read("/etc/passwd") or b"")
    return any(entry.uid == uid for entry in passwd.values())
