"""Where Debian packages come from on this machine, rewritten for another Debian release."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

from lab.errors import LabError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
QUERY = ("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
RELEASES = ("bullseye", "bookworm", "trixie", "forky")
"""Code names that this machine's own sources may carry."""

SUFFIXES = ("", "-updates", "-security")


def rewrite(index_targets: Iterable[str], release: str) -> list[str]:
    """sources.list(5) lines for `release` from this machine's mirrors.

    Args:
        index_targets: Lines "URI SUITE COMPONENT" of `apt-get indextargets`.
        release: Code name of the wanted release.

    Raises:
        LabError: `no_mirror`, when none of the lines is a Debian release's main component.
    """
    lines: list[str] = []
    for target in index_targets:
        uri, suite, component = [*target.split(), "", "", ""][:3]
        name, dash, rest = suite.partition("-")
        if component != "main" or name not in RELEASES or dash + rest not in SUFFIXES:
            continue
        line = f"deb [signed-by={KEYRING}] {uri} {release}{dash}{rest} main"
        if line not in lines:
            lines.append(line)
    if not any(line.endswith(f" {release} main") for line in lines):
        raise LabError("no_mirror", "apt knows no Debian mirror", "run apt-get update, check /etc/apt")
    return lines


def sources(release: str) -> str:
    """The text of a sources.list for a release, from the mirrors that apt uses here."""
    done = subprocess.run(QUERY, capture_output=True, text=True, check=False)
    return "\n".join(rewrite(done.stdout.splitlines(), release)) + "\n"


def settings() -> list[str]:
    """This machine's apt settings for fetching (proxies, certificates, date checks), as apt.conf lines."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    wanted = ("Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
    return [line for line in done.stdout.splitlines() if line.startswith(wanted) and not line.endswith('"";')]
