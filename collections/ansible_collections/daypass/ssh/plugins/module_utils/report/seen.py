# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen on a host, as far as a report looks. Pure values."""

from __future__ import annotations

from ..contract.typed import TYPE_CHECKING, NamedTuple
from ..facts.account_files import Passwd
from ..facts.host import Facts
from ..record.ledger import Ledger

if TYPE_CHECKING:
    from typing import Mapping

ALTERED = "altered"  # instead of a digest: right sources beside something else


class FileSeen(NamedTuple):
    """A file or folder: permission bits, owner, SHA-256 of a regular file ("" for others)."""

    mode: int
    uid: int
    gid: int
    digest: str = ""


class Left(NamedTuple):
    """What somebody without access has left: processes as `pid name`, the rest as paths."""

    processes: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    mail: tuple[str, ...] = ()


class Deep(NamedTuple):
    """Setuid and setgid files as (path, rights in words), and where time was up ("" = at the end)."""

    setid: tuple[tuple[str, str], ...] = ()
    stopped_at: str = ""


class Seen(NamedTuple):
    """The host as it is, as far as a report looks.

    Attributes:
        now: Seconds since 1970, not before the ledger's last time.
        facts: Of the accounts of ledger and document.
        passwd: Everybody of /etc/passwd; shadow: of the ledger's logins.
        key_files: Name to file of all that lies in the keys folder.
        files: Path to file, of those traces that are there.
        wanted_digests: Path to the SHA-256 that a file must have.
        left: uid to what is left, of uids that have no access now.
        overridden: Login to what sshd doesn't do for it; "" = for managed accounts as such.
        armed: A way back is armed.
        deadline: What keeps the host from ending access by itself, "" when nothing does.
    """

    ledger: Ledger
    now: int
    drift: float | None
    machine_id: str | None
    facts: Facts
    passwd: Mapping[str, Passwd]
    key_files: Mapping[str, FileSeen]
    files: Mapping[str, FileSeen]
    wanted_digests: Mapping[str, str]
    left: Mapping[int, Left]
    overridden: Mapping[str, str]
    armed: bool
    deadline: str = ""
    deep: Deep = Deep()
