"""Nothing of a source is dropped silently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daypass.config.problems import path_text
from daypass.importing.apono import Translation, translate
from tests.importing_cases import CASES, findings_of, sources_of, translated, wishes_of

Place = tuple[str | int, ...]


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value that holds no others, by a walk of its own."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*place, index))
    else:
        yield place, value


class Accounts:
    """What a translation says became of each place."""

    def __init__(self, found: Translation) -> None:
        self._translated = set(found.translated)
        self._whole = {(one.file, one.path) for one in found.findings if one.whole}

    def translated(self, file: str, place: Place) -> bool:
        return (file, path_text(place)) in self._translated

    def named(self, file: str, place: Place) -> bool:
        """Whether a finding stands for the place, or for all around it."""
        return any((file, path_text(place[:length])) in self._whole for length in range(len(place) + 1))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_field_of_a_source_is_translated_or_named(case: Path):
    """Each value is either in the output or below a finding; what isn't set (null, empty) says nothing."""
    accounts = Accounts(translated(case))
    silent = [
        f"{path.name}: {path_text(place)}"
        for path in sources_of(case)
        for place, value in leaves(json.loads(path.read_text(encoding="utf-8")))
        if value not in (None, [], {})
        and not accounts.translated(str(path), place)
        and not accounts.named(str(path), place)
    ]
    assert not silent


def others(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    return value + 7 if isinstance(value, int | float) else f"{value}-otherwise"


def changed(case: Path, folder: Path) -> Iterator[tuple[str, Translation | None]]:
    """The case again, with each value that counts as translated changed by itself; the same value of the same
    field of several things counts once, for the time that it takes."""
    accounts = Accounts(translated(case))
    seen: set[tuple[object, ...]] = set()
    for path in sources_of(case):
        text = path.read_text(encoding="utf-8")
        for place, value in leaves(json.loads(text)):
            same = (path.name, str(value), *(part for part in place if isinstance(part, str)))
            if same in seen or not accounts.translated(str(path), place) or value in (None, [], {}):
                continue
            seen.add(same)
            root = json.loads(text)
            inside = root
            for part in place[:-1]:
                inside = inside[part]
            inside[place[-1]] = others(value)
            (folder / path.name).write_text(json.dumps(root), encoding="utf-8")
            yield f"{path.name}: {path_text(place)}", _again(case, folder)
        shutil.copy(path, folder / path.name)


def _again(case: Path, folder: Path) -> Translation | None:
    try:
        return translate(sorted(folder.iterdir()), wishes_of(case))
    except Exception:  # noqa: BLE001 a refusal is an answer, too
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_field_that_counts_as_translated_makes_a_difference(case: Path, tmp_path: Path):
    """Another value there gives other files, other findings, or a refusal: it was used, not only read."""
    for path in sources_of(case):
        shutil.copy(path, tmp_path / path.name)
    before = translated(case)
    without_effect = [
        where
        for where, after in changed(case, tmp_path)
        if after is not None and after.files == before.files and findings_of(after) == findings_of(before)
    ]
    assert not without_effect
