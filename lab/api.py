"""The lab as Python sees it: `up` gives a `Lab`, a `Lab` starts, stops and enters its hosts.

Docstrings name the codes of the `LabError` that a call can raise; every call can raise `not_root` and
`podman_failed`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import entering, images, machine, model, plan, podman, ready, recipes, starting, state
from lab.errors import LabError
from lab.model import CONNECTOR, Host, Kind
from lab.progress import Progress

__all__ = ["Host", "Kind", "Lab", "LabError", "attach", "build", "down", "names", "up"]

names = state.names


@dataclass(frozen=True)
class Lab:
    """A set of hosts that belong together. The value is a picture of `up`'s end; methods ask podman."""

    name: str
    hosts: tuple[Host, ...]

    @property
    def state_dir(self) -> Path:
        """Folder with the lab's keys and files, 0700."""
        return state.folder(self.name)

    @property
    def servers_file(self) -> Path:
        """The JSON server list of this lab."""
        return self.state_dir / "servers.json"

    @property
    def connector_key(self) -> Path:
        """Private key (OpenSSH format, 0600) that opens the connector account on every host."""
        return self.state_dir / "connector_key"

    @property
    def known_hosts(self) -> Path:
        """The hosts' keys, by name and by address, as ssh reads them."""
        return self.state_dir / "known_hosts"

    def host(self, name: str) -> Host:
        """The host of this name (`unknown_host`)."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts[:10]) or "none"
        raise LabError("unknown_host", f"lab {self.name!r} has no host {name!r}", f"its hosts: {known}")

    def container(self, host: Host | str) -> str:
        """podman's name of a host."""
        return podman.container_name(self.name, self._host(host).name)

    def exec(
        self,
        host: Host | str,
        argv: Sequence[str],
        *,
        input: str | None = None,
        check: bool = True,
        privileged: bool = False,
        timeout_seconds: float = 300,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root on a host, without SSH.

        Args:
            check: Raise `command_failed` with the command's standard error when it fails.
            privileged: With every capability, mount(8) among them, which hosts themselves lack.
        """
        done = entering.finish(
            self.container(host),
            argv,
            stdin=input,
            privileged=privileged,
            timeout_seconds=timeout_seconds,
        )
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            sentence = f"{argv[0]} on {self._host(host).name} ended with {done.returncode}: {said}"
            raise LabError("command_failed", sentence)
        return done

    def exec_argv(self, host: Host | str, argv: Sequence[str], *, interactive: bool = False) -> list[str]:
        """The words that run a command on a host, for callers that start processes themselves.

        Args:
            interactive: Hand standard input on; without it, the command has none.
        """
        return entering.argv(self.container(host), argv, interactive=interactive)

    def podman_argv(self, host: Host | str, argv: Sequence[str], *, options: Sequence[str]) -> list[str]:
        """The same by `podman exec`, which knows terminals."""
        return podman.argv("exec", *options, self.container(host), *argv)

    def ssh_argv(
        self, host: Host | str, *argv: str, user: str = CONNECTOR, key: Path | None = None
    ) -> list[str]:
        """The words of an ssh command to a host: strict host key, only this key, nothing of the caller's."""
        target = self._host(host)
        options = ["BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes"]
        options += [f"UserKnownHostsFile={self.known_hosts}", "GlobalKnownHostsFile=/dev/null"]
        options += [f"HostKeyAlias={target.name}", "ControlMaster=no", "ControlPath=none", "LogLevel=ERROR"]
        words = ["ssh", "-F", "none", "-i", str(key or self.connector_key), "-p", str(target.port)]
        words += [word for option in options for word in ("-o", option)]
        return [*words, f"{user}@{target.address}", *(["--", *argv] if argv else [])]

    def running(self, host: Host | str) -> bool:
        """Whether the host is on (a paused one is)."""
        return podman.is_running(podman.containers(self.name).get(self.container(host)))

    def stop(self, host: Host | str) -> None:
        """Shut a host down in order; its disk stays."""
        podman.run("stop", f"--time={podman.STOP_SECONDS}", self.container(host))

    def kill(self, host: Host | str) -> None:
        """Pull the plug; the disk stays as it was at that moment."""
        podman.run("kill", "--signal=KILL", self.container(host))

    def start(self, host: Host | str) -> None:
        """Switch a host on, and wait until it answers (`not_ready`)."""
        podman.run("start", self.container(host))
        ready.wait(self.name, self._host(host))

    def reboot(self, host: Host | str) -> None:
        """Stop and start: processes, /run and, on full hosts, /tmp are gone afterwards."""
        self.stop(host)
        self.start(host)

    def pause(self, host: Host | str) -> None:
        """Freeze a host: it accepts connections and says nothing."""
        podman.run("pause", self.container(host))

    def unpause(self, host: Host | str) -> None:
        """Let a frozen host go on."""
        podman.run("unpause", self.container(host))

    def recreate(self, host: Host | str) -> None:
        """Give a host back as on its first day, with the same name, address and host key."""
        target = self._host(host)
        self._replace(target, images.ensure(target.image, Progress().note))

    def snapshot(self, host: Host | str) -> None:
        """Keep a copy of a host's disk, in place of an earlier one; `reset` gives the host back like that."""
        name = podman.snapshot_reference(self.name, self._host(host).name)
        podman.run("commit", "--quiet", self.container(host), name)

    def reset(self, host: Host | str) -> None:
        """Boot a host anew from the disk that `snapshot` kept (`no_snapshot`)."""
        target = self._host(host)
        kept = podman.snapshot_reference(self.name, target.name)
        if podman.run("image", "exists", kept, check=False).returncode != 0:
            raise LabError("no_snapshot", f"no disk of {target.name} was kept", "call snapshot first")
        self._replace(target, kept)

    def down(self) -> None:
        """Remove the lab: containers, keys, files."""
        down(self.name)

    def _replace(self, host: Host, image_reference: str) -> None:
        podman.remove([self.container(host)])
        starting.create(self.name, host, image_reference)
        ready.wait(self.name, host)

    def _host(self, host: Host | str) -> Host:
        return self.host(host) if isinstance(host, str) else host


def up(
    name: str,
    count: int,
    *,
    image: str = recipes.DEFAULT,
    light: bool = False,
    prefix: str = "web",
    fresh: bool = False,
    shipped_kex: bool = False,
    progress: Progress | None = None,
) -> Lab:
    """Have `count` hosts named PREFIX-1 to PREFIX-COUNT in the lab, all of them answering.

    Hosts that are there already stay as they are; stopped ones are started. Safe to repeat after a kill.

    Args:
        fresh: Recreate the hosts that are there.
        shipped_kex: Let new hosts exchange keys as OpenSSH does by itself, which costs twice the CPU.

    Raises:
        LabError: `bad_name`, `bad_count`, `unknown_image`, `host_differs`, `not_set_up`, `no_addresses`,
            `no_port`, `build_failed`, `foreign_lab`, `not_ready`.
    """
    kind = Kind.LIGHT if light or not recipes.recipe(image).systemd else Kind.FULL
    wanted = plan.Wanted(name, prefix, count, image, kind, machine.free_port())
    plan.check(wanted)
    _check_programs()
    machine.allow_many_hosts()
    told = progress or Progress()
    images.ensure(image, told.note)
    with state.lock(f"lab-{name}"):
        with state.lock("registry"):
            record = _record(wanted, () if shipped_kex else (recipes.QUICK_KEX,))
        hosts = [host for host in record.hosts if host.role == prefix][:count]
        starting.start_all(name, hosts, fresh, told)
    return Lab(name, record.hosts)


def attach(name: str) -> Lab:
    """A lab that is up already, as its record tells it (`unknown_lab`)."""
    record = state.load(name)
    if record is None:
        known = ", ".join(names()) or "none"
        raise LabError("unknown_lab", f"there is no lab {name!r}", f"labs: {known}")
    return Lab(name, record.hosts)


def down(name: str) -> None:
    """Remove a lab's containers and its folder; half-made labs too, and labs that don't exist."""
    model.check_name(name, "the lab's name")
    with state.lock(f"lab-{name}"):
        found = podman.containers(name)
        podman.remove([container for container, entry in found.items() if podman.is_ours(entry)])
        podman.remove_snapshots(name)
        state.remove(name)


def build(image: str, progress: Progress | None = None) -> str:
    """Have an image, without starting anything; returns podman's name of it."""
    _check_programs()
    return images.ensure(image, (progress or Progress()).note)


def orphans() -> list[str]:
    """Names of labs of this state folder that live in podman alone, their folders gone."""
    ours = (entry for entry in podman.containers().values() if podman.is_ours(entry))
    return sorted({entry["Labels"][podman.LABEL] for entry in ours} - set(names()))


def _check_programs() -> None:
    lacking = podman.missing()
    if lacking:
        raise LabError("not_set_up", f"not installed: {', '.join(lacking)}", "run lab/setup")


def _record(wanted: plan.Wanted, more_options: Sequence[str]) -> state.Record:
    """Take addresses for new hosts and write them down, before any container exists."""
    before = state.load(wanted.lab) or state.Record(wanted.lab)
    others = {block for name in names() if name != wanted.lab for block in _blocks(name)}
    for entry in podman.containers().values():
        block = model.block_of(entry["Labels"].get(podman.ADDRESS_LABEL, ""))
        if block is not None and not (podman.is_ours(entry) and entry["Labels"][podman.LABEL] == wanted.lab):
            others.add(block)
    state.prepare(wanted.lab)
    options = (*recipes.recipe(wanted.image).sshd_options, *more_options)
    after = plan.extend(
        before, wanted, others, lambda name, listen: state.seed(wanted.lab, name, listen, options)
    )
    state.save(after)
    return after


def _blocks(name: str) -> tuple[int, ...]:
    record = state.load(name)
    return record.blocks if record else ()
