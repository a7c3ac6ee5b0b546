# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tries the drop-in on a copy of the whole configuration before the real one is touched.

Each listening sshd judges the copy with its own arguments. What it says for root, the connector and
everybody else must be what it said before; what it says for a managed account must be the block.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager

from ..contract.names import GROUP_CREATED, SSHD_DROPIN, Refusal
from ..contract.typed import TYPE_CHECKING, NamedTuple
from .config import copy_tree
from .dropin import denials, effective_settings, explain, violations

if TYPE_CHECKING:
    from typing import Iterator, Mapping, Sequence

    from ..effects.system import System
    from .dropin import Violation
    from .listeners import Listener

# A login that nobody has: in the trial the block names it, since no account is in the group yet.
PROBE = "daypass-probe"
BYSTANDER = "nobody"  # stands for everybody whom the drop-in must leave alone


class Trial(NamedTuple):
    """A copy of one listener's configuration.

    Attributes:
        options: Instead of the listener's own, so that it reads the copy.
        origins: Path of a copy to the path of its original, for messages.
    """

    options: tuple[str, ...]
    origins: Mapping[str, str]

    def named(self, text: str) -> str:
        """The text with the names of the originals in place of the copies'."""
        for copy, origin in self.origins.items():
            text = text.replace(copy, origin)
        return text


@contextmanager
def trial_of(system: System, listener: Listener, dropin: str) -> Iterator[Trial]:
    """Copy the configuration with this drop-in into a private folder, gone again afterwards."""
    folder = tempfile.mkdtemp(prefix="daypass-trial-")  # 0700
    try:
        copies, origins = copy_tree(listener.main_file, system.read, {SSHD_DROPIN: dropin.encode()}, folder)
        for path, content in copies.items():
            with open(path, "wb") as stream:
                stream.write(content)
        yield Trial((*without_file(listener.options), "-f", os.path.join(folder, "000.conf")), origins)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def without_file(options: Sequence[str]) -> tuple[str, ...]:
    """A listener's options (pairs) less `-f FILE`."""
    pairs = list(zip(options[::2], options[1::2]))
    return tuple(word for pair in pairs if pair[0] != "-f" for word in pair)


def check_candidate(system: System, listener: Listener, dropin: str, connector: str, canary: str) -> None:
    """Refuse a drop-in that this sshd doesn't accept, that changes others, or that something cancels.

    Raises:
        Refusal: `sshd_candidate_broken`, `sshd_others_changed` or `sshd_overridden`.
    """
    check_others(system, listener, dropin, connector)
    check_overridden(system, listener, dropin, canary)


def check_others(system: System, listener: Listener, dropin: str, connector: str) -> None:
    """Refuse a drop-in, or none ("": off-boarding), that sshd doesn't accept or that changes others.

    Raises:
        Refusal: `sshd_candidate_broken` or `sshd_others_changed`.
    """
    with trial_of(system, listener, dropin) as trial:
        answer = system.query([listener.program, *trial.options, "-t"])
        if answer.rc != 0:
            complaint = trial.named(" ".join(answer.stderr.split()))[-400:]
            raise Refusal(
                "sshd_candidate_broken", f"sshd refuses the configuration with the drop-in: {complaint}"
            )
        for login in sorted({"root", connector, BYSTANDER}):
            _check_unchanged(system, listener, trial, login)


def _check_unchanged(system: System, listener: Listener, trial: Trial, login: str) -> None:
    before, complaint = effective_settings(system, listener, login)
    after, later_complaint = effective_settings(system, listener, login, trial.options)
    if before is None or after is None:
        raise Refusal(
            "sshd_candidate_broken",
            f"sshd doesn't say what holds for {login}: {complaint or trial.named(later_complaint)}",
        )
    changed = sorted(name for name in set(before) | set(after) if before.get(name) != after.get(name))
    if changed:
        raise Refusal("sshd_others_changed", f"the drop-in would change {', '.join(changed)} for {login}")


def check_overridden(system: System, listener: Listener, dropin: str, canary: str) -> None:
    """Refuse where another setting cancels the block; the block is tried on a login that nobody has."""
    line = next(line for line in dropin.splitlines() if line.startswith("Match User"))
    with trial_of(system, listener, dropin.replace(line + "\n", f"Match User {PROBE}\n")) as trial:
        effective, complaint = effective_settings(system, listener, PROBE, trial.options)
    if effective is None:
        raise Refusal("sshd_candidate_broken", f"sshd refuses the drop-in: {trial.named(complaint)}")
    wrong = violations(effective) + denials(effective, canary, (GROUP_CREATED, canary))
    if wrong:
        raise overridden(explain(system, listener.main_file, wrong, dropin_missing=True))


def overridden(found: Sequence[Violation]) -> Refusal:
    """The Refusal that names every directive in the way, with its place."""
    return Refusal(
        "sshd_overridden",
        "; ".join(one.sentence() for one in found),
        "take these settings out, or let them leave the group " + GROUP_CREATED + " alone",
    )
