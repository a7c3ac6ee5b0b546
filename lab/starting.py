"""Bringing containers to run: what is missing is made, what was stopped goes on, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from lab import images, podman, ready, state
from lab.errors import LabError
from lab.model import Host
from lab.progress import Progress

STARTS_AT_ONCE = 4
WAITS_AT_ONCE = 8


def start_all(lab: str, hosts: Sequence[Host], fresh: bool, told: Progress) -> None:
    """Have all these hosts running and answering (`foreign_lab`, `not_ready`); `fresh` makes them anew."""
    found = podman.containers(lab)
    mine = {podman.container_name(lab, host.name): host for host in hosts}
    for container in mine.keys() & found.keys():
        if not podman.is_ours(found[container]):
            place = found[container]["Labels"].get(podman.STATE_LABEL)
            raise LabError("foreign_lab", f"{container} belongs to the lab in {place}", "use another --name")
    if fresh:
        podman.remove(sorted(mine.keys() & found.keys()))
        found = {}
    off = [host for name, host in mine.items() if (found.get(name) or {}).get("State") != "running"]
    _in_parallel(
        STARTS_AT_ONCE,
        off,
        lambda host: _start(lab, host, (found.get(podman.container_name(lab, host.name)) or {}).get("State")),
        "started",
        told,
    )
    _in_parallel(WAITS_AT_ONCE, hosts, lambda host: ready.wait(lab, host), "ready", told)


def _start(lab: str, host: Host, container_state: str | None) -> None:
    """Bring a host's container to run from whatever state it was left in."""
    name = podman.container_name(lab, host.name)
    if container_state == "paused":
        podman.run("unpause", name)
    elif container_state in ("exited", "stopped"):
        podman.run("start", name)
    else:
        # Absent, or half-made by a command that was killed: neither has anything worth keeping.
        podman.remove([name])
        create(lab, host, images.reference(host.image))


def create(lab: str, host: Host, image_reference: str) -> None:
    """Make and start the container of a host that has none."""
    podman.run(*podman.run_words(lab, host, image_reference, state.seed_folder(lab, host.name)))


def _in_parallel(
    workers: int, hosts: Iterable[Host], work: Callable[[Host], None], what: str, told: Progress
) -> None:
    """Do the work for every host; the first failure is raised after all have ended."""
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(work, host) for host in hosts]
        for number, job in enumerate(as_completed(jobs), start=1):
            if job.exception() is None:
                told.count(f"hosts {what}", number, len(jobs))
    for job in jobs:
        job.result()
