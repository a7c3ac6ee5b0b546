# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is known under a name or a number beyond the account files: through NSS, in a time limit.

Where only local sources are configured, the question is asked in this process. A directory (sssd, LDAP,
winbind …) may hang or be away, and the C library's answer then looks like "no such user": another process
asks the library's `get…_r` functions, whose return code tells both apart (getpwnam_r(3)).
"""

from __future__ import annotations

import grp
import os
import pwd
import sys

from ..contract import json_text
from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..contract.words import Seldom

if TYPE_CHECKING:
    from typing import Sequence

    from ..effects.system import System

LOCAL_SOURCES = frozenset(["files", "compat", "systemd", "altfiles", "extrausers", "mymachines", "db"])
ACTIONS = Seldom(r"\[[^]]*\]")  # `[NOTFOUND=return]` is no source
TIMEOUT_SECONDS = 10

# Asks {"questions": [[function, key], …], "sources": {database: [source, …]}} and prints for each question
# its [name, id], null, or "error". What nobody knows is asked of each directory alone once more
# (__nss_configure_lookup, as `getent -s` does): of several sources the library reports only the last one's
# trouble, so a dead directory before `files` would pass for "no such user". One whose module isn't installed
# is none: the library gives nobody from it.
QUESTION = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
class Entry(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("password", ctypes.c_char_p), ("id", ctypes.c_uint)]
def ask(function, key):
    room, entry = ctypes.create_string_buffer(4096), ctypes.create_string_buffer(256)
    result = ctypes.c_void_p()
    word = key.encode() if isinstance(key, str) else ctypes.c_uint(key)
    call = getattr(libc, function)
    while True:
        code = call(word, entry, room, ctypes.c_size_t(len(room)), ctypes.byref(result))
        if code != 34 or len(room) > 1 << 22:
            break
        room = ctypes.create_string_buffer(len(room) * 4)
    found = Entry.from_buffer(entry)
    one = [found.name.decode("utf-8", "replace"), found.id] if result else None
    return "error" if code else one
wish = json.loads(sys.stdin.read())
questions = wish["questions"]
answers = [ask(*question) for question in questions]
for database, sources in wish["sources"].items():
    for source in sources if hasattr(libc, "__nss_configure_lookup") else []:
        libc.__nss_configure_lookup(database.encode(), source.encode())
        for number, question in enumerate(questions):
            if answers[number] is None and ("getpw" in question[0]) == (database == "passwd"):
                answers[number] = ask(*question)
print(json.dumps(answers))
"""


class Known(NamedTuple):
    """What NSS says: login -> uid, uid -> login, group name -> gid, gid -> group name; absent = nobody."""

    users: dict[str, int]
    uids: dict[int, str]
    groups: dict[str, int]
    gids: dict[int, str]


def ask(system: System, logins: Sequence[str], uids: Sequence[int], groups: Sequence[str]) -> Known:
    """Look names and numbers up; each uid is asked as gid too.

    Raises:
        Refusal: `nss_unavailable`: a source didn't answer, so nobody knows whether the name is free.
    """
    questions: list[tuple[str, str | int]] = [("getpwnam_r", login) for login in logins]
    questions += [("getpwuid_r", uid) for uid in uids]
    questions += [("getgrnam_r", group) for group in groups]
    questions += [("getgrgid_r", uid) for uid in uids]
    answers = _ask_elsewhere(system, questions) if has_directory(system) else _ask_here(questions)
    known = Known({}, {}, {}, {})
    for (function, key), answer in zip(questions, answers):
        if answer is not None:
            name, number = answer
            if function == "getpwnam_r":
                known.users[str(key)] = number
            elif function == "getgrnam_r":
                known.groups[str(key)] = number
            elif function == "getpwuid_r":
                known.uids[int(key)] = name
            else:
                known.gids[int(key)] = name
    return known


def has_directory(system: System) -> bool:
    """Whether users or groups come from more than local files."""
    return any(directories(system).values())


def directories(system: System) -> dict[str, list[str]]:
    """The sources of users and of groups that aren't local files (nsswitch.conf(5))."""
    found: dict[str, list[str]] = {"passwd": [], "group": []}
    content = system.read("/etc/nsswitch.conf") or b""
    for line in content.decode("utf-8", "replace").splitlines():
        database, _colon, sources = line.partition("#")[0].partition(":")
        name = "group" if database.strip() == "initgroups" else database.strip()
        plain = ACTIONS.sub(" ", sources) if "[" in sources else sources
        for word in plain.split() if name in found else ():
            if word not in LOCAL_SOURCES and word not in found[name]:
                found[name].append(word)
    return found


def _ask_here(questions: Sequence[tuple[str, str | int]]) -> list[tuple[str, int] | None]:
    answers: list[tuple[str, int] | None] = []
    for function, key in questions:
        try:
            if function == "getpwnam_r":
                user = pwd.getpwnam(str(key))
                answers.append((user.pw_name, user.pw_uid))
            elif function == "getpwuid_r":
                user = pwd.getpwuid(int(key))
                answers.append((user.pw_name, user.pw_uid))
            elif function == "getgrnam_r":
                group = grp.getgrnam(str(key))
                answers.append((group.gr_name, group.gr_gid))
            else:
                group = grp.getgrgid(int(key))
                answers.append((group.gr_name, group.gr_gid))
        except KeyError:
            answers.append(None)
    return answers


def _ask_elsewhere(
    system: System, questions: Sequence[tuple[str, str | int]]
) -> list[tuple[str, int] | None]:
    argv = [sys.executable, "-I", "-S", "-c", QUESTION]
    wish = {"questions": questions, "sources": directories(system)}
    done = system.query(argv, stdin=json_text.dumps(wish), timeout_seconds=TIMEOUT_SECONDS)
    try:
        answers = json_text.loads(done.stdout) if done.rc == 0 else ["error"]
    except ValueError:
        answers = ["error"]
    if "error" in answers or len(answers) != len(questions):
        raise _unavailable()
    return [tuple(answer) if answer else None for answer in answers]


def group_ids(system: System, login: str, gid: int) -> set[int]:
    """All groups that a login of this person would get (initgroups(3)), `gid` among them, in a time limit.

    Raises:
        Refusal: `nss_unavailable`.
    """
    if not has_directory(system):
        return set(os.getgrouplist(login, gid))
    done = system.query(["id", "-G", "--", login], timeout_seconds=TIMEOUT_SECONDS)
    words = done.stdout.split()
    if done.rc != 0 or not all(word.isdigit() for word in words):
        raise _unavailable()
    return {gid, *(int(word) for word in words)}


def _unavailable() -> Refusal:
    return Refusal(
        "nss_unavailable",
        "a source of users or groups in /etc/nsswitch.conf doesn't answer",
        "see to sssd, LDAP or winbind on the host; the next run tries again",
    )
