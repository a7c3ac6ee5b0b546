"""Hosts on which onboarding can't work: refused with the reason named, and nothing was touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import api

CONFIG = "/etc/ssh/sshd_config"
EARLY = "/etc/ssh/sshd_config.d/00-a.conf"

CASES = {
    "broken_configuration": (f"echo 'Protocoll 2' >> {CONFIG}", "sshd_config_broken", ["Protocoll", CONFIG]),
    "no_include": (
        f"sed -i 's/^Include/#Include/' {CONFIG}",
        "include_missing",
        ["Include /etc/ssh/sshd_config.d/*.conf", CONFIG],
    ),
    "include_in_a_match_block": (
        f"sed -i 's/^Include.*/Match User bob\\n&\\nMatch all/' {CONFIG}",
        "include_missing",
        ["Match block", CONFIG],
    ),
    "earlier_dropin_wins": (
        f"printf '# ours\\nMatch all\\n    AuthorizedKeysFile .ssh/authorized_keys\\n' > {EARLY}",
        "sshd_overridden",
        ["AuthorizedKeysFile", f"{EARLY}:3"],
    ),
    "earlier_match_with_passwords": (
        f"printf 'Match Address 0.0.0.0/0\\n  PasswordAuthentication yes\\n' > {EARLY}",
        "sshd_overridden",
        ["PasswordAuthentication", f"{EARLY}:2"],
    ),
    "everybody_denied_by_pattern": (
        f"echo 'DenyUsers dp-*' >> {CONFIG}",
        "sshd_overridden",
        ["DenyUsers", "dp-*", CONFIG],
    ),
    "group_denied": (
        "echo 'DenyGroups staff daypass' > /etc/ssh/sshd_config.d/90-deny.conf",
        "sshd_overridden",
        ["DenyGroups", "/etc/ssh/sshd_config.d/90-deny.conf:1"],
    ),
    "group_with_members_from_before": (
        "groupadd daypass && usermod -aG daypass games",
        "group_exists",
        ["daypass", "games"],
    ),
    "tools_of_busybox": (
        (
            "mv /usr/sbin/chage /usr/bin/chage.real 2>/dev/null || mv /usr/bin/chage /usr/bin/chage.real;"
            "cp /bin/true /usr/local/busybox; ln -s /usr/local/busybox /usr/bin/chage"
        ),
        "tool_unsuitable",
        ["chage", "busybox", "shadow"],
    ),
    "second_sshd_with_a_file_of_its_own": (
        (
            "printf 'PasswordAuthentication no\\n' > /etc/ssh/other;"
            "/usr/sbin/sshd -f /etc/ssh/other -o PidFile=/run/other.pid -o ListenAddress={address}:2222"
        ),
        "include_missing",
        ["/etc/ssh/other", "Include"],
    ),
    "no_shadow": ("mv /usr/sbin/useradd /usr/sbin/useradd.real", "tool_missing", ["useradd", "shadow"]),
}
UNDO = """
[ -e /run/other.pid ] && kill $(cat /run/other.pid)
rm -f /etc/ssh/other
cp -a /root/etc-ssh/. /etc/ssh/
rm -f /etc/ssh/sshd_config.d/*
gpasswd -d games daypass; groupdel daypass
[ -e /usr/bin/chage.real ] && mv -f /usr/bin/chage.real /usr/bin/chage
[ -e /usr/sbin/useradd.real ] && mv /usr/sbin/useradd.real /usr/sbin/useradd
true
"""


@pytest.fixture(scope="module")
def host(lab: api.Lab) -> api.Host:
    """A host that is never onboarded here, with a copy of its sshd configuration."""
    found = lab.hosts[0]
    lab.exec(found, ["cp", "-a", "/etc/ssh", "/root/etc-ssh"])
    return found


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest, lab: api.Lab, host: api.Host) -> Iterator[tuple[str, list[str]]]:
    """Prepare one case, and undo it."""
    script, code, words = CASES[request.param]
    lab.exec(host, ["sh", "-c", script.replace("{address}", host.address)])
    yield code, words
    lab.exec(host, ["sh", "-c", UNDO])


def test_host_is_as_before_and_the_reason_is_named(controller, lab: api.Lab, host: api.Host, case):
    """Either onboarding works or nothing happened, and the administrator is told where to look."""
    code, words = case
    console = controller(lab)
    before = console.look(host)
    play = console.onboard(host)
    assert play.code != 0
    assert play.trust["code"] == code, play.text
    said = f"{play.trust['message']} {play.trust['hint']}"
    assert [word for word in words if word not in said] == [], said
    assert console.look(host) == before
    assert console.connector_gets_in(host)


def test_host_that_could_not_end_access_by_itself_is_refused(controller, lab_name: str, fresh_host):
    """With neither systemd nor cron nothing would end a session while the controller is gone."""
    host = fresh_host(light=True)
    console = controller(api.attach(lab_name))
    before = console.look(host)
    play = console.onboard(host, onboard_local_deadline="required")
    assert play.trust["code"] == "no_scheduler", play.text
    assert "if_possible" in play.trust["hint"]
    assert console.look(host) == before
