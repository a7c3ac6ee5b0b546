"""What Daypass leaves on a host is one list; what was there before is told apart from it."""

from __future__ import annotations

import json

from ansible_collections.daypass.ssh.plugins.module_utils.contract import names
from ansible_collections.daypass.ssh.plugins.module_utils.deadline import timer
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding import footprint
from ansible_collections.daypass.ssh.plugins.module_utils.program import start
from ansible_collections.daypass.ssh.plugins.module_utils.record import ledger, ledger_file

OTHERS = {names.SUDOERS_MAIN, timer.TRANSIENT}  # looked at, never written to


def test_every_place_in_the_names_is_a_trace_or_lies_in_one():
    """A path that code writes to and that this list doesn't know would outlive an off-boarding."""
    trees = [trace.path + "/" for trace in footprint.TRACES if trace.tree]
    paths = {trace.path for trace in footprint.TRACES}
    places = {
        value
        for module in (names, start, timer)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and value.startswith("/")
    }
    outside = [path for path in places - paths - OTHERS if not any(path.startswith(tree) for tree in trees)]
    assert outside == []


def test_traces_of_a_stage_go_before_the_folder_that_holds_them():
    """Stages come in their order, and within one nothing is looked for in a folder that went already."""
    ordered = [trace for stage in footprint.STAGES for trace in footprint.at(stage)]
    assert sorted(ordered) == sorted(footprint.TRACES)
    for number, trace in enumerate(ordered):
        gone = [other.path + "/" for other in ordered[:number] if other.tree]
        assert not any(trace.path.startswith(folder) for folder in gone), trace


def test_what_was_there_before_stays():
    """A group or folder that onboarding found is the administrator's, and an off-boarding leaves it."""
    found = footprint.found_before(["/etc/cron.d", "/etc/sudoers.d"], ["daypass", "ops"])
    assert set(found) == {"/etc/cron.d", "/etc/sudoers.d", "daypass"}
    assert footprint.groups_to_remove(found) == ("daypass-join",)
    assert "/etc/cron.d" not in footprint.folders_to_remove(found)
    assert "/etc/ssh/sshd_config.d" in footprint.folders_to_remove(found)


def test_what_a_cut_off_onboarding_made_was_not_there_before():
    """A repeated onboarding sees its own group, and must not take it for the administrator's."""
    found = footprint.found_before(["/etc/cron.d"], ["daypass", "daypass-join"], made=["daypass"])
    assert found == ("/etc/cron.d", "daypass-join")


def test_ledger_without_the_list_leaves_shared_folders():
    """Where nobody wrote down what was there, only what has our name goes."""
    new = ledger.new_ledger(None, None, None, (9, 2), "apono")._replace(found=("daypass",))
    mapping = json.loads(ledger_file.serialise(new))
    assert ledger_file.parse(json.dumps(mapping).encode()).found == ("daypass",)
    del mapping["found"]
    old = ledger_file.parse(json.dumps(mapping).encode())
    assert footprint.folders_to_remove(old.found) == ()
    assert footprint.groups_to_remove(old.found) == footprint.GROUPS
