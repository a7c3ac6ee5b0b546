# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key files: which certificates open an account, line by line (sshd(8), AUTHORIZED_KEYS). Pure."""

from __future__ import annotations

import time

from ..contract.constraints import bounds_text, permissions
from ..contract.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Mapping, Sequence

    from ..record.ledger import LedgerGrant

# `Z` after an expiry time is read since OpenSSH 9.1; before, the whole line is refused (release notes of
# 9.1).
EXPIRY_Z_SINCE = (9, 1)


def render_key_file(grants: Mapping[str, LedgerGrant], ca_keys: Sequence[str], expiry_z: bool) -> str:
    """The key file of one account: one line a certificate and CA key; "" when there is none.

    `restrict` first: forwarding and all that later versions add stay off, but for what the grant gives back.
    What binds the grant's certificates stands in the line once more, after its end (`shortening` looks for
    the first one).

    Args:
        ca_keys: `TYPE BASE64`, checked before.
        expiry_z: Write `expiry-time`, so that a line ends by itself; without it the certificate ends alone.
    """
    lines = []
    for grant_id in sorted(grants):
        grant = grants[grant_id]
        until = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(grant.not_after))
        expiry = f',expiry-time="{until}"' if expiry_z else ""
        given, bounds = permissions(grant.constraints), bounds_text(grant.constraints)
        for principal in sorted(grant.principals):
            options = f'restrict{given},cert-authority,principals="{principal}"{expiry}{bounds}'
            lines += [f"{options} {key}\n" for key in ca_keys]
    return "".join(lines)
