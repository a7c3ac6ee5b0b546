"""`daypass import …`: from another product's definitions to our configuration."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daypass.cli.durations import Length
from daypass.cli.options import EXIT_DONE, EXIT_FAILED, EXIT_PARTLY, Invocation, common
from daypass.cli.render import Screen, counted
from daypass.errors import UsageError

if TYPE_CHECKING:
    from daypass.importing.apono import Translation

DEFAULT_FOLDER = Path("daypass-from-apono")
DEFAULT_LENGTH = timedelta(hours=8)
NEXT_STEPS = (
    "read the comments in daypass.yaml, and complete directory.yaml",
    "give each connector key as its `secret` says",
    "then, in that folder: daypass init, daypass flows check, daypass servers scan",
)


@click.group(name="import")
def import_group() -> None:
    """Take over the definitions of another product."""


@import_group.command("apono")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_FOLDER,
    show_default=True,
    help="Folder for daypass.yaml, directory.yaml and the server lists.",
)
@click.option("--check", is_flag=True, help="Show what would be written, and write nothing.")
@click.option("--force", is_flag=True, help="Replace files that are in the folder already.")
@click.option(
    "--max-duration",
    type=Length(),
    default=DEFAULT_LENGTH,
    metavar="LENGTH",
    help="Longest time of access by flows that gave it without an end.  [8h]",
)
@click.option(
    "--allow-unapproved",
    is_flag=True,
    help="Write flows that ask nobody switched on; without it they are written with `active: false`.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="FIELD",
    help="Leave out a field that isn't known here; a definition that has one is not written otherwise.",
)
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="PARAMETER=SETTING",
    help="What an integration's parameter is here: user_groups, user_key_name or login_shell.",
)
@common
def apono(
    invocation: Invocation,
    *,
    files: tuple[Path, ...],
    output_dir: Path,
    check: bool,
    force: bool,
    max_duration: timedelta,
    allow_unapproved: bool,
    ignored: tuple[str, ...],
    mapped: tuple[str, ...],
) -> int:
    """Turn Apono's integrations and access flows into a Daypass configuration.

    FILE is an answer of its API (an object, a list or a page of a listing), or what `terraform show -json`
    prints for a state or a plan. Give everything that belongs together at once: flows need the integrations
    that they name. What has no equal, what was made safer and what is left to do is listed with its place.

    \b
    Example:
      daypass import apono state.json --check
      daypass import apono integrations.json flows.json --output-dir daypass-from-apono --max-duration 4h
    """
    from daypass.importing import apono as importing  # pydantic and all the settings
    from daypass.importing import writing
    from daypass.importing.settings import Wishes

    wishes = Wishes(
        max_duration=_sound(max_duration),
        allow_unapproved=allow_unapproved,
        ignored=frozenset(ignored),
        mapped=_as_mapped(mapped),
    )
    found = importing.translate(files, wishes)
    if found.files:
        writing.check_loads(found.files, found.meant)
        if not check:
            writing.write(output_dir, found.files, force=force)
    written = bool(found.files) and not check
    report = _report(found, output_dir, written=written)
    invocation.screen.emit(report, lambda: _show(invocation, found, output_dir, check=check))
    if not found.files:
        return EXIT_FAILED
    return EXIT_DONE if found.is_whole else EXIT_PARTLY


def _sound(length: timedelta) -> timedelta:
    from daypass.config.part import LONGEST, SHORTEST

    if not SHORTEST <= length <= LONGEST:
        raise UsageError("--max-duration is out of bounds", hint=f"from 1m to {LONGEST.days}d")
    return length


def _as_mapped(words: tuple[str, ...]) -> dict[str, str]:
    """`PARAMETER=SETTING` words; each setting once."""
    from daypass.importing.integrations import MAPPABLE

    mapped: dict[str, str] = {}
    for word in words:
        parameter, _, setting = word.partition("=")
        if not parameter or setting not in MAPPABLE or setting in mapped.values():
            hint = f"write --map PARAMETER=SETTING, each setting once: {', '.join(MAPPABLE)}"
            raise UsageError(f"{word!r} isn't such a mapping", hint=hint)
        mapped[parameter] = setting
    return mapped


def _report(found: Translation, folder: Path, *, written: bool) -> dict[str, object]:
    return {
        "folder": folder,
        "written": written,
        "whole": found.is_whole,
        "files": found.files,
        "counts": {noun.replace(" ", "_"): number for noun, number in found.written.items()},
        "switched_off": list(found.switched_off),
        "findings": [
            {
                "kind": one.kind.value,
                "file": one.file,
                "path": one.path,
                "of": one.of,
                "found": one.found,
                "wrote": one.wrote,
                "do": one.do,
                "whole": one.whole,
            }
            for one in found.findings
        ],
        "translated": [{"file": file, "path": path} for file, path in found.translated],
    }


def _show(invocation: Invocation, found: Translation, folder: Path, *, check: bool) -> None:
    screen = invocation.screen
    facts = _show_findings(screen, found, everything=invocation.screen.verbose > 0)
    if facts:
        screen.note(f"{facts} more are no settings; -v lists them")
    if not found.files:
        screen.note("no SSH integration came over, so nothing was written", style="bold red")
        return
    if check:
        for name, text in found.files.items():
            screen.line(f"--- {folder / name}")
            for line in text.splitlines():
                screen.line(line)
    counts = ", ".join(counted(number, noun) for noun, number in found.written.items())
    screen.line(f"{'would write' if check else 'wrote'} {folder}: {counts}", style="green")
    if found.switched_off:
        screen.line(f"switched off: {', '.join(found.switched_off)}", style="yellow")
    for step in () if check else NEXT_STEPS:
        screen.line(f"next: {step}")


def _show_findings(screen: Screen, found: Translation, *, everything: bool) -> int:
    """The findings as a table; how many were kept back."""
    shown = [one for one in found.findings if everything or one.kind != "fact"]
    rows = [
        (
            one.kind.value,
            one.of or Path(one.file).name,
            (one.inside if one.of else one.path) or "-",
            one.found,
            one.wrote or "-",
            one.do or "-",
        )
        for one in shown
    ]
    if rows:
        screen.table(["what", "of", "where", "there", "written", "what to do"], rows)
    counts = Counter(one.kind.value for one in shown)
    screen.note(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    return len(found.findings) - len(shown)
