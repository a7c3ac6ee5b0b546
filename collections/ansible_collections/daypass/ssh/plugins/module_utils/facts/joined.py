# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a host and an account from before, when the account is joined or gets more."""

from __future__ import annotations

from ..contract import names
from ..contract.document import JOIN
from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..record import rights
from . import account_files

if TYPE_CHECKING:
    from typing import Mapping

    from ..effects.system import System
    from ..record.ledger import LedgerAccount, LedgerGrant
    from ..record.merge import WantedAccount
    from .account_files import Group, Passwd

GSHADOW = "/etc/gshadow"


class JoiningFacts(NamedTuple):
    """Read only for an account that is to get something.

    Attributes:
        boot: The kernel's id of this boot.
        since: Whole seconds of this boot so far.
        keys: Digest of the person's own authorized_keys (`own_keys.digest`).
        log: sshd's own words on logins can be read here.
        odd_groups: Wanted groups over which /etc/group and /etc/gshadow differ: what the group tools make of
            those couldn't be taken back exactly.
    """

    boot: str
    since: int
    keys: str
    log: bool
    odd_groups: tuple[str, ...]


def read(
    system: System,
    wanted: WantedAccount,
    known: LedgerAccount | None,
    entry: Passwd | None,
    groups: Mapping[str, Group],
) -> JoiningFacts | None:
    """The facts of one account; None where nothing is to be given, nobody is there, or they can't be read.

    Args:
        known: Its entry in the ledger. A grant that is there with more, later or for another certificate, is
            something to be given too.
    """
    if wanted.existing != JOIN or entry is None:
        return None
    before = {} if known is None else known.grants
    grows = any(not grant.live or not _holds(before.get(key), grant) for key, grant in wanted.grants.items())
    if not grows:
        return None
    # Only a joining needs these.
    from ..sshd import login_log
    from . import own_keys

    needed = {group for grant in wanted.grants.values() for group in grant.groups} | {names.GROUP_JOINED}
    try:
        return JoiningFacts(
            boot=system.boot_id(),
            since=int(system.boot_seconds()),
            keys=own_keys.digest(system, entry),
            log=login_log.has_log(system),
            odd_groups=tuple(sorted(_odd(system.read(GSHADOW), groups, needed))),
        )
    except OSError:
        return None  # it isn't joined then; nobody's closing waits for that


def _holds(before: LedgerGrant | None, wanted: LedgerGrant) -> bool:
    """Whether the grant gave all of that before; an ending waits for no question."""
    return before is not None and rights.narrowed(before, wanted) == wanted


def _odd(content: bytes | None, groups: Mapping[str, Group], needed: set[str]) -> set[str]:
    if content is None:
        return set()
    shadowed = account_files.parse_gshadow(content)
    known = needed & set(groups)
    return {name for name in known if shadowed.get(name) != frozenset(groups[name].members)}
