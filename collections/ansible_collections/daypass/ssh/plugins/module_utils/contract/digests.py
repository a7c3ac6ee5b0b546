# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SHA-256 as hashlib has it, without what hashlib loads beside it.

Loading OpenSSL takes a short run longer than all that it digests; Python has the same function built in, but
for builds that leave it out.
"""

from __future__ import annotations

try:
    from _sha2 import sha256  # Python 3.12 and newer
except ImportError:
    try:
        from _sha256 import sha256
    except ImportError:
        from hashlib import sha256

__all__ = ["sha256"]
