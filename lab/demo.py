"""The main job on three lab servers, told step by step: `python -m lab.demo [--keep]`.

Every line after a `$` is a command that a person would type, followed by what it really printed. A step that
doesn't show what it must ends the demonstration with exit code 1 and its name. It is an end-to-end proof too.
"""

from __future__ import annotations

import argparse
import fcntl
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from lab import api, state
from lab.errors import LabError
from lab.shown import Expected, Shown, StepFailed, environment

NAME = "demo"
"""The lab's name. What an earlier demonstration left under it is removed first."""

SERVERS = 3
ROOT = Path(__file__).resolve().parent.parent
REFUSED = Expected(code=255, text=("Permission denied",))
SUDO_REFUSED = Expected(code=1, text=("sudo: a password is required",))
CLOSE_SECONDS = 60
"""A revocation returns when the open sessions are gone; their clients notice at once."""

SETTINGS = """\
state_dir: .daypass
ca: {key: {file: .daypass/user_ca}}
integrations:
  - name: lab
    servers: ../servers.json
    secret: {file: ../connector_key}
    user_groups:
      - Default
      - {name: ops, sudo: [{run_as: root, commands: ["/usr/bin/systemctl restart cron"]}]}
    user_cleanup_days: 0
    home_on_removal: delete
directory: directory.yaml
access_flows:
  - name: web
    requesters: {group: developers}
    targets: {tags: {role: web}, user_groups: [Default, ops]}
    max_duration: 8h
    approvers: [manager]
"""

PEOPLE = """\
people:
  - {login: alice, email: alice@example.com, groups: [developers], manager: bob}
  - {login: bob, email: bob@example.com}
"""

SSH_SETTINGS = """\
# For the demonstration alone: the lab's host keys, and nothing of your own ssh settings and agent.
UserKnownHostsFile {known_hosts}
GlobalKnownHostsFile /dev/null
StrictHostKeyChecking yes
IdentityAgent none
BatchMode yes
LogLevel ERROR
"""


def main() -> int:
    """Run the demonstration; 0 when every step showed what it must."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description="The main job on lab servers.")
    parser.add_argument("--keep", action="store_true", help="leave the servers and the folder as they are")
    keep = parser.parse_args().keep
    signal.signal(signal.SIGTERM, _ended)
    try:
        with _alone():
            return _demonstrate(keep=keep)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
    return 1


def _ended(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _alone() -> Iterator[None]:
    """One demonstration at a time; a killed one holds nothing up, its lock went with it."""
    locks = state.root() / "locks"
    locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (locks / "demonstration").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError("busy", "another demonstration is running", "wait for its end") from None
        yield


def _demonstrate(*, keep: bool) -> int:
    api.down(NAME)
    folder = state.folder(NAME) / "walk"
    folder.mkdir(mode=0o700, parents=True)
    shown = Shown(folder, environment([ROOT / ".venv" / "bin", ROOT / "lab"]))
    try:
        _tell(shown, folder)
        shown.text(f"\nall {shown.steps} steps showed what they must, in {shown.end():.0f} s")
        return 0
    except StepFailed as failure:
        print(f"\ndemo: FAILED at step {failure.step!r}\n  $ {failure.command}", file=sys.stderr)
        print(f"  {failure.sentence}", file=sys.stderr)
        return 1
    finally:
        shown.end()
        _leave(shown, folder, keep)


def _leave(shown: Shown, folder: Path, keep: bool) -> None:
    if not keep:
        api.down(NAME)
        return
    shown.text(f"The servers run on. To go on by hand:\n\n  cd {shlex.quote(str(folder))}")
    shown.text(f"  PATH={ROOT}/.venv/bin:{ROOT}/lab:$PATH\n\nTo end: lab down --name {NAME}")


def _tell(shown: Shown, folder: Path) -> None:
    _prepare_servers(shown)
    _set_up(shown, folder)
    _onboard(shown)
    _refuse(shown)
    grant_id, ssh = _grant(shown)
    _work(shown, ssh)
    session = shown.start(*ssh, "sleep 600")
    _see_session(shown)
    _revoke(shown, grant_id)
    _see_closed(shown, ssh)
    shown.wait(session, CLOSE_SECONDS)
    _clean_up(shown)
    _approve(shown, _ask(shown), ssh)
    _verify(shown)


def _on(server: str, *argv: str) -> tuple[str, ...]:
    """A command as the server's administrator, past Daypass and ssh."""
    return ("lab", "exec", "--name", NAME, server, "--", *argv)


def _prepare_servers(shown: Shown) -> None:
    shown.heading("Three servers, as an administrator has them", "the group is the administrator's own")
    shown.run("lab", "up", str(SERVERS), "--name", NAME, expected=Expected(text=(f"{SERVERS} hosts",)))
    for number in range(1, SERVERS + 1):
        shown.run(*_on(f"web-{number}", "groupadd", "ops"))


def _set_up(shown: Shown, folder: Path) -> None:
    """The files that a person writes by hand, then the first command."""
    state.write(folder / "daypass.yaml", SETTINGS)
    state.write(folder / "directory.yaml", PEOPLE)
    state.write(folder / "ssh_config", SSH_SETTINGS.format(known_hosts=state.folder(NAME) / "known_hosts"))
    shown.heading("Daypass is set up", "members of ops may do one thing as root")
    shown.run("cat", "daypass.yaml", "directory.yaml")
    shown.run("daypass", "init", expected=Expected(text=("CA public key: ssh-ed25519",)))
    shown.run("daypass", "servers", "list", expected=Expected(text=("web-1", "web-2", "web-3")))


def _onboard(shown: Shown) -> None:
    shown.heading("The servers are onboarded", "each proves a new login before the change is kept")
    output = shown.run("daypass", "onboard", "--all")
    done = sum("onboarded" in line for line in output.splitlines())
    if done != SERVERS:
        raise StepFailed(shown.step, "daypass onboard --all", f"{done} of {SERVERS} servers are onboarded")


def _refuse(shown: Shown) -> None:
    shown.heading("Alice has a key, and no access")
    shown.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice@example.com", "-f", "alice")
    words = ("ssh", "-F", "ssh_config", "-i", "alice", "-o", "HostKeyAlias=web-1")
    shown.run(*words, f"alice@{api.attach(NAME).host('web-1').address}", "id", expected=REFUSED)


def _grant(shown: Shown) -> tuple[str, tuple[str, ...]]:
    """Grant; the id, and the ssh command for web-1 as it was printed, with the demonstration's ssh_config."""
    shown.heading("She is granted two hours on all web servers, as a member of ops")
    words = ["daypass", "grant", "--login", "alice", "--tag", "role=web", "--group", "ops", "--for", "2h"]
    words += ["--public-key", "alice.pub", "--comment", "alice@example.com", "--reason", "INC-4711"]
    output = shown.run(*words, "--save", ".", expected=Expected(text=("grant ",)))
    lines = [shlex.split(line) for line in output.splitlines() if line.startswith(("grant ", "ssh "))]
    commands = [words for words in lines if words[0] == "ssh"]
    mine = [command for command in commands if "HostKeyAlias=web-1" in command]
    if len(commands) != SERVERS or not mine:
        raise StepFailed(shown.step, shlex.join(words), f"{len(commands)} of {SERVERS} ssh commands printed")
    return lines[0][1], ("ssh", "-F", "ssh_config", *mine[0][1:])


def _work(shown: Shown, ssh: tuple[str, ...]) -> None:
    shown.heading("She logs in with the command that was printed")
    shown.run(*ssh, "id", expected=Expected(text=("(alice)", "(ops)", "(daypass)")))
    shown.heading("The one sudo command works, another one doesn't")
    restart = "sudo -n systemctl restart cron && systemctl show -p ActiveState cron"
    shown.run(*ssh, restart, expected=Expected(text=("ActiveState=active",)))
    shown.run(*ssh, "sudo -n cat /etc/shadow", expected=SUDO_REFUSED)
    shown.heading("Her certificate opens her own account alone")
    shown.run(*_as_user("root", ssh), "id", expected=REFUSED)
    shown.run(*_as_user("apono", ssh), "id", expected=REFUSED)
    shown.heading("She leaves a session open", "the next commands are the operator's again")


def _as_user(login: str, ssh: tuple[str, ...]) -> tuple[str, ...]:
    return (*ssh[:-1], f"{login}@{ssh[-1].partition('@')[2]}")


def _see_session(shown: Shown) -> None:
    shown.run_until(
        *_on("web-1", "ps", "-o", "pid,user,args", "-u", "alice"),
        expected=Expected(text=("sleep 600",)),
        seconds=CLOSE_SECONDS,
    )
    shown.run("daypass", "status", expected=Expected(text=("alice", "applied")))


def _revoke(shown: Shown, grant_id: str) -> None:
    shown.heading("The access is taken back")
    shown.run("daypass", "revoke", grant_id, expected=Expected(text=("ended",)))


def _see_closed(shown: Shown, ssh: tuple[str, ...]) -> None:
    shown.heading(
        "The login is refused, and her session is gone", "the certificate itself is valid for hours"
    )
    shown.run(*ssh, "id", expected=REFUSED)
    shown.run(*_on("web-1", "ps", "-o", "pid,user,args", "-u", "alice"), expected=Expected(code=1))


def _clean_up(shown: Shown) -> None:
    shown.heading("The cleanup window of 0 days has passed: the account goes")
    shown.run(*_on("web-1", "getent", "passwd", "alice"), expected=Expected(text=("alice",)))
    shown.run("daypass", "reconcile", expected=Expected(text=("alice",)))
    for number in range(1, SERVERS + 1):
        absent = Expected(code=2, silent=True)
        shown.run(*_on(f"web-{number}", "getent", "passwd", "alice"), expected=absent)
    shown.run(*_on("web-1", "getent", "group", "ops"), expected=Expected(text=("ops:x:",)))


def _ask(shown: Shown) -> str:
    """The id of a request that waits for an answer."""
    shown.heading(
        "Alice asks by herself", "the flow `web` says whose yes she needs; nothing is given before it"
    )
    words = [
        "daypass",
        "request",
        "new",
        "--as",
        "alice",
        "--server",
        "web-1",
        "--group",
        "ops",
        "--for",
        "2h",
    ]
    words += ["--reason", "INC-4712: cron is stuck", "--public-key", "alice.pub"]
    output = shown.run(*words, expected=Expected(text=("is pending", "who may answer: bob")))
    shown.run(*_on("web-1", "getent", "passwd", "alice"), expected=Expected(code=2, silent=True))
    return output.split()[1]


def _approve(shown: Shown, request: str, ssh: tuple[str, ...]) -> None:
    shown.heading("Bob says yes, to half an hour", "and she is in")
    shown.run("daypass", "request", "list", "--as", "bob", expected=Expected(text=(request,)))
    words = ["daypass", "request", "approve", request, "--as", "bob", "--for", "30m"]
    output = shown.run(*words, expected=Expected(text=("is approved", "applied")))
    grant = next(line.split()[1] for line in output.splitlines() if line.startswith("grant "))
    shown.run("daypass", "certificate", "show", grant, "--save", "alice-cert.pub")
    own = [
        word if not word.startswith("CertificateFile=") else "CertificateFile=alice-cert.pub" for word in ssh
    ]
    shown.run(*own, "id", expected=Expected(text=("(alice)", "(ops)")))


def _verify(shown: Shown) -> None:
    shown.heading("The record is whole")
    shown.run("daypass", "audit", "list", expected=Expected(text=("grant.ending", "grant.ended")))
    shown.run("daypass", "audit", "verify", expected=Expected(text=("the audit log is whole",)))


if __name__ == "__main__":
    sys.exit(main())
