"""Rules of looking at this machine."""

from __future__ import annotations

from daypass.workflow.doctor import Grade, check_programs


def test_a_program_that_is_looked_at_sees_none_of_the_secrets(tmp_path, monkeypatch):
    """Which variables hold secrets isn't known before the configuration was read, so nobody gets any."""
    seen = tmp_path / "seen"
    for name in ("ssh", "ssh-agent", "ssh-add", "ssh-keygen"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexport -p > {seen}\necho OpenSSH_9.2 >&2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DAYPASS_CONNECTOR_KEY", "the-private-key")
    findings = list(check_programs())
    assert [(finding.grade, finding.found) for finding in findings] == [(Grade.OK, "OpenSSH_9.2")]
    assert "the-private-key" not in seen.read_text()
