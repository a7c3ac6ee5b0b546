"""What a report asks for and what a repair sends; the comparison itself is the host's."""

from __future__ import annotations

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract import document
from daypass.cli.servers.report import exit_code_of
from daypass.domain.outcomes import Outcome, OutcomeKind
from daypass.domain.reports import Finding, HostReport
from daypass.errors import NotFoundError
from daypass.workflow.granting import give
from daypass.workflow.offboarding import offboard
from daypass.workflow.reporting import onboarded, repair, repairable, report

GOOD = Outcome(OutcomeKind.APPLIED, report=HostReport("a" * 32, None, 1, 0, 0))
CONVERGE = Finding("key_line_extra", "anna", "x", "", "…", "converge")
PERSON = Finding("group_extra", "anna", "docker", "", "…", "person")
SILENT = Outcome(OutcomeKind.UNREACHABLE, "timed_out")


def with_findings(*findings: Finding) -> Outcome:
    return Outcome(OutcomeKind.APPLIED, report=HostReport("a" * 32, None, 1, 0, 0, findings))


def test_a_report_is_compared_with_the_record_and_takes_no_sequence(world, request_for):
    """What travels is the document of this moment; nobody follows it, so nothing is counted up."""
    answer = give(world.seams, request_for("anna", "web-1"), world.clock())
    with world.seams.store.read() as view:
        before = view.host("web-1").sequence
    report(world.seams, ["web-1"], world.clock())
    server, opaque = world.waves.sent[-1]
    sent = document.parse(opaque)
    assert (server, sent.sequence) == ("web-1", before + 1)
    assert [grant.id for account in sent.accounts for grant in account.grants] == [answer.grant.id]
    with world.seams.store.read() as view:
        assert view.host("web-1").sequence == before
        assert view.document(view.host("web-1").host_id, before + 1) is None


def test_servers_that_left_are_not_asked(world):
    """All means all that are onboarded; one that is named and isn't is a mistake."""
    assert onboarded(world.seams, []) == ("web-1", "web-2", "web-3")
    offboard(world.seams, ["web-2"], world.clock())
    assert onboarded(world.seams, []) == ("web-1", "web-3")
    with pytest.raises(NotFoundError) as caught:
        onboarded(world.seams, ["web-2"])
    assert caught.value.hint == "daypass onboard web-2"


def test_only_what_a_document_puts_right_is_repaired():
    """A server with findings for a person alone is left alone."""
    found = {"a": with_findings(CONVERGE, PERSON, CONVERGE), "b": with_findings(PERSON), "c": SILENT}
    assert repairable(found) == {"a": 2}


def test_a_repair_is_an_ordinary_wave(world, request_for):
    """The full document, recorded and counted like any other."""
    give(world.seams, request_for("anna", "web-1"), world.clock())
    outcomes = repair(world.seams, ["web-1"], world.clock())
    assert outcomes["web-1"].kind is OutcomeKind.APPLIED
    with world.seams.store.read() as view:
        host = view.host("web-1")
        assert host.confirmed_sequence == host.sequence


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({}, 0),
        ({"a": GOOD}, 0),
        ({"a": GOOD, "b": with_findings(PERSON)}, 1),
        ({"a": with_findings(PERSON), "b": SILENT}, 3),
        ({"a": GOOD, "b": SILENT}, 3),
        ({"a": SILENT}, 1),
    ],
)
def test_the_exit_code_tells_a_good_report_from_none(found, code):
    """0 nothing found, 1 something, 3 a server gave no report."""
    assert exit_code_of(found) == code
