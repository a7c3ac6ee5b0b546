# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Digest of a person's own authorized_keys, taken when access begins and when it ends.

The files are his, and his processes live: another process opens them, in a time limit, never through a link
below his home and never waiting for a FIFO.
"""

from __future__ import annotations

import json
import os
import re
import sys

from ..contract import names
from ..contract.typed import TYPE_CHECKING
from ..sshd.dropin import joined_base

if TYPE_CHECKING:
    from ..effects.system import System
    from .account_files import Passwd

USUAL = ".ssh/authorized_keys .ssh/authorized_keys2"  # sshd_config(5), AuthorizedKeysFile
NONE, UNREADABLE = "none", "unreadable"
BYTES_MAX = 1 << 20  # of one file: thousands of keys
TIMEOUT_SECONDS = 5
TOKEN = re.compile("%[%huU]")

# Gets [home, [path, …], limit]; prints the digest over all files that are there.
QUESTION = """
import hashlib, json, os, stat, sys
home, paths, limit = json.loads(sys.stdin.read())
FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
def content(path):
    inside = path.startswith(home + "/")
    start = home if inside else os.path.dirname(path)
    parts = (path[len(home):] if inside else os.path.basename(path)).strip("/").split("/")
    here = os.open(start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts[:-1]:
        here = os.open(part, FLAGS | os.O_DIRECTORY, dir_fd=here)
    file = os.open(parts[-1], FLAGS, dir_fd=here)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        raise OSError("no regular file of a usual size")
    with os.fdopen(file, "rb") as stream:
        return stream.read(limit)
whole, found = hashlib.sha256(), False
for path in paths:
    try:
        text = content(path)
    except FileNotFoundError:
        continue
    found = True
    whole.update(b"%d %s " % (len(text), path.encode("utf-8", "surrogateescape")) + text)
print("sha256:" + whole.hexdigest() if found else "none")
"""


def digest(system: System, entry: Passwd) -> str:
    """`sha256:<hex>` over the files where sshd looks for this person's own keys, `none` where there is none,
    `unreadable` where one is a link, a FIFO, too large, or doesn't answer in time."""
    base = joined_base(system.read(names.SSHD_DROPIN)) or USUAL
    question = [entry.home.rstrip("/"), paths_of(base, entry), BYTES_MAX]
    argv = [sys.executable or "/usr/bin/python3", "-I", "-S", "-c", QUESTION]
    done = system.query(argv, stdin=json.dumps(question), timeout_seconds=TIMEOUT_SECONDS)
    word = done.stdout.strip()
    return word if done.rc == 0 and (word == NONE or word.startswith("sha256:")) else UNREADABLE


def paths_of(base: str, entry: Passwd) -> list[str]:
    """The files that an AuthorizedKeysFile names for this person (sshd_config(5), TOKENS)."""
    tokens = {"%%": "%", "%h": entry.home, "%u": entry.name, "%U": str(entry.uid)}
    words = [TOKEN.sub(lambda found: tokens[found.group()], word) for word in base.split()]
    return [os.path.normpath(os.path.join(entry.home, word)) for word in words]
