"""Fixtures that hand out real servers.

- `lab` (session): three full Debian 12 hosts, web-1 to web-3, as on their first day when the session begins.
  Shared by all tests of the session: leave accounts and settings as you found them, or use names of your own.
- `lab13` (session, started when first used): one full Debian 13 host, trixie-1.
- `light_lab` (session, started when first used): three light hosts, light-1 to light-3: sshd alone.
- `fresh_host` (test): a function that gives a host as on its first day, another one at each call in a test:
  `host = fresh_host()`, `fresh_host("debian13", light=True)`, `fresh_host("debian12-cron")`. Enter it with
  `lab.exec(host, [...])`.

Each pytest process has a lab of its own, removed at the end; what a killed one left is removed by the next.
`DAYPASS_LAB_KEEP=1` keeps the hosts under the name `tests` to look at (`lab list --name tests`), and the next
such session begins by renewing them. Without root or passwordless sudo these tests fail and say so.
Inside a lab host (`DAYPASS_LAB_ATTACH`) `lab` is a lab that runs elsewhere, and the others are not to be had.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from lab import api
from tests.attached_lab import attached

ATTACH = os.environ.get("DAYPASS_LAB_ATTACH")
KEEP = os.environ.get("DAYPASS_LAB_KEEP") == "1"


class FreshHost(Protocol):
    """Gives a host as on its first day."""

    def __call__(self, image: str = "debian12", *, light: bool = False) -> api.Host: ...


def remove_leftovers() -> None:
    """Take down labs of test processes that are gone."""
    for name in api.names():
        match = re.fullmatch(r"tests-(\d+)", name)
        if match and not Path(f"/proc/{match.group(1)}").exists():
            api.down(name)


@pytest.fixture(scope="session")
def lab_name() -> Iterator[str]:
    """Name of this session's lab."""
    if ATTACH:
        pytest.fail("this test makes hosts of its own, which can't be done from inside a lab host")
    if KEEP:
        yield f"tests{os.environ.get('PYTEST_XDIST_WORKER', '')}"
        return
    remove_leftovers()
    name = f"tests-{os.getpid()}"
    yield name
    api.down(name)


def only(lab: api.Lab, prefix: str) -> api.Lab:
    """The lab with the hosts of one prefix."""
    return replace(lab, hosts=tuple(host for host in lab.hosts if host.role == prefix))


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> api.Lab:
    """Three full Debian 12 hosts."""
    if ATTACH:
        return attached(ATTACH)
    name: str = request.getfixturevalue("lab_name")
    return only(api.up(name, 3, fresh=True), "web")


@pytest.fixture(scope="session")
def lab13(lab_name: str) -> api.Lab:
    """One full Debian 13 host."""
    return only(api.up(lab_name, 1, image="debian13", prefix="trixie", fresh=True), "trixie")


@pytest.fixture(scope="session")
def light_lab(lab_name: str) -> api.Lab:
    """Three light Debian 12 hosts."""
    return only(api.up(lab_name, 3, light=True, prefix="light", fresh=True), "light")


@pytest.fixture
def fresh_host(lab_name: str) -> FreshHost:
    """A function that gives one host more, as on its first day."""
    given: dict[str, int] = {}

    def give(image: str = "debian12", *, light: bool = False) -> api.Host:
        prefix = f"fresh-{'light-' if light else ''}{image}"
        given[prefix] = given.get(prefix, 0) + 1
        wanted = f"{prefix}-{given[prefix]}"
        known = wanted in host_names(lab_name)
        lab = api.up(lab_name, given[prefix], image=image, light=light, prefix=prefix)
        if known:
            lab.recreate(wanted)
        return lab.host(wanted)

    return give


def host_names(lab_name: str) -> set[str]:
    """Names of all hosts that the lab has so far."""
    return {host.name for host in api.attach(lab_name).hosts} if lab_name in api.names() else set()
