"""The lab's hosts are what the other tests take them for."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import api, podman, ready
from tests.waiting import LIMIT_SECONDS, wait_for

ROOT = Path(__file__).parents[3]


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LIMIT_SECONDS)


@pytest.fixture
def other_lab() -> Iterator[str]:
    """Name of a lab that is gone after the test."""
    name = f"other-{os.getpid()}"
    yield name
    api.down(name)


@pytest.mark.parametrize("fixture", ["lab", "lab13"])
def test_full_host_runs_what_a_server_runs(request: pytest.FixtureRequest, fixture: str):
    """systemd, logind, cron, at and sshd are real, timers fire, and nothing has failed."""
    lab: api.Lab = request.getfixturevalue(fixture)
    host = lab.hosts[0]
    units = ["systemd-logind", "cron", "atd", "ssh", "dbus"]
    assert lab.exec(host, ["systemctl", "is-active", *units]).stdout.split() == ["active"] * len(units)
    assert lab.exec(host, ["systemctl", "--failed", "--no-legend"]).stdout == ""
    timer = ["--quiet", "--on-active=100ms", "--timer-property=AccuracySec=100ms"]
    lab.exec(host, ["systemd-run", *timer, "touch", "/run/fired"])
    assert wait_for(lambda: lab.exec(host, ["test", "-e", "/run/fired"], check=False).returncode == 0)


@pytest.mark.parametrize("fixture", ["lab", "lab13", "light_lab"])
def test_connector_logs_in_with_the_labs_key_and_has_sudo(request: pytest.FixtureRequest, fixture: str):
    """Every host takes the lab's one key, under its own host key."""
    lab: api.Lab = request.getfixturevalue(fixture)
    done = run(lab.ssh_argv(lab.hosts[0], "sudo", "-n", "id", "-u"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
    assert len({host.host_key for host in lab.hosts}) == len(lab.hosts)


@pytest.mark.parametrize("fixture", ["lab", "lab13"])
def test_login_over_ssh_is_a_session_of_logind(request: pytest.FixtureRequest, fixture: str):
    """A login has its slice and its login uid, which ending a session relies on."""
    lab: api.Lab = request.getfixturevalue(fixture)
    done = run(lab.ssh_argv(lab.hosts[0], "cat", "/proc/self/cgroup", "/proc/self/loginuid"))
    uid = lab.exec(lab.hosts[0], ["id", "-u", "apono"]).stdout.strip()
    assert f"/user-{uid}.slice/session-" in done.stdout
    assert done.stdout.endswith(uid)


def test_host_listens_on_its_own_loopback_address_only(lab: api.Lab, light_lab: api.Lab):
    """Nothing of a host can be reached from outside the machine."""
    for each, host in ((lab, lab.hosts[0]), (light_lab, light_lab.hosts[0])):
        listed = each.exec(host, ["ss", "-Hltunp"]).stdout.splitlines()
        own = [line.split()[4] for line in listed if "users:" in line]
        assert own == [f"{host.address}:{host.port}"]


@pytest.mark.parametrize("fixture", ["lab", "lab13"])
def test_sshd_files_are_as_debian_ships_them(request: pytest.FixtureRequest, fixture: str):
    """Onboarding meets a stock configuration."""
    lab: api.Lab = request.getfixturevalue(fixture)
    host = lab.hosts[0]
    shipped = ["cmp", "/etc/ssh/sshd_config", "/usr/share/openssh/sshd_config"]
    lab.exec(host, shipped)
    assert lab.exec(host, ["ls", "-A", "/etc/ssh/sshd_config.d"]).stdout == ""


def test_sudo_knows_the_hosts_own_name(lab: api.Lab):
    """Without it in /etc/hosts, every sudo complains and waits."""
    assert lab.exec("web-2", ["sudo", "hostname"]).stderr == ""
    assert lab.exec("web-2", ["hostname"]).stdout == "web-2\n"


def test_server_list_names_every_host_with_its_key(lab: api.Lab, light_lab: api.Lab):
    """The list that the lab writes is the one that Daypass reads."""
    listed = {entry["name"]: entry for entry in json.loads(lab.servers_file.read_text())}
    for host in (*lab.hosts, *light_lab.hosts):
        entry = listed[host.name]
        assert (entry["host"], entry["port"], entry["user"]) == (host.address, host.port, "apono")
        assert entry["host_key"] == host.host_key
        assert entry["tags"] == {"env": "lab", "lab": lab.name, "role": host.role}
    assert lab.state_dir.stat().st_mode & 0o777 == 0o700
    assert lab.connector_key.stat().st_mode & 0o777 == 0o600


def test_reboot_keeps_the_disk_and_ends_processes(fresh_host, lab: api.Lab):
    """A host comes back from a reboot as a server does."""
    host = fresh_host()
    lab.exec(host, ["touch", "/var/lib/kept", "/run/lost"])
    lab.reboot(host)
    assert lab.exec(host, ["ls", "/var/lib/kept"]).returncode == 0
    assert lab.exec(host, ["ls", "/run/lost"], check=False).returncode != 0


def test_killed_host_refuses_and_answers_after_its_start(fresh_host, lab: api.Lab):
    """A server can be down and come back."""
    host = fresh_host(light=True)
    lab.kill(host)
    assert wait_for(lambda: not ready.banner(host.address, host.port))
    assert not lab.running(host)
    lab.start(host)
    assert wait_for(lambda: ready.banner(host.address, host.port))


def test_paused_host_accepts_and_says_nothing(fresh_host, lab: api.Lab):
    """A hanging server can be had."""
    host = fresh_host(light=True)
    lab.pause(host)
    with socket.create_connection((host.address, host.port), timeout=60) as connection:
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    lab.unpause(host)
    assert wait_for(lambda: ready.banner(host.address, host.port))


def test_recreated_host_has_lost_its_changes_and_kept_its_key(fresh_host, lab: api.Lab):
    """A first day can be had again without telling anybody a new host key."""
    host = fresh_host(light=True)
    lab.exec(host, ["useradd", "alice"])
    lab.recreate(host)
    assert lab.exec(host, ["id", "alice"], check=False).returncode != 0
    offered = lab.exec(host, ["cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).stdout
    assert offered.startswith(host.host_key)


def test_reset_host_is_as_its_snapshot(fresh_host, lab: api.Lab):
    """A host can be given back as it was after a long preparation, machine-id included."""
    host = fresh_host()
    lab.exec(host, ["useradd", "alice"])
    machine = lab.exec(host, ["cat", "/etc/machine-id"]).stdout
    lab.snapshot(host)
    lab.exec(host, ["userdel", "alice"])
    lab.reset(host)
    assert lab.exec(host, ["id", "-un", "alice"]).stdout == "alice\n"
    assert lab.exec(host, ["cat", "/etc/machine-id"]).stdout == machine
    assert run(lab.ssh_argv(host, "true")).returncode == 0


def test_reset_without_a_snapshot_is_refused(lab: api.Lab):
    """A host isn't thrown away for nothing."""
    with pytest.raises(api.LabError) as refused:
        lab.reset("web-3")
    assert refused.value.code == "no_snapshot"
    assert lab.running("web-3")


LOOK = """cat /proc/self/cgroup; env | grep -v ^PWD= | sort; ulimit -Hn; ulimit -u; umask; pwd; id; tty
grep ^Cap /proc/self/status; cat /proc/self/oom_score_adj; hostname; stat -Lc %i /proc/self/ns/*"""


def test_exec_gives_what_podman_itself_gives(lab, light_lab):
    """Namespaces, cgroups, limits, environment and capabilities are those of `podman exec`.

    Its soft limit of files is that of whoever asks, and ours what programs begin with on a server.
    """
    for own, host in ((lab, "web-1"), (light_lab, "light-1")):
        look = ["sh", "-c", LOOK]
        theirs = run(own.podman_argv(host, look, options=()))
        assert own.exec(host, look, check=False).stdout == theirs.stdout != ""
        grants = ["grep", "CapEff", "/proc/self/status"]
        theirs = run(own.podman_argv(host, grants, options=["--privileged"]))
        assert own.exec(host, grants, privileged=True).stdout == theirs.stdout


def test_exec_ends_with_the_code_and_ends_what_it_began(lab):
    """A signal is 128 and its number, a missing program 127; who is killed takes the command along."""
    codes = {("sh", "-c", "kill -9 $$"): 137, ("no-such-program",): 127, ("/etc",): 126}
    assert {words: lab.exec("web-1", words, check=False).returncode for words in codes} == codes
    words = lab.exec_argv("web-1", ["sh", "-c", "echo ready; exec sleep 987"])
    with subprocess.Popen(words, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.kill()
    lab.exec("web-1", ["sh", "-c", "sleep 986 & echo begun"], timeout_seconds=60)  # doesn't wait for it
    lab.exec("web-1", ["pkill", "-f", "sleep 986"])
    gone = ["pgrep", "-f", "sleep 987"]
    assert wait_for(lambda: lab.exec("web-1", gone, check=False).returncode == 1)


def test_input_and_failures_of_a_command_come_through(lab: api.Lab):
    """What `exec` runs gets its input, and its failure is raised unless wanted."""
    assert lab.exec("web-1", ["cat"], input="héllo\n").stdout == "héllo\n"
    assert lab.exec("web-1", ["sh", "-c", "exit 7"], check=False).returncode == 7
    with pytest.raises(api.LabError) as failed:
        lab.exec("web-1", ["ls", "/nowhere"])
    assert failed.value.code == "command_failed"


def test_up_that_was_killed_half_way_is_completed_by_the_next(other_lab: str):
    """No kill leaves a lab that can't be used or removed."""
    argv = [sys.executable, "-m", "lab", "up", "4", "--light", "--name", other_lab]
    killed = subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    assert wait_for(lambda: len(podman.containers(other_lab)) >= 1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    lab = api.up(other_lab, 4, light=True)
    assert all(lab.running(host) for host in lab.hosts)
    api.down(other_lab)
    assert podman.containers(other_lab) == {}
    assert other_lab not in api.names()


def test_two_labs_started_at_once_share_no_address(other_lab: str, lab: api.Lab):
    """Demo, tests and measurements run side by side."""
    second = f"{other_lab}-b"
    argv = [sys.executable, "-m", "lab", "up", "2", "--light", "--name"]
    both = [
        subprocess.Popen([*argv, name], cwd=ROOT, stdout=subprocess.DEVNULL) for name in (other_lab, second)
    ]
    try:
        assert [process.wait() for process in both] == [0, 0]
        labs = [api.attach(other_lab), api.attach(second), lab]
        blocks = [{host.address.rsplit(".", 1)[0] for host in each.hosts} for each in labs]
        assert len(set.union(*blocks)) == sum(len(each) for each in blocks)
    finally:
        api.down(second)


def test_command_line_tells_what_runs_and_hands_exit_codes_on(lab: api.Lab):
    """`lab list -o json` and `lab exec` are what scripts build on."""
    lab_command = [str(ROOT / "lab" / "lab")]
    listed = json.loads(run([*lab_command, "list", "--name", lab.name, "-o", "json"]).stdout)
    assert listed["lab"] == lab.name
    assert [host["running"] for host in listed["hosts"] if host["name"] == "web-1"] == [True]
    done = run([*lab_command, "exec", "--name", lab.name, "web-1", "--", "sh", "-c", "echo $0 -i; exit 3"])
    assert (done.returncode, done.stdout) == (3, "sh -i\n")
    wrong = run([*lab_command, "exec", "--name", lab.name, "web-9", "--", "true"])
    assert (wrong.returncode, "no host 'web-9'" in wrong.stderr) == (1, True)
