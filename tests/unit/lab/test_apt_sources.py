"""Debian's mirrors, for another release than the machine's own."""

from __future__ import annotations

import pytest

from lab import apt_sources
from lab.errors import LabError

HERE = [
    "http://mirror.example/debian/ bookworm main",
    "http://mirror.example/debian/ bookworm main",
    "http://mirror.example/debian/ bookworm contrib",
    "http://mirror.example/debian/ bookworm-updates main",
    "http://mirror.example/debian/ bookworm-backports main",
    "http://mirror.example/debian-security/ bookworm-security main",
    "https://other.example/apt nodistro main",
    "",
]


def test_sources_of_this_machine_are_rewritten_for_the_wanted_release():
    """The mirror stays, the code name changes; backports, other components and other vendors are left out."""
    option = f"[signed-by={apt_sources.KEYRING}]"
    assert apt_sources.rewrite(HERE, "trixie") == [
        f"deb {option} http://mirror.example/debian/ trixie main",
        f"deb {option} http://mirror.example/debian/ trixie-updates main",
        f"deb {option} http://mirror.example/debian-security/ trixie-security main",
    ]


def test_machine_without_a_debian_mirror_is_refused():
    """No mirror is guessed."""
    with pytest.raises(LabError) as refused:
        apt_sources.rewrite(HERE[-2:], "trixie")
    assert refused.value.code == "no_mirror"
