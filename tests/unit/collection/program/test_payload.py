"""How much a wave sends to each host."""

from __future__ import annotations

import json
import subprocess
import sys

from ansible_collections.daypass.ssh.plugins.plugin_utils.program import render_input
from tests.documents import ROOT

# A hundred hosts at once over a line of 10 MB/s get the sources in less than two seconds.
MOST_PROGRAM_BYTES = 160_000
MOST_REQUEST_BYTES = 10_000
# Of the packed module, Ansible's own code is 170 KB; ours may be 285 KB.
MOST_MODULE_BYTES = 455_000


def test_program_stays_below_its_size():
    """What a wave sends beside the document to a host that it meets for the first time."""
    assert len(render_input({}, with_sources=True)) < MOST_PROGRAM_BYTES


def test_request_stays_below_its_size():
    """What a wave sends beside the document every other time, to every host."""
    assert len(render_input({}, with_sources=False)) < MOST_REQUEST_BYTES


def test_packed_module_stays_below_its_size():
    """The module's way, for documents that a playbook spells out."""
    argv = [sys.executable, "-m", "bench.packed_module", "daypass.ssh.accounts"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True)
    assert 0 < json.loads(done.stdout)["daypass.ssh.accounts"] < MOST_MODULE_BYTES
