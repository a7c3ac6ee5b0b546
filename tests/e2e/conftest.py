"""One orchestrator and its onboarded servers for the whole session; every test uses logins of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from daypass.workflow.ending import end_grant
from daypass.workflow.reconciling import reconcile_once
from daypass.workflow.settle import LONGEST_PAUSE
from daypass.workflow.status import LIVE_GRANTS
from lab import api
from tests.agreement import check_agreement, check_certificates
from tests.host_state import HostState, read_host
from tests.orchestrator import Orchestrator

GROUPS = ("ops", "logs")  # on the servers before Daypass comes


def prepare(lab: api.Lab, host: api.Host) -> None:
    """What an admin had there before."""
    for group in GROUPS:
        lab.exec(host, ["groupadd", group])


@pytest.fixture(scope="session")
def site(lab: api.Lab, tmp_path_factory: pytest.TempPathFactory) -> Orchestrator:
    """The servers web-1 to web-3, onboarded as a newcomer would: init, scan, onboard."""
    for host in lab.hosts:
        prepare(lab, host)
    site = Orchestrator(tmp_path_factory.mktemp("site"), lab)
    site.set_up()
    site.run("init")
    site.run("servers", "scan", "--yes")
    site.run("onboard", "--all")
    return site


@pytest.fixture(autouse=True)
def _people_of_its_own(request: pytest.FixtureRequest) -> None:
    """A test that comes with a directory of its own isn't one in which everybody else vanished."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site").forget_people()


@pytest.fixture
def look(site: Orchestrator) -> Callable[[str], HostState]:
    """`look("web-1")`: what stands on that server now."""
    return lambda server: read_host(site.lab, server)


@pytest.fixture
def all_agree(site: Orchestrator) -> Callable[..., None]:
    """`all_agree()`: record and servers say the same, on all servers or on those named."""

    def check(*servers: str, later: timedelta = timedelta(0)) -> None:
        with site.opened(later) as daypass, daypass.seams.store.read() as view:
            for server in servers or tuple(daypass.seams.servers):
                check_agreement(view, server, read_host(site.lab, server).opened(), daypass.now())
            check_certificates(view)

    return check


@pytest.fixture(scope="module")
def tidy(site: Orchestrator) -> Iterator[None]:
    """After a file's tests: every grant that is left is ended, and its account removed, in one pass.

    Each test has people of its own: what one leaves is nothing to the next.
    """
    yield
    end_everything(site)


@pytest.fixture
def tidy_at_once(site: Orchestrator) -> Iterator[None]:
    """The same after a test that leaves something undone: in others' tests record and servers agree."""
    yield
    end_everything(site)


def end_everything(site: Orchestrator) -> None:
    with site.opened() as daypass:
        seams, now = daypass.seams, daypass.now()
        with seams.store.write(seams.actor, now) as work:
            for grant in work.grants(states=LIVE_GRANTS):
                if grant.ended_at is None:
                    end_grant(seams, work, grant, at=now, reason="the test is over", now=now)
        reconcile_once(seams, now + LONGEST_PAUSE)
