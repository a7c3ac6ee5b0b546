"""Set the broker up: account, permissions, drop-in, the timer of `reconcile`. As root; may be repeated."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import daypass
from daypass.config import Settings
from daypass.domain.secrets import FromEnvironment, FromFile
from daypass.errors import UsageError
from daypass.gate import address
from daypass.gate.key_lines import client, program
from daypass.gate.listener import Listener, find_listener
from daypass.gate.machine import InstallError, ask, do, give, others_may_write, read, write
from daypass.gate.sshd_block import DROP_IN, drop_in, startups_are_free
from daypass.gate.sshd_change import DropIn, Tell, put_in_place, try_out
from daypass.gate.units import RESIDENT, SERVICE, TIMER, resident, service, timer

USER = "daypass"
GROUP = "daypass-broker"  # `daypass` marks accounts on servers, and a broker may be one of them
SHELL = "/bin/sh"  # sshd runs the forced command by it; nothing in that command means anything to a shell
BROKER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


@dataclass(frozen=True)
class Broker:
    """What is to stand on this machine.

    Attributes:
        name: By which people know it.
    """

    settings: Settings
    name: str

    @property
    def config(self) -> str:
        return str(self.settings.source.resolve())

    @property
    def folder(self) -> Path:
        """The gate's own: index of keys, places."""
        return self.settings.state_dir.resolve() / "gate"

    @property
    def typed(self) -> str:
        """What people type before a command."""
        return f"ssh {USER}@{self.name}"

    @property
    def _place(self) -> tuple[str, ...]:
        return ("--config", self.config, "--folder", str(self.folder), "--broker", self.name)

    @property
    def keys_command(self) -> list[str]:
        return client(sys.executable, "keys", *self._place)

    def drop_in(self, listener: Listener) -> str:
        startups = startups_are_free(listener.settings("root"))
        return drop_in(USER, GROUP, self.keys_command, startups=startups)

    @property
    def units(self) -> dict[str, str]:
        state = str(self.settings.state_dir.resolve())
        reconcile = program(sys.executable, "reconcile", "--config", self.config)
        serve = program(sys.executable, "gate", "serve", *self._place)
        return {
            SERVICE: service(USER, GROUP, reconcile, state),
            TIMER: timer(),
            RESIDENT: resident(USER, GROUP, serve, state),
        }

    @property
    def files(self) -> tuple[list[Path], list[Path]]:
        """Settings that the account may read and nobody but root may change, and secrets that are its own."""
        readable = dict.fromkeys(file.resolve() for file in self.settings.files)
        own = [one.path.absolute() for one in self.settings.secrets if isinstance(one, FromFile)]
        return list(readable), list(dict.fromkeys(own))

    @property
    def must_be_readable(self) -> list[Path]:
        """All that the account has to read, the certificates that others have put there among it."""
        ldap = self.settings.directory.ldap if self.settings.directory else None
        readable, own = self.files
        return [*readable, *own, *([ldap.ca_file] if ldap and ldap.ca_file else ())]


def check_fit(broker: Broker) -> None:
    """Whether this machine and these settings can be a broker; nothing is changed.

    Raises:
        UsageError: Not root, or a name that can't be one.
        InstallError: What is in the way.
    """
    if os.geteuid() != 0:
        raise UsageError("this needs root", hint="sudo daypass gate install", code="root_needed")
    if not BROKER.fullmatch(broker.name):
        raise UsageError(f"{broker.name!r} isn't the name of a machine", hint="--broker broker.example.com")
    if broker.settings.directory is None:
        raise InstallError(
            f"{broker.config} names no directory: nobody could come in", hint="add `directory`"
        )
    if not Path("/run/systemd/system").is_dir():
        raise InstallError("systemd doesn't run here; it is what puts a broken sshd configuration back")
    for place in (Path(sys.executable), Path(daypass.__file__).parent):
        if loose := others_may_write(place):
            raise InstallError(
                f"others than root may change {loose}, and sshd starts what is there",
                hint="install Daypass as root, below /opt/daypass for one; or, there: "
                "chown -R root . && chmod -R go-w .",
                code="program_not_roots",
            )
    for one in broker.settings.secrets:
        if isinstance(one, FromEnvironment):
            raise InstallError(
                f"the secret {one} is a variable, and who comes in over SSH brings no variables",
                hint="keep it in a file: {file: /etc/daypass/connector_key}",
                code="secret_in_environment",
            )


def differences(broker: Broker) -> Iterator[str]:
    """What `install` would do, a sentence each; nothing when all stands as it should."""
    account = _account()
    if account is None:
        yield f"make the account {USER}, in the group {GROUP}"
    for path, text in {DROP_IN: broker.drop_in(find_listener()), **broker.units}.items():
        if (found := read(path)) != text:
            yield f"{'write' if found is None else 'replace'} {path}"
    if account is None:
        return
    if address.noted(broker.settings.state_dir) != broker.typed:
        yield f"note in {broker.folder} that people type {broker.typed}"
    readable, own = broker.files
    for file in (*own, broker.settings.state_dir, broker.folder):
        if not file.exists() or file.stat().st_uid != account.pw_uid:
            yield f"give {file} to {USER}"
    for file in readable:
        if file.stat().st_gid != account.pw_gid or file.stat().st_mode & 0o037:
            yield f"let {USER} read {file}, and root alone write it"


def install(broker: Broker, tell: Tell) -> None:
    """Do all of it; sshd's part last, with a way back.

    Raises:
        InstallError: Where it stopped; sshd is then as it was.
    """
    listener = find_listener()
    wanted = DropIn(USER, broker.drop_in(listener), broker.keys_command)
    _make_account(tell)
    try_out(wanted, listener)
    _hand_over(broker, tell)
    _prove_readable(broker)
    _prove_command(broker)
    _start_units(broker, tell)
    put_in_place(wanted, listener, tell)


def _start_units(broker: Broker, tell: Tell) -> None:
    """A resident that runs with the same unit is left alone: it looks by itself whether its code is new."""
    old = [path for path, text in broker.units.items() if read(path) != text]
    for path in old:
        write(path, broker.units[path])
        tell(f"wrote {path}")
    if old:
        do("systemctl", "daemon-reload")
    if RESIDENT in old:
        ask("systemctl", "stop", Path(RESIDENT).name)
    do("systemctl", "enable", "--now", Path(TIMER).name, Path(RESIDENT).name)  # done when it listens


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _make_account(tell: Tell) -> None:
    """Without a password that could be typed, and not locked: sshd without PAM refuses locked accounts."""
    account = _account()
    if account is not None and (account.pw_uid == 0 or account.pw_uid >= 1000):
        raise InstallError(
            f"there is an account {USER} already, and it isn't a system's (uid {account.pw_uid})"
        )
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        do("groupadd", "--system", GROUP)
    if account is None:
        words = ("--system", "--gid", GROUP, "--home-dir", "/", "--no-create-home")
        do("useradd", *words, "--shell", SHELL, "--password", "*", "--comment", "Daypass gate", USER)
        tell(f"made the account {USER}")
    elif account.pw_shell != SHELL or grp.getgrgid(account.pw_gid).gr_name != GROUP:
        do("usermod", "--gid", GROUP, "--shell", SHELL, "--password", "*", USER)
        tell(f"changed the account {USER}")


def _hand_over(broker: Broker, tell: Tell) -> None:
    """State and secrets are the account's, settings are root's and can be read by it.

    What lies in the state folder is the account's to change, links among it: root follows none of them, and
    what is to be made there is made by the account itself.
    """
    account, (readable, own) = pwd.getpwnam(USER), broker.files
    state = broker.settings.state_dir.resolve()
    give(state, account.pw_uid, account.pw_gid, 0o700)
    do("chown", "--recursive", "--no-dereference", "-P", f"{USER}:{GROUP}", str(state))
    if as_account("mkdir", "-p", "-m", "0700", str(broker.folder)).returncode != 0:
        raise InstallError(f"{USER} can't make {broker.folder}", hint=f"may it pass through {state.parent}?")
    note = as_account("tee", str(broker.folder / address.FILE), stdin=f"{broker.typed}\n")
    if note.returncode != 0:
        raise InstallError(f"{USER} can't write {broker.folder / address.FILE}")
    for file in own:
        if not file.is_relative_to(state):
            give(file, account.pw_uid, account.pw_gid, 0o600)
    for file in readable:
        give(file, 0, account.pw_gid, 0o640)
    tell(f"{USER} owns {state}, reads {', '.join(map(str, readable))}")


def as_account(*argv: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command as the gate's account, with nothing of root's."""
    return ask(
        *("setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", "--no-new-privs", *argv),
        stdin=stdin,
    )


def _prove_readable(broker: Broker) -> None:
    """Each file by itself: a folder on the way may be closed, and what failed later would name no file."""
    for file in broker.must_be_readable:
        if as_account("test", "-r", str(file)).returncode != 0:
            raise InstallError(
                f"{USER} can't read {file}, which {broker.config} names",
                hint=f"may it pass through the folders on the way? namei -l {shlex.quote(str(file))}",
                code="file_unreadable",
            )


def _prove_command(broker: Broker) -> None:
    """The account can read all that the gate needs: a key of nobody gets no line, and no complaint."""
    answer = as_account(*broker.keys_command, "--", USER, "ssh-ed25519", "AAAA")
    if answer.returncode != 0 or answer.stdout:
        said = answer.stderr.strip().splitlines()[-1:] or ["see journalctl -t daypass-gate"]
        raise InstallError(
            f"{USER} can't tell whose a key is: {said[0]}",
            hint=f"look as {USER}: setpriv --reuid={USER} --regid={GROUP} --clear-groups daypass doctor "
            f"--config {broker.config}",
            code="keys_unreadable",
        )


def host_key_lines(broker: Broker) -> list[str]:
    """The broker's host keys as lines of known_hosts, for people to pin."""
    listener = find_listener()
    _, port = listener.address()
    name = broker.name if port == "22" else f"[{broker.name}]:{port}"
    lines = []
    for file in listener.settings("root").get("hostkey", ()):
        public = read(f"{file}.pub")
        if public:
            lines.append(f"{name} {' '.join(public.split()[:2])}")
    return lines
