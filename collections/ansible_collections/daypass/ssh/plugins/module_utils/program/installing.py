# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Step 0 of converge: the program on the host is this very code before the ledger is written.

An older one would refuse a newer ledger, and the local deadline wouldn't fire.
"""

from __future__ import annotations

import os

from ..contract.names import Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from .start import PROGRAM_PATH, joined, read_program, version_of

if TYPE_CHECKING:
    from ..effects.system import System

FOLDER = os.path.dirname(PROGRAM_PATH)
FOLDER_MODE = 0o755
PROGRAM_MODE = 0o600  # root runs it, nobody else
SHOWN = 16  # hex digits of the version in an answer


class Program(NamedTuple):
    """What runs, and whether it is on the host.

    Attributes:
        version: See `start.version_of`.
        installed: The program on the host is of this version.
    """

    version: str
    installed: bool

    def shown(self) -> dict[str, object]:
        """For the answer."""
        return {"version": self.version[:SHOWN], "installed": self.installed}


def look(verified: str | None = None) -> Program:
    """What runs now. Nothing is changed.

    Args:
        verified: Version of the program on the host when this run comes from it, None from elsewhere.
    """
    if verified is not None:
        return Program(verified, installed=True)
    from .packing import own_sources

    version = version_of(joined(own_sources()))
    found = read_program(PROGRAM_PATH)
    return Program(version, found is not None and version_of(found[0]) == version)


def install(system: System, program: Program) -> Program:
    """Put this code on the host where another version is there, or none.

    Raises:
        Refusal: `program_unwritable`.
    """
    if program.installed:
        return program
    from .packing import build, own_sources

    try:
        for folder in ("/usr/local", "/usr/local/lib"):
            if not system.exists(folder):
                system.make_folder(folder, FOLDER_MODE)
        system.make_folder(FOLDER, FOLDER_MODE)
        system.write(PROGRAM_PATH, build(own_sources()), PROGRAM_MODE)
    except OSError as error:
        raise Refusal(
            "program_unwritable",
            f"{PROGRAM_PATH} can't be written: {error.strerror}",
            "without it nothing on the host would end access in time",
        ) from None
    return program._replace(installed=True)
