"""`daypass gate install` and `gate check` on a real host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lab.broker import CONFIG, NAME, PYTHON, Broker

FILES = (CONFIG, "/etc/daypass/directory.yaml", "/etc/daypass/servers.json")
DROP_IN = "/etc/ssh/sshd_config.d/00-daypass-gate.conf"


def install(broker: Broker, *words: str) -> subprocess.CompletedProcess[str]:
    return broker.daypass("gate", "install", "--config", CONFIG, "--broker", NAME, *words, check=False)


def test_installed_broker_passes_the_check_from_outside(broker):
    """With one's own key: login and commands work, and nothing else does."""
    words = ["gate", "check", f"daypass@{broker.host.name}", "--identity", str(broker.key("alice"))]
    words += ["--port", str(broker.host.port), "--known-hosts", str(broker.lab.known_hosts), "-o", "json"]
    settings = broker.folder / "ssh_config"
    settings.write_text(f"Host {broker.host.name}\n  Hostname {broker.host.address}\n")
    program = Path(sys.executable).parent / "daypass"
    fake = broker.folder / "ssh"
    fake.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {settings} -o HostKeyAlias={broker.host.name} "$@"\n')
    fake.chmod(0o755)
    environment = {"PATH": f"{broker.folder}:/usr/bin:/bin", "HOME": str(broker.folder)}
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    assert len(found) == 10
    assert [one["what"] for one in found if not one["ok"]] == [], done.stdout
    assert done.returncode == 0


def test_second_install_has_nothing_to_do(broker):
    """`--check` says so; without it nothing is replaced, and people still come in."""
    checked = install(broker, "--check", "-o", "json")
    assert checked.returncode == 0, checked.stderr
    assert json.loads(checked.stdout)["changes"] == []
    again = install(broker)
    assert again.returncode == 0, again.stderr
    assert "wrote" not in again.stderr
    [pinned] = json.loads(checked.stdout)["known_hosts"]
    assert pinned == f"{NAME} {broker.host.host_key}"


def test_state_is_the_accounts_and_settings_are_roots(broker):
    """What the gate's account may write is its state; policy and directory are root's to change."""
    told = broker.exec("stat", "-c", "%U:%G %a", *FILES, "/var/lib/daypass-broker")
    assert told.stdout.split("\n")[:4] == ["root:daypass-broker 640"] * 3 + ["daypass:daypass-broker 700"]
    assert broker.exec("stat", "-c", "%U %a", "/etc/daypass/connector_key").stdout == "daypass 600\n"
    assert broker.exec("getent", "shadow", "daypass").stdout.split(":")[1] == "*"


def test_server_list_that_the_account_cannot_read_is_told_and_handed_over(broker):
    """Root has written it anew; or it is in a folder that the account may not enter, which stays as it is."""
    [_, _, servers] = FILES
    broker.exec("sh", "-c", 'chown root:root "$1" && chmod 0600 "$1"', "sh", servers)
    assert f"let daypass read {servers}" in install(broker, "--check").stdout
    broker.exec("chmod", "0700", "/etc/daypass")
    try:
        refused = install(broker)
        assert refused.returncode == 1
        assert "daypass can't read /etc/daypass/daypass.yaml" in refused.stderr
    finally:
        broker.exec("chmod", "0755", "/etc/daypass")
    assert install(broker).returncode == 0
    assert broker.ssh("alice", "access", "list").returncode == 0


def test_advised_lines_are_taken_by_sshd_and_then_not_advised_any_more(broker):
    """They count for everybody on the machine, so they are an administrator's to write."""
    told = json.loads(install(broker, "--check", "-o", "json").stdout)["advised"]
    assert {"LoginGraceTime", "PerSourceMaxStartups"} <= {line.split()[0] for line in told["lines"]}
    broker.write(told["file"], "\n".join(told["lines"]) + "\n")
    try:
        broker.exec("/usr/sbin/sshd", "-t")
        again = install(broker, "--check", "-o", "json")
        assert json.loads(again.stdout)["advised"]["lines"] == []
        assert json.loads(again.stdout)["changes"] == []
    finally:
        broker.exec("rm", told["file"])


def test_links_in_the_state_folder_lead_root_nowhere(broker):
    """The folder is the account's: what lies there must not give it a file of the system's."""
    state = "/var/lib/daypass-broker"
    broker.exec("sh", "-c", f"mv {state}/gate {state}/aside && ln -s /etc {state}/gate")
    broker.exec("ln", "-s", "/etc/passwd", f"{state}/link")
    before = broker.exec("stat", "-c", "%U:%G %a", "/etc", "/etc/passwd").stdout
    try:
        install(broker)
        assert broker.exec("stat", "-c", "%U:%G %a", "/etc", "/etc/passwd").stdout == before
    finally:
        broker.exec("sh", "-c", f"rm {state}/gate {state}/link && mv {state}/aside {state}/gate")
    assert install(broker).returncode == 0


def test_timer_runs_reconcile_as_the_gates_account(broker):
    """A pass ends well under the unit's limits."""
    assert broker.exec("systemctl", "is-active", "daypass-reconcile.timer").stdout.strip() == "active"
    done = broker.exec("systemctl", "start", "daypass-reconcile.service", check=False)
    log = broker.exec("journalctl", "-u", "daypass-reconcile.service", "--no-pager", "-n", "20").stdout
    assert done.returncode == 0, log


@pytest.mark.parametrize(
    ("early", "told"),
    [
        ("  AllowTcpForwarding yes\n", "allowtcpforwarding is yes"),  # found when in place, taken back
        ("  AcceptEnv *\n", "acceptenv * is set"),  # found on the copy
    ],
)
def test_setting_that_wins_over_the_drop_in_leaves_sshd_as_it_was(broker, early, told):
    """An earlier file that lets more in: refused with the setting named, and nothing is left of it."""
    file = "/etc/ssh/sshd_config.d/00-a.conf"
    broker.exec("rm", DROP_IN)
    broker.write(file, f"Match User daypass\n{early}Match all\n")
    try:
        refused = install(broker)
        assert refused.returncode == 1
        assert told in refused.stderr.lower()
        assert broker.exec("test", "-e", DROP_IN, check=False).returncode == 1
    finally:
        broker.exec("rm", file)
        mended = install(broker)
    assert mended.returncode == 0, mended.stderr
    assert broker.ssh("alice", "help").returncode == 0


def test_killed_between_change_and_proof_the_old_drop_in_comes_back(broker):
    """systemd puts it back by itself; nobody has to come and look."""
    before = broker.exec("cat", DROP_IN).stdout
    script = (
        "from daypass.gate import way_back\n"
        "import os\n"
        "way_back.SECONDS = 2\n"
        "with way_back.armed('ssh.service'):\n"
        f"    open({DROP_IN!r}, 'a').write('# half done\\n')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    broker.exec(PYTHON, "-I", "-c", script, check=False)
    assert "half done" in broker.exec("cat", DROP_IN).stdout
    wait = "for n in $(seq 60); do grep -q 'half done' \"$1\" || exit 0; sleep 0.5; done; exit 1"
    assert broker.exec("sh", "-c", wait, "sh", DROP_IN, check=False).returncode == 0
    assert broker.exec("cat", DROP_IN).stdout == before


def test_program_that_others_may_change_is_refused(broker):
    """sshd would start what they put there."""
    place = f"{PYTHON.rsplit('/bin', 1)[0]}/lib"
    broker.exec("chmod", "o+w", place)
    try:
        refused = install(broker)
        assert refused.returncode == 1
        assert place in refused.stderr
    finally:
        broker.exec("chmod", "o-w", place)


def test_install_needs_root(broker):
    """And says so, with what to type."""
    words = (PYTHON, "-I", "-m", "daypass", "gate", "install", "--config", CONFIG)
    refused = broker.exec(
        "setpriv", "--reuid=daypass", "--regid=daypass-broker", "--clear-groups", *words, check=False
    )
    assert refused.returncode == 2
    assert "sudo daypass gate install" in refused.stderr


def test_operator_works_as_the_gates_account_and_stays_named(broker):
    """Root's files there would lock the gate out: refused, with what to type; the record has both."""
    refused = broker.daypass("status", "--config", CONFIG, check=False)
    assert refused.returncode == 2
    assert "sudo -u daypass daypass" in refused.stderr
    words = (PYTHON, "-m", "daypass", "request", "new", "--config", CONFIG)
    asked = ("--as", "alice", "--server", "web-1", "--reason", "INC-8", "-o", "json")
    as_account = ("setpriv", "--reuid=daypass", "--regid=daypass-broker", "--clear-groups")
    done = broker.exec("env", "SUDO_USER=carol", *as_account, *words, *asked, check=False)
    request = json.loads(done.stdout)["request"]["id"]
    assert (
        "person:alice via operator:carol as daypass" in broker.ssh("alice", "request", "show", request).stdout
    )
    assert broker.ssh("alice", "request", "cancel", request).returncode == 0
