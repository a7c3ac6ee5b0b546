"""A real process that kills itself with SIGKILL at a chosen step of its work.

It is forked from the tests' own process, so that no interpreter has to start for each of the many steps.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from daypass.ca.signer import Signer
from daypass.domain.certificates import CertificateSpec
from daypass.domain.outcomes import Outcome
from daypass.execution.executor import Executor, OnOutcome, WaveServer
from daypass.store.interface import ReadView, Store, WriteWork
from daypass.wiring import Daypass
from tests.orchestrator import Orchestrator

SSH_APPEARS_SECONDS = 180
LOOK_SECONDS = 0.002
ORPHAN_SECONDS = 300
ORPHAN_LOOK_SECONDS = 0.05
ON_ITS_WAY = "while ssh is on its way"
Work = Callable[[Daypass], object]


class Steps:
    """Counts; at the chosen step the process is gone, in the middle of whatever it is doing."""

    def __init__(self, last: int, report: int) -> None:
        self._last, self._report, self._count = last, report, 0

    def step(self, name: str) -> None:
        self._count += 1
        if self._count == self._last:
            os.write(self._report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyStore:
    """Ends after a commit; between two commits a process leaves nothing else behind in the store."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self._store, self._steps = store, steps

    @contextmanager
    def write(self, actor: str, now: datetime) -> Iterator[WriteWork]:
        with self._store.write(actor, now) as work:
            yield work
        self._steps.step("after a commit")

    def read(self) -> AbstractContextManager[ReadView]:
        return self._store.read()


class DeadlySigner:
    """Ends before signing, and with a certificate that nobody has recorded."""

    def __init__(self, signer: Signer, steps: Steps) -> None:
        self._signer, self._steps = signer, steps
        self.public_key = signer.public_key

    def sign(self, spec: CertificateSpec) -> str:
        self._steps.step("before signing")
        text = self._signer.sign(spec)
        self._steps.step("after signing")
        return text


class DeadlyExecutor:
    """Ends while ssh talks to a server, and with an outcome in hand that nobody has recorded."""

    def __init__(self, executor: Executor, steps: Steps) -> None:
        self._executor, self._steps = executor, steps

    def run(
        self,
        kind: str,
        servers: Sequence[WaveServer],
        *,
        on_outcome: OnOutcome | None = None,
        **words: object,
    ) -> dict[str, Outcome]:
        watcher = threading.Thread(target=self._end_at_ssh, daemon=True)
        watcher.start()

        def told(server: str, outcome: Outcome) -> None:
            self._steps.step(f"before the outcome of {server} is recorded")
            if on_outcome:
                on_outcome(server, outcome)

        outcomes = self._executor.run(kind, servers, on_outcome=told, **words)
        watcher.join()
        return outcomes

    def _end_at_ssh(self) -> None:
        deadline = time.monotonic() + SSH_APPEARS_SECONDS
        while not children("ssh"):
            if time.monotonic() > deadline:
                return
            time.sleep(LOOK_SECONDS)
        self._steps.step(ON_ITS_WAY)


def children(name: str) -> list[int]:
    """Processes of this name below this process, at any depth."""
    found = []
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() == name and _descends(int(path.parent.name)):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def _descends(process: int) -> bool:
    while process > 1:
        stat = Path(f"/proc/{process}/stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
        if process == os.getpid():
            return True
    return False


@dataclass(frozen=True)
class Death:
    """Where a process ended, and which it was."""

    step: str
    process: int


def kill_at(site: Orchestrator, last: int, work: Work) -> Death | None:
    """Do the work in a process that is killed at this step; None when the work was done before it came."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        _live_and_die(site, last, writer, work)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        step = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status in (0, -signal.SIGKILL), f"ended with {status} at {step!r}"
    return Death(step, process) if status else None


def wait_for_orphans(death: Death, run_root: Path) -> None:
    """Until what the dead process left running has ended by itself: its wave has landed, or never will."""
    folders = [
        path.parent for path in run_root.glob("run-*/owner") if path.read_text() == f"{death.process}\n"
    ]
    homes = [f"HOME={folder}".encode() for folder in folders]
    deadline = time.monotonic() + ORPHAN_SECONDS
    while any(home in environment for environment in ansible_environments() for home in homes):
        assert time.monotonic() < deadline, "the wave that was left behind doesn't end"
        time.sleep(ORPHAN_LOOK_SECONDS)


def ansible_environments() -> Iterator[list[bytes]]:
    """The environment of each playbook that runs on this machine."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if b"ansible_playbook" in (path / "cmdline").read_bytes():
                yield (path / "environ").read_bytes().split(b"\0")
        except OSError:
            continue


def _live_and_die(site: Orchestrator, last: int, report: int, work: Work) -> None:
    """The child: never returns, and never runs anything of the test session's end."""
    code = 1
    try:
        steps = Steps(last, report)
        with site.opened() as daypass:
            seams = daypass.seams
            deadly = replace(
                seams,
                store=DeadlyStore(seams.store, steps),
                signer=lambda: DeadlySigner(seams.signer(), steps),
                executor=lambda name: DeadlyExecutor(seams.executor(name), steps),
            )
            work(replace(daypass, seams=deadly))
        code = 0
    finally:
        if sys.exception():
            traceback.print_exc()
        os._exit(code)
