"""What the commands share that put plain ssh in place on a person's own machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from daypass.cli.confirming import confirm
from daypass.cli.options import EXIT_DONE, EXIT_PARTLY
from daypass.cli.render import NOTHING, Screen, counted, time_text
from daypass.client.arranging import Fetch, arrange
from daypass.client.domains import check_domains
from daypass.client.including import add_include, config_file, drop_include, is_included, own_entries
from daypass.client.keys import KEY_TYPES, PLAIN_TYPE, make_pair
from daypass.client.places import Home, Placed, keep_domains, take_away


class Wishes(NamedTuple):
    """What a person said about own files.

    Attributes:
        yes: Don't ask before the line in ~/.ssh/config.
        check: Only show what would change.
        passphrase: A key that is made gets one.
        domains: Below which names with a dot may be servers'; kept for later runs.
    """

    yes: bool = False
    check: bool = False
    key_type: str = PLAIN_TYPE
    passphrase: bool = True
    domains: tuple[str, ...] = ()


def wishes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `Wishes`, as `yes`, `check`, `key_type`, `no_passphrase`."""
    for option in (
        click.option("--no-passphrase", is_flag=True, help="A key that is made here gets none."),
        click.option(
            "--key-type",
            type=click.Choice(KEY_TYPES),
            default=PLAIN_TYPE,
            show_default=True,
            help="Of a key that is made here; ed25519-sk is one in a FIDO authenticator.",
        ),
        click.option("--check", is_flag=True, help="Show what would change here; change and sign nothing."),
        click.option("--yes", is_flag=True, help="Put the Include line into ~/.ssh/config without asking."),
    ):
        function = option(function)
    return function


domain_option = click.option(
    "--domain",
    "domains",
    multiple=True,
    metavar="NAME",
    help="Your company's: servers below it may have their whole names here. Kept for later runs.",
)


def set_up(screen: Screen, fetch: Fetch, home: Home, now: datetime, wished: Wishes) -> int:
    """Keys, certificates, configuration, and the line that includes it; tells what was done. Its exit code.

    Raises:
        DaypassError: As `arrange`, and what `fetch` raises.
    """

    def make(private: Path) -> None:
        screen.note(f"making the key pair {private}")
        make_pair(private, key_type=wished.key_type, passphrase=wished.passphrase)

    home = replace(home, domains=check_domains(wished.domains))
    if home.domains and not wished.check:
        keep_domains(home)
    placed = arrange(fetch, home, now, make, check=wished.check)
    _show(screen, placed, now, check=wished.check)
    rendered = placed.rendered
    if rendered.files or (wished.check and rendered.unusable):
        _include(screen, home, wished)
    for name in own_entries(home, rendered.usable):
        screen.note(f"{name} stands in {config_file(home)}, too; what is said of it here comes first")
    return EXIT_PARTLY if rendered.unusable and not wished.check else EXIT_DONE


def _include(screen: Screen, home: Home, wished: Wishes) -> None:
    """Never without a yes: the file is the person's own."""
    if is_included(home):
        return
    file = config_file(home)
    if wished.check or not (wished.yes or screen.asks):
        screen.line(f"at the top of {file} is missing: {home.include}", style="bold")
        if not wished.check:
            screen.note("add it, or let it be added: daypass access ssh-config --yes")
        return
    if wished.yes or click.confirm(f"Put this line at the top of {file}?  {home.include}", default=True):
        add_include(home)
        screen.line(f"{file}: {home.include}")
    else:
        screen.note(f"until it is there: ssh -F {home.folder}/*/config SERVER")


def clear(screen: Screen, home: Home, *, yes: bool, check: bool) -> int:
    """Take everything of ours away but the keys."""
    found = take_away(home, check=True)
    included = drop_include(home, check=True)
    if not found and not included:
        screen.line("nothing of Daypass is there")
        return EXIT_DONE
    for path in found:
        screen.line(f"- {path}")
    if included:
        screen.line(f"- {config_file(home)}: {home.include}")
    if check:
        screen.note("nothing was changed (--check)")
        return EXIT_DONE
    confirm(screen, "Remove this?", confirmed=yes)
    drop_include(home)
    take_away(home)
    screen.note("keys below ~/.ssh stay: they are yours")
    return EXIT_DONE


def _show(screen: Screen, placed: Placed, now: datetime, *, check: bool) -> None:
    rendered = placed.rendered
    rows = [
        (name, "open", time_text(certificates[0].certificate.valid_before, now), NOTHING)
        for name, certificates in rendered.usable.items()
    ] + [(name, "no certificate", NOTHING, why) for name, why in rendered.unusable.items()]
    if rows:
        screen.table(["server", "plain ssh", "until", "why not"], rows)
    else:
        screen.line("you have no access now")
    for sign, paths in (("+", placed.written), ("-", placed.removed)):
        for path in paths if check or screen.verbose else ():
            screen.line(f"{sign} {path}")
    if check:
        screen.note("nothing was changed (--check)")
    elif placed.removed:
        screen.note(f"{counted(len(placed.removed), 'file')} of ended access removed")
