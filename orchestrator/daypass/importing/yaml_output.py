"""Entries -> YAML with comments. Values come from the YAML library alone; a comment holds no line break."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from daypass.importing.settings import Entry, Setting

SHORT = 80  # characters of what is written on one line
ENDLESS = 2**31  # of values: one that is folded couldn't be indented


COMMENTS = textwrap.TextWrapper(100, break_long_words=False, break_on_hyphens=False)


class _Block(dict[str, Any]):
    """A mapping that is never written on one line."""


class _Dumper(yaml.SafeDumper):
    """Short things on one line; texts with line breaks in double quotes, on one line too; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = None if value.isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=_is_short(value))


def _object(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.MappingNode:
    flow = _is_short(value) and not isinstance(value, _Block)
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=flow)


def _is_short(value: object) -> bool:
    return len(repr(value)) <= SHORT


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _object)
_Dumper.add_representer(_Block, _object)


def render(head: Sequence[str], parts: Iterable[Setting | tuple[str, Sequence[Entry]]]) -> str:
    """A file: comments at its beginning, then settings and lists of entries."""
    lines = _comment(head, "")
    for part in parts:
        if isinstance(part, Setting):
            lines += _setting(part, "", "")
            continue
        name, entries = part
        lines += ["", f"{name}:"]
        for entry in entries:
            lines += _entry(entry)
    return "\n".join(lines) + "\n"


def _entry(entry: Entry) -> list[str]:
    lines: list[str] = []
    for number, setting in enumerate(entry.settings):
        lines += _setting(setting, "  ", "- " if number == 0 else "  ")
    return lines


def _setting(setting: Setting, indent: str, mark: str) -> list[str]:
    """The lines of one setting, below its comments; `mark` begins the first of them."""
    comments = _comment(setting.comments, indent + " " * len(mark))
    text = dump({setting.key: setting.value}).splitlines()
    first, rest = indent + mark, indent + " " * len(mark)
    return [*comments, first + text[0], *(rest + line for line in text[1:])]


def dump(value: Mapping[str, Any]) -> str:
    """The outermost names one below the other."""
    text: str = yaml.dump(_Block(value), Dumper=_Dumper, sort_keys=False, width=ENDLESS, allow_unicode=True)
    return text


def _comment(texts: Sequence[str], indent: str) -> list[str]:
    lines: list[str] = []
    for text in texts:
        plain = "".join(char if char.isprintable() else "?" for char in text)
        lines += [f"{indent}# {line}" for line in COMMENTS.wrap(plain)]
    return lines
