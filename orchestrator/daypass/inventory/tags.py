"""Tags of a server: an object of text to text; a list of `key=value` and bare labels is read too."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from daypass.inventory.json_text import Repeated
from daypass.inventory.problems import FieldRefused, shown

# Room above what clouds allow: AWS 50 tags of 128 and 256 characters, Azure 50 of 512 and 256.
MAX_TAGS = 64
MAX_KEY = 512
MAX_VALUE = 1024
# Ansible reads an object with such a key as a marked value, not as an object.
ANSIBLE_MARK = "__ansible"

ALLOWED = 'an object of text to text, or a list of "key=value" and bare labels'
NO_TAGS: Mapping[str, str] = MappingProxyType({})


def check_tags(value: object) -> Mapping[str, str]:
    """The tags as an immutable mapping; a bare label has the value ''. Or FieldRefused."""
    if not isinstance(value, dict | list):
        raise FieldRefused(shown(value), ALLOWED)
    if len(value) > MAX_TAGS:
        raise FieldRefused(f"{len(value)} tags", f"at most {MAX_TAGS} tags")
    if isinstance(value, Repeated):
        raise FieldRefused(f"the key {shown(value.repeated[0])} more than once", "each key once")
    tags = value if isinstance(value, dict) else _from_list(value)
    for key, text in tags.items():
        if type(key) is not str or type(text) is not str or not _is_tag(key, text):
            _check_key(key)
            _check_value(key, text)
    return MappingProxyType(dict(tags))


def _from_list(items: list[object]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for item in items:
        if not isinstance(item, str):
            raise FieldRefused(f"{shown(item)} in the list", ALLOWED)
        key, _, text = item.partition("=")
        if key in tags:
            raise FieldRefused(f"the key {shown(key)} more than once", "each key once")
        tags[key] = text
    return tags


@lru_cache(maxsize=10_000)  # servers share most of their tags
def _is_tag(key: str, text: str) -> bool:
    """Whether both are fine; what is wrong with them is looked for only where they aren't."""
    try:
        _check_key(key)
        _check_value(key, text)
    except FieldRefused:
        return False
    return True


def _check_key(key: object) -> None:
    if not isinstance(key, str) or not key.isprintable() or not 0 < len(key) <= MAX_KEY:
        raise FieldRefused(f"the key {shown(key)}", f"keys of 1 to {MAX_KEY} printable characters")
    if "=" in key or key.startswith(ANSIBLE_MARK):
        raise FieldRefused(f"the key {shown(key)}", f"keys without =, not beginning with {ANSIBLE_MARK}")


def _check_value(key: object, text: object) -> None:
    if not isinstance(text, str):
        raise FieldRefused(f"{shown(text)} for {shown(key)}", "text values; put numbers in quotes")
    if not text.isprintable() or len(text) > MAX_VALUE:
        raise FieldRefused(f"{shown(text)} for {shown(key)}", f"at most {MAX_VALUE} printable characters")
