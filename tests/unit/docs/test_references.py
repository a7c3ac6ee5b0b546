"""What documents repeat of the code is what the code says."""

from __future__ import annotations

import subprocess
import sys

from tests.documents import ROOT


def test_references_are_as_old_as_the_code():
    """Tables of settings and commands were written anew with the last change (`make references`)."""
    run = [sys.executable, ROOT / "scripts" / "references", "--check"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
