"""Hosts on which onboarding can't work: refused with the reason named, and nothing was touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab import api
from tests.integration.accounts.managed_host import ship_code
from tests.integration.onboard.controller import TRUST_RUN, Controller, refusal_on

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
cp -a /root/away/etc-ssh/. /etc/ssh/
rm -f /etc/ssh/sshd_config.d/*
gpasswd -d games daypass; groupdel daypass
[ -e /usr/bin/chage.real ] && mv -f /usr/bin/chage.real /usr/bin/chage
[ -e /usr/sbin/useradd.real ] && mv /usr/sbin/useradd.real /usr/sbin/useradd
true
"""


KEEP = "mkdir -p /root/away && cp -a /etc/ssh /root/away/etc-ssh"


@pytest.fixture(scope="module")
def console(controller, lab_name: str) -> Controller:
    """A controller with one light host, which has neither systemd nor cron and is never onboarded here."""
    lab = api.up(lab_name, 1, light=True, prefix="refused", fresh=True)
    lab.exec("refused-1", ["sh", "-c", KEEP])
    ship_code(lab, lab.host("refused-1"), TRUST_RUN)
    return controller(lab)


@pytest.fixture(scope="module")
def host(console: Controller) -> api.Host:
    """The host."""
    return console.lab.host("refused-1")


@contextmanager
def prepared(console: Controller, host: api.Host, case: str) -> Iterator[tuple[str, list[str]]]:
    """The host in this case: the code and the words of its refusal."""
    script, code, words = CASES[case]
    console.lab.exec(host, ["sh", "-c", script.replace("{address}", host.address)])
    try:
        yield code, words
    finally:
        console.lab.exec(host, ["sh", "-c", UNDO])


@pytest.mark.parametrize("case", sorted(CASES))
def test_host_is_as_before_and_the_reason_is_named(console: Controller, host: api.Host, case: str):
    """Either onboarding works or nothing happened, and the administrator is told where to look."""
    with prepared(console, host, case) as (code, words):
        before = console.look(host)
        refusal = refusal_on(console, host, "if_possible")
        assert refusal is not None
        assert refusal["code"] == code, refusal
        said = f"{refusal['message']} {refusal['hint']}"
        assert [word for word in words if word not in said] == [], said
        assert console.look(host) == before
        assert console.connector_gets_in(host)


def test_playbook_fails_with_the_reason_and_leaves_the_host_alone(console: Controller, host: api.Host):
    """The role around the module: the play ends with the module's own words, and the host is as before."""
    with prepared(console, host, "earlier_dropin_wins") as (code, words):
        before = console.look(host)
        play = console.onboard(host)
        assert play.code != 0
        assert play.trust["code"] == code, play.text
        said = play.last("Say why the host stays as it was")["msg"]
        assert [word for word in words if word not in said] == [], said
        assert console.look(host) == before
        assert console.connector_gets_in(host)


def test_host_that_could_not_end_access_by_itself_is_refused(console: Controller, host: api.Host):
    """With neither systemd nor cron nothing would end a session while the controller is gone."""
    before = console.look(host)
    refusal = refusal_on(console, host, "required")
    assert refusal is not None
    assert (refusal["code"], "if_possible" in refusal["hint"]) == ("no_scheduler", True)
    assert console.look(host) == before
