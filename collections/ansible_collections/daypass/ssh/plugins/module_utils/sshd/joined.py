# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sshd does for a joined account: all as it was, and our key file behind the person's own.

sshd is asked twice, about the configuration with the second block of the drop-in and about a copy without
it. Only AuthorizedKeysFile may differ, and it must have been what it is for everybody else.
"""

from __future__ import annotations

from ..contract.names import GROUP_JOINED, SSHD_DROPIN, Refusal
from ..contract.typed import TYPE_CHECKING
from .candidate import BYSTANDER, trial_of
from .config import expand, walk, words
from .dropin import (
    Violation,
    beyond_a_login,
    denials,
    effective_settings,
    explain,
    joined_base,
    matches,
    with_ours,
)
from .listeners import find_listeners

if TYPE_CHECKING:
    from typing import Callable, Mapping, Sequence

    Check = Callable[[str, Sequence[str]], None]

    from ..effects.system import System
    from .listeners import Listener

KEYS = "authorizedkeysfile"
# At these levels sshd says which certificate opened a session (sshd_config(5), LogLevel).
TELLING = frozenset(["INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3"])
METHODS = ("publickey", "any")


def own_keys_file(system: System, listeners: Sequence[Listener]) -> str | None:
    """AuthorizedKeysFile for whoever is in no block, "" for `none`.

    None where the listening sshd differ, or where a path holds a blank: the block can't be written then.
    """
    found = set()
    for one in listeners:
        effective, _complaint = effective_settings(system, one, BYSTANDER)
        lines = [line for line in walk(one.main_file, system.read, expand) if line.keyword == KEYS]
        if effective is None or any(" " in word for line in lines for word in words(line.rest)):
            return None
        found.add(effective.get(KEYS))
    value = found.pop() if len(found) == 1 else None
    return "" if value == "none" else value


def check_before(
    system: System, login: str, groups: Sequence[str], password: str, need_log: bool
) -> list[Violation]:
    """What keeps this person's certificate out, or would cost him a way in of his own, before any change.

    Args:
        groups: All groups that he is going to have.
        password: Field of /etc/shadow.
        need_log: sshd must say in its log which certificate opened a session.
    """
    base = joined_base(system.read(SSHD_DROPIN))
    if base is None:
        wanted = f"with a block for {GROUP_JOINED}"
        return [Violation("the drop-in", f"without a block for {GROUP_JOINED}", wanted, SSHD_DROPIN)]
    found = []
    for listener in find_listeners():
        plain, complaint = _without_us(system, listener, login)
        if plain is None:
            found.append(Violation("sshd -T", complaint, "a configuration that sshd accepts"))
            continue
        wrong = [] if plain.get(KEYS, "") == (base or "none") else [_differs(plain, base)]
        wrong += _closed(plain, login, groups, password)
        level = plain.get("loglevel", "")
        if need_log and level.upper() not in TELLING:
            wrong.append(Violation("LogLevel", level, "INFO or more"))
        found += explain(system, listener.main_file, wrong) if wrong else []
        found += _by_origin(system, listener)
    return found


def check_after(system: System, login: str) -> list[Violation]:
    """What differs from before for this person, now that he is in the group; our key file must be the only
    thing."""
    base = joined_base(system.read(SSHD_DROPIN)) or ""
    found = []
    for listener in find_listeners():
        plain, complaint = _without_us(system, listener, login)
        real, later_complaint = effective_settings(system, listener, login)
        if plain is None or real is None:
            found.append(Violation("sshd -T", complaint or later_complaint, "an answer"))
            continue
        wanted = {**plain, KEYS: with_ours(base)}
        names = sorted(name for name in {*wanted, *real} if wanted.get(name) != real.get(name))
        wrong = [Violation(_spelled(name), real.get(name, ""), wanted.get(name, "")) for name in names]
        found += explain(system, listener.main_file, wrong) if wrong else []
    return found


def refuse(login: str, found: Sequence[Violation]) -> None:
    """Raise the Refusal `sshd_overridden` that names each thing in the way, with its place."""
    if found:
        raise Refusal(
            "sshd_overridden",
            f"sshd can't let {login} in and leave the rest: "
            + "; ".join(one.sentence() for one in found[:5]),
            "change that line, or onboard the host again",
        )


def _without_us(system: System, listener: Listener, login: str) -> tuple[Mapping[str, str] | None, str]:
    """What would hold for the login if the drop-in had no block for joined accounts."""
    lines = (system.read(SSHD_DROPIN) or b"").decode("utf-8", "replace").split("\n")
    starts = [at for at, line in enumerate(lines) if line.endswith(f"Group {GROUP_JOINED}")]
    plain = "\n".join(line for at, line in enumerate(lines) if at - 1 not in starts and at not in starts)
    with trial_of(system, listener, plain) as trial:
        effective, complaint = effective_settings(system, listener, login, trial.options)
        return effective, trial.named(complaint)


def _differs(plain: Mapping[str, str], base: str) -> Violation:
    return Violation(_spelled(KEYS), plain.get(KEYS, ""), f"{base or 'none'} as for everybody else")


def _closed(plain: Mapping[str, str], login: str, groups: Sequence[str], password: str) -> list[Violation]:
    """Settings of the host's own that shut every certificate of this person out."""
    found = denials(plain, login, groups)
    users = [one for one in plain.get("allowusers", "").split() if not one.startswith("!")]
    if users and not any(matches(login, one.partition("@")[0]) for one in users):
        found.append(Violation("AllowUsers", plain["allowusers"], f"with {login}"))
    allowed = plain.get("allowgroups", "").split()
    if allowed and not any(matches(group, one) for group in groups for one in allowed):
        found.append(Violation("AllowGroups", plain["allowgroups"], f"with a group of {login}"))
    if plain.get("pubkeyauthentication") != "yes":
        found.append(Violation("PubkeyAuthentication", plain.get("pubkeyauthentication", ""), "yes"))
    methods = plain.get("authenticationmethods", "any")
    if not any(method.split(",")[0].split(":")[0] in METHODS for method in methods.split()):
        found.append(Violation("AuthenticationMethods", methods, "with publickey"))
    if plain.get("usepam") == "no" and password.startswith("!"):
        found.append(Violation("UsePAM", "no", f"yes, or a password field of {login} without !"))
    return found


def _by_origin(system: System, listener: Listener) -> list[Violation]:
    """Key files for connections from or to somewhere: ours would take their place for the joined."""
    lines = beyond_a_login(walk(listener.main_file, system.read, expand))
    return [
        Violation(
            _spelled(KEYS), " ".join(words(line.rest)), "the same for connections from anywhere", line.place
        )
        for line in lines
        if line.keyword == KEYS
    ]


def _spelled(name: str) -> str:
    return "AuthorizedKeysFile" if name == KEYS else name
