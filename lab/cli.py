"""The lab's command line: parse, call `lab.api`, show."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from lab import api, podman, recipes, state
from lab.errors import LabError
from lab.progress import to_stderr


class LabGroup(click.Group):
    """Turns the lab's errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except LabError as error:
            click.echo(f"lab: {error.sentence}", err=True)
            if error.hint:
                click.echo(f"     {error.hint}", err=True)
            ctx.exit(1)


lab_name = click.option("--name", "name", default="default", show_default=True, help="Which lab.")


@click.group(cls=LabGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Real Linux servers on this machine, thrown away after use."""


@main.command()
@click.argument("count", type=click.IntRange(min=1))
@click.option(
    "--image", type=click.Choice(sorted(recipes.RECIPES)), default=recipes.DEFAULT, show_default=True
)
@click.option("--light", is_flag=True, help="sshd alone, no systemd: cheap enough for a hundred.")
@click.option("--prefix", default="web", show_default=True, help="Hosts are PREFIX-1 to PREFIX-COUNT.")
@click.option("--fresh", is_flag=True, help="Give hosts that are there already back as on their first day.")
@lab_name
def up(count: int, image: str, light: bool, prefix: str, fresh: bool, name: str) -> None:
    """Have COUNT hosts running; add the missing ones, keep the others."""
    told = to_stderr()
    try:
        lab = api.up(name, count, image=image, light=light, prefix=prefix, fresh=fresh, progress=told)
    finally:
        told.close()
    click.echo(f"lab {name!r}: {len(lab.hosts)} hosts; server list {lab.servers_file}")


@main.command()
@lab_name
@click.option("--all", "everything", is_flag=True, help="Every lab of this user.")
def down(name: str, everything: bool) -> None:
    """Remove a lab with all that belongs to it."""
    for each in sorted({*api.names(), *api.orphans()}) if everything else [name]:
        api.down(each)
        click.echo(f"lab {each!r} is gone")


@main.command(name="list")
@lab_name
@click.option("--all", "everything", is_flag=True, help="Every lab of this user; a list in JSON.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_hosts(name: str, everything: bool, output: str) -> None:
    """Show the hosts of a lab."""
    labs = [_described(each) for each in (api.names() if everything else [name])]
    if output == "json":
        click.echo(state.to_json(labs if everything else labs[0]), nl=False)
        return
    for described in labs:
        click.echo(f"lab {described['lab']}  ({described['state_dir']})")
        for host in described["hosts"]:  # type: ignore[attr-defined] # JSON
            on = "running" if host["running"] else "off"
            click.echo(f"  {host['name']:<16} {host['address']:<15} {host['image']} {host['kind']:<5} {on}")


def _described(name: str) -> dict[str, object]:
    lab = api.attach(name)
    found = podman.containers(name)
    return {
        "lab": name,
        "state_dir": str(lab.state_dir),
        "servers_file": str(lab.servers_file),
        "connector_key": str(lab.connector_key),
        "hosts": [
            {
                "name": host.name,
                "address": host.address,
                "port": host.port,
                "image": host.image,
                "kind": str(host.kind),
                "running": podman.is_running(found.get(lab.container(host))),
                "host_key": host.host_key,
            }
            for host in lab.hosts
        ],
    }


@main.command(name="exec", context_settings={"ignore_unknown_options": True})
@lab_name
@click.option("-i", "--interactive", is_flag=True, help="Hand standard input on; a terminal too.")
@click.option("--privileged", is_flag=True, help="With every capability, for mount(8) and the like.")
@click.argument("host")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_on_host(name: str, interactive: bool, privileged: bool, host: str, command: tuple[str, ...]) -> None:
    """Run COMMAND as root on HOST, without SSH; its exit code is this one's."""
    lab = api.attach(name)
    options = ["--interactive"] if interactive else []
    options += ["--tty"] if interactive and sys.stdin.isatty() else []
    options += ["--privileged"] if privileged else []
    words = lab.podman_argv(lab.host(host), command, options=options)
    os.execvp(words[0], words)  # noqa: S606 - an argument list, no shell


@main.command(context_settings={"ignore_unknown_options": True})
@lab_name
@click.argument("host")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, host: str, command: tuple[str, ...]) -> None:
    """Log in on HOST as the connector over SSH, or run COMMAND there."""
    words = api.attach(name).ssh_argv(host, *command)
    os.execvp(words[0], words)  # noqa: S606 - an argument list, no shell


@main.command(name="images")
@click.option("--image", "wanted", type=click.Choice(sorted(recipes.RECIPES)), multiple=True)
def build_images(wanted: tuple[str, ...]) -> None:
    """Build the images that aren't there yet."""
    told = to_stderr()
    try:
        for each in wanted or sorted(recipes.RECIPES):
            click.echo(api.build(each, told))
    finally:
        told.close()


def _host_command(verb: str, help_text: str) -> None:
    """Add a command that does one thing to one host."""

    def act(name: str, host: str) -> None:
        lab = api.attach(name)
        action: Callable[[api.Host], None] = getattr(lab, verb)
        action(lab.host(host))

    decorated = lab_name(click.argument("host")(act))
    main.command(name=verb, help=help_text)(decorated)


_host_command("stop", "Shut HOST down in order.")
_host_command("kill", "Pull HOST's plug.")
_host_command("start", "Switch HOST on and wait until it answers.")
_host_command("reboot", "Stop and start HOST.")
_host_command("pause", "Freeze HOST: it accepts connections and says nothing.")
_host_command("unpause", "Let a frozen HOST go on.")
_host_command("recreate", "Give HOST back as on its first day, with the same host key.")
_host_command("snapshot", "Keep a copy of HOST's disk, in place of an earlier one.")
_host_command("reset", "Boot HOST anew from the disk that snapshot kept.")
