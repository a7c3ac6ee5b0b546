# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sshd must do for our accounts: the drop-in that says so, and the check that it holds for one login.

The drop-in trusts no CA by itself: each account's key file does, line by line, so that a stolen CA key opens
managed accounts only (host-contract, sshd). `sshd -t` says nothing about a setting that an earlier file wins,
so an account counts as ready only when `sshd -T -C user=…` shows each value of the block.
"""

from __future__ import annotations

import fnmatch
import re
from itertools import takewhile

from ..contract.names import GROUP_CREATED as GROUP
from ..contract.names import GROUP_JOINED, KEYS_FOLDER
from ..contract.names import SSHD_DROPIN as DROPIN
from ..contract.typed import TYPE_CHECKING, NamedTuple
from .config import expand, reach, walk, words
from .listeners import Listener, find_listeners

if TYPE_CHECKING:
    from typing import Iterable, Iterator, Mapping, Sequence

    from ..effects.system import System
    from .config import Line

INCLUDE_LINE = "Include /etc/ssh/sshd_config.d/*.conf"
OLDEST_VERSION = (8, 2)  # the first with Include (OpenSSH 8.2 release notes)

KEYS_FILE = KEYS_FOLDER + "/%u"
JOINED_LINE = "    AuthorizedKeysFile "  # the only one of the second block

# The block, directive by directive as sshd_config(5) spells them, in the order of the file.
BLOCK: tuple[tuple[str, str], ...] = (
    ("AuthenticationMethods", "publickey"),
    ("PubkeyAuthentication", "yes"),
    ("AuthorizedKeysFile", KEYS_FILE),
    # Before AuthorizedKeysCommand: behind one, sshd up to 9.3 doesn't read it (OpenSSH bug 3574).
    ("AuthorizedPrincipalsCommand", "none"),
    # A global AuthorizedKeysCommand lets bare keys in, whatever AuthorizedKeysFile says (measured).
    ("AuthorizedKeysCommand", "none"),
    ("TrustedUserCAKeys", "none"),
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("GSSAPIAuthentication", "no"),
    ("KerberosAuthentication", "no"),
    ("HostbasedAuthentication", "no"),
    ("PermitUserRC", "no"),
    ("AllowUsers", "*"),
    ("AllowGroups", GROUP),
)
EXPECTED: Mapping[str, str] = {directive.lower(): value for directive, value in BLOCK}
SPELLING: Mapping[str, str] = {directive.lower(): directive for directive, _value in BLOCK}
# What a Match block may ask that `sshd -T -C user=…` answers for every connection of the login.
ASKED_OF_A_LOGIN = frozenset({"user", "group", "all", "invalid-user"})
# Left out of `sshd -T` by builds that can't do them at all, which would complain at each connection.
OPTIONAL = frozenset({"gssapiauthentication", "kerberosauthentication"})

# Somebody from elsewhere: an address for documentation (RFC 5737) that no real rule names.
ORIGIN = "host=daypass.invalid,addr=192.0.2.1,laddr=192.0.2.2,lport=22"

# A pattern character in the connector's name would change whom the block leaves alone.
CONNECTOR = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")


class Violation(NamedTuple):
    """One value that sshd doesn't have for an account.

    Attributes:
        directive: As sshd_config(5) spells it.
        file: `file:line` of what cancels ours; None where it can't be told.
    """

    directive: str
    found: str
    wanted: str
    file: str | None = None

    def sentence(self) -> str:
        """For messages: what was found, where, and what it must be."""
        place = f" ({self.file})" if self.file else ""
        return "{} is {}{}, must be {}".format(self.directive, self.found or "unset", place, self.wanted)


def render_dropin(connector: str, lacking: Iterable[str] = (), own_keys: str | None = None) -> str:
    """Render the drop-in for a host.

    Args:
        connector: The SSH user that Ansible logs in with; he and root are never touched, even as members.
        lacking: Directives in lower case, out of OPTIONAL, that this sshd wasn't built with.
        own_keys: What AuthorizedKeysFile is without us, "" for `none`: joined accounts keep it. None leaves
            their block out, and no account can be joined.

    Raises:
        ValueError: The connector's name holds other characters than letters, digits, `_`, `.`, `-`.
    """
    if not CONNECTOR.fullmatch(connector):
        raise ValueError(f"{connector!r} can't be the name of a connector user")
    others = f"Match User *,!root,!{connector} Group " if connector != "root" else "Match User *,!root Group "
    left_out = OPTIONAL & set(lacking)
    block = ["    {} {}".format(*one) for one in BLOCK if one[0].lower() not in left_out]
    lines = ["# Written by Daypass; changes made here are lost.", others + GROUP, *block]
    if own_keys is not None:
        lines += [others + GROUP_JOINED, f"{JOINED_LINE}{with_ours(own_keys)}"]
    return "\n".join([*lines, "Match all", ""])


def with_ours(own_keys: str) -> str:
    """AuthorizedKeysFile of a joined account: what it was ("" for `none`), and ours behind it."""
    return " ".join([*own_keys.split(), KEYS_FILE])


def joined_base(dropin: bytes | None) -> str | None:
    """What the drop-in says that AuthorizedKeysFile is without us; None where it has no block for joined
    accounts (`own_keys` of `render_dropin`)."""
    lines = (dropin or b"").decode("utf-8", "replace").split("\n")
    starts = [at for at, line in enumerate(lines) if line.endswith(f"Group {GROUP_JOINED}")]
    if not starts or len(lines) < starts[0] + 2 or not lines[starts[0] + 1].startswith(JOINED_LINE):
        return None
    value = lines[starts[0] + 1][len(JOINED_LINE) :]
    return " ".join(value.split()[:-1]) if value.endswith(KEYS_FILE) else None


def parse_effective(text: str) -> dict[str, str]:
    """Read the output of `sshd -T`: directive in lower case to its value, its lines joined by a blank."""
    effective: dict[str, str] = {}
    for line in text.splitlines():
        directive, _blank, value = line.partition(" ")
        before = effective.get(directive)
        effective[directive] = value if before is None else before + " " + value
    return effective


def violations(effective: Mapping[str, str], expected: Mapping[str, str] = EXPECTED) -> list[Violation]:
    """Compare the effective settings with the wanted ones; `file` isn't known here."""
    return [
        Violation(SPELLING.get(directive, directive), effective.get(directive, ""), wanted)
        for directive, wanted in expected.items()
        if effective.get(directive, "") != wanted
        and not (directive in OPTIONAL and directive not in effective)
    ]


def denials(effective: Mapping[str, str], login: str, groups: Sequence[str]) -> list[Violation]:
    """DenyUsers and DenyGroups that shut this login out: they win over every AllowUsers (sshd_config(5)).

    A DenyUsers for certain hosts only (`alice@10.*`) is the administrator's own limit and no hindrance.
    """
    users = [one[:-2] if one.endswith("@*") else one for one in effective.get("denyusers", "").split()]
    found = []
    if any(matches(login, pattern) for pattern in users if "@" not in pattern):
        found.append(Violation("DenyUsers", effective["denyusers"], f"without {login}"))
    patterns = effective.get("denygroups", "").split()
    denied = [group for group in groups if any(matches(group, pattern) for pattern in patterns)]
    return found + [Violation("DenyGroups", " ".join(patterns), f"without {group}") for group in denied]


def matches(name: str, pattern: str) -> bool:
    """One pattern of ssh_config(5) PATTERNS: `*` and `?` are special; `!` never matches by itself."""
    return not pattern.startswith("!") and fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def effective_settings(
    system: System, listener: Listener, login: str, options: Sequence[str] = ()
) -> tuple[dict[str, str] | None, str]:
    """Ask one sshd what holds for a login: (settings, "") or (None, what sshd complains about).

    Args:
        options: Instead of the listener's own, to ask about another file.
    """
    argv = [listener.program, *(options or listener.options), "-T", "-C", f"user={login},{ORIGIN}"]
    answer = system.query(argv)
    if answer.rc != 0:
        return None, " ".join(answer.stderr.split())[-400:]
    return parse_effective(answer.stdout), ""


def check_account(
    system: System,
    login: str,
    groups: Sequence[str] | None = None,
    listeners: Sequence[Listener] | None = None,
) -> list[Violation]:
    """What keeps the block from holding for this login, on each listening sshd; empty when it holds.

    The account must exist and be in the group by now: sshd looks its groups up. No sshd found is a violation.

    Args:
        groups: All its groups; asked from the system, and only where something is denied by group, when None.
    """
    found: list[Violation] = []
    listeners = find_listeners() if listeners is None else listeners
    if not listeners:
        return [Violation("sshd", "not found", "running")]
    for listener in listeners:
        effective, complaint = effective_settings(system, listener, login)
        if effective is None:
            found.append(
                Violation("sshd -T", complaint, "a configuration that sshd accepts", listener.main_file)
            )
            continue
        if groups is None and effective.get("denygroups"):
            groups = system.query(["id", "-Gn", "--", login]).stdout.split()
        wrong = violations(effective) + denials(effective, login, groups or (GROUP, login))
        found += explain(system, listener.main_file, wrong) if wrong else []
        found += by_origin(walk(listener.main_file, system.read, expand))
    return found


def by_origin(lines: Iterable[Line]) -> list[Violation]:
    """What wins over the block for connections from or to somewhere only: `sshd -T` tells of one place.

    Args:
        lines: The configuration in the order in which sshd reads it; what stands behind the drop-in loses.
    """
    found = []
    for line in beyond_a_login(takewhile(lambda one: one.file != DROPIN, lines)):
        wanted = EXPECTED.get(line.keyword)
        value = " ".join(words(line.rest))
        if wanted is not None and value != wanted:
            found.append(Violation(SPELLING[line.keyword], value, wanted, line.place))
    return found


def beyond_a_login(lines: Iterable[Line]) -> Iterator[Line]:
    """The directives in Match blocks that ask more than who logs in: `sshd -T -C user=…` doesn't tell."""
    open_blocks: dict[str, frozenset[str]] = {}  # file -> what its present Match block asks about
    for line in lines:
        if line.keyword == "match":
            open_blocks[line.file] = frozenset(one.lower().partition("=")[0] for one in words(line.rest)[::2])
            continue
        # An included file without a Match of its own stands in the block of whoever includes it.
        asks = open_blocks.get(line.file) or frozenset().union(*open_blocks.values())
        if line.conditional and not asks <= ASKED_OF_A_LOGIN:
            yield line


def explain(
    system: System, main_file: str, wrong: Sequence[Violation], dropin_missing: bool = False
) -> list[Violation]:
    """Add the place of the line that is in the way to each violation; a missing Include explains them all.

    Args:
        dropin_missing: The drop-in isn't installed yet, and that is no reason.
    """
    include = reach(main_file, DROPIN, system.read, expand)
    if include is None or (system.read(DROPIN) is None and not dropin_missing):
        what = "without the folder sshd_config.d" if include is None else f"without {DROPIN}"
        return [Violation("Include", what, INCLUDE_LINE, main_file)]
    lines = [line for line in walk(main_file, system.read, expand) if line.file != DROPIN]
    return [Violation(one.directive, one.found, one.wanted, _place(one, lines)) for one in wrong]


def _place(violation: Violation, lines) -> str | None:
    """The line with the directive that has the value found; else the first with the directive."""
    same = [line for line in lines if line.keyword == violation.directive.lower()]
    exact = [line for line in same if " ".join(words(line.rest)) == violation.found]
    return next((line.place for line in exact + same), None)


def read_version(system: System, program: str = "/usr/sbin/sshd") -> tuple[str, tuple[int, int]]:
    """The sshd's version: ("9.2p1", (9, 2)); ("", (0, 0)) when it doesn't say.

    Old ones don't know `-V`; they complain, and name themselves in the usage text.
    """
    answer = system.query([program, "-V"])
    found = re.search(r"OpenSSH_((\d+)\.(\d+)[a-z0-9]*)", answer.stderr + answer.stdout)
    if found is None:
        return "", (0, 0)
    return found.group(1), (int(found.group(2)), int(found.group(3)))
