"""A host's answer, taken apart with suspicion: whoever holds root on a server writes what he likes here.

Wrong types and sizes make an answer unreadable as a whole (the outcome is then unknown); texts for people
lose everything that could move a terminal's cursor or reverse its writing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from daypass.domain.outcomes import AccountAnswer, HostAnswer
from daypass.errors import UsageError
from daypass.host_rules import SEQUENCE_MAX, check_login

VERSION = 1
LONGEST_TEXT = 600  # a sentence and a hint; more is no message
MOST_ACCOUNTS = 5000  # ten times what one answer of 200 KB holds (host-contract.md, "The document")
KEYS_LENGTH = 80  # `sha256:` and 64 digits
MOST_LISTED = 200  # grants, warnings or changes of one account
DEEPEST = 8  # levels of facts that other playbooks return
LARGEST_NUMBER = 2**63 - 1
# Half of what a document may hold: a host that lies can't have us re-based to where no number is left.
LARGEST_SEQUENCE = SEQUENCE_MAX // 2

STATUSES = frozenset({"converged", "stale", "refused"})
STATES = frozenset({"absent", "active", "closed", "removed", "refused", "failed"})
CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")
GRANT_ID = re.compile(r"[A-Za-z0-9]{1,40}")
ID = re.compile(r"[0-9a-f]{32}")


class UnreadableAnswer(Exception):
    """The answer isn't what our module writes; the message says where, and quotes nothing."""


def clean_text(text: object, longest: int = LONGEST_TEXT) -> str:
    """Text for people on one line, without control, format and private characters (Unicode categories C*)."""
    visible = (" " if character in "\n\t" else character for character in str(text)[: longest * 4])
    kept = "".join(c for c in visible if not unicodedata.category(c).startswith("C"))
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def parse_answer(raw: object, *, changed: bool) -> HostAnswer:
    """The answer of the module `daypass.ssh.accounts`.

    Args:
        changed: What the module said about itself beside the answer.

    Raises:
        UnreadableAnswer: It isn't one, or not one of this version.
    """
    fields = _mapping(raw, "answer")
    if fields.get("version") != VERSION:
        raise UnreadableAnswer("the answer has another version")
    status = _one_of(fields.get("status"), STATUSES, "the answer's status")
    accounts = _mapping(fields.get("accounts", {}), "accounts", MOST_ACCOUNTS)
    return HostAnswer(
        status=status,
        host_id=matching(fields.get("host_id"), ID),
        machine_id=matching(fields.get("machine_id"), ID),
        sequence=_sequence(fields.get("sequence")),
        accounts={_login(login): _account(account) for login, account in accounts.items()},
        warnings=_texts(fields.get("warnings")),
        drift_seconds=seconds(fields.get("drift_seconds")),
        rebuilt=parse_message(fields.get("rebuilt")),
        changed=changed,
    )


def parse_code(raw: object) -> str | None:
    """A stable code, or None where there is none that could be one."""
    return matching(raw, CODE)


def parse_message(raw: object, hint: object = None) -> str | None:
    """A sentence with its hint, cleaned; None when the host said nothing."""
    parts = [clean_text(part) for part in (raw, hint) if isinstance(part, str) and part]
    return clean_text("; ".join(part for part in parts if part)) or None


def clean_facts(raw: object, depth: int = DEEPEST) -> Any:
    """What another playbook returns: JSON values with cleaned texts and bounded sizes, None for the rest."""
    if isinstance(raw, bool) or raw is None:
        return raw
    if isinstance(raw, int | float):
        return raw if math.isfinite(raw) and abs(raw) <= LARGEST_NUMBER else None
    if isinstance(raw, str):
        return clean_text(raw)
    if isinstance(raw, Mapping) and depth:
        items = list(raw.items())[:MOST_LISTED]
        return {clean_text(key, 60): clean_facts(value, depth - 1) for key, value in items}
    if isinstance(raw, list) and depth:
        return [clean_facts(item, depth - 1) for item in raw[:MOST_LISTED]]
    return None


def _account(raw: object) -> AccountAnswer:
    fields = _mapping(raw, "account")
    return AccountAnswer(
        state=_one_of(fields.get("state"), STATES, "an account's state"),
        grants=tuple(_grant_id(item) for item in _listed(fields.get("grants"))),
        lacking=tuple(_grant_id(item) for item in _listed(fields.get("lacking"))),
        code=parse_code(fields.get("code")),
        message=parse_message(fields.get("message"), fields.get("hint")),
        warnings=_texts(fields.get("warnings")),
        changes=tuple(_change(item) for item in _listed(fields.get("changes"))),
        unfinished=_unfinished(fields.get("unfinished")),
        own_keys=_own_keys(fields.get("joined")),
    )


def _own_keys(raw: object) -> tuple[str, str | None] | None:
    if raw is None:
        return None
    fields = _mapping(raw, "what was joined")
    before, after = fields.get("own_keys"), fields.get("own_keys_after")
    if not isinstance(before, str) or not isinstance(after, str | None):
        raise UnreadableAnswer("the digest of a person's keys is none")
    return clean_text(before, KEYS_LENGTH), None if after is None else clean_text(after, KEYS_LENGTH)


def _unfinished(raw: object) -> tuple[str, str] | None:
    if raw is None:
        return None
    fields = _mapping(raw, "what is unfinished")
    return parse_code(fields.get("code")) or "unknown", parse_message(fields.get("message")) or "no reason"


def _one_of(raw: object, allowed: frozenset[str], what: str) -> str:
    if not isinstance(raw, str) or raw not in allowed:
        raise UnreadableAnswer(f"{what} is unknown")
    return raw


def _login(raw: object) -> str:
    try:
        check_login(str(raw))
    except UsageError:
        raise UnreadableAnswer("an account's name is no login") from None
    return str(raw)


def _grant_id(raw: object) -> str:
    if not isinstance(raw, str) or not GRANT_ID.fullmatch(raw):
        raise UnreadableAnswer("a grant's id is none")
    return raw


def _change(raw: object) -> tuple[str, str, str]:
    parts = _listed(raw)
    if len(parts) != 3:
        raise UnreadableAnswer("a change isn't [what, old, new]")
    what, old, new = ("" if part is None else clean_text(part) for part in parts)
    return what, old, new


def _texts(raw: object) -> tuple[str, ...]:
    return tuple(clean_text(item) for item in _listed(raw))


def _listed(raw: object) -> list[Any]:
    if raw is None:
        return []
    if not isinstance(raw, list) or len(raw) > MOST_LISTED:
        raise UnreadableAnswer(f"a list is none, or has more than {MOST_LISTED} items")
    return raw


def _mapping(raw: object, what: str, most: int = 100) -> Mapping[str, Any]:
    if not isinstance(raw, dict) or len(raw) > most:
        raise UnreadableAnswer(f"{what} is no object, or has more than {most} fields")
    return raw


def matching(raw: object, pattern: re.Pattern[str]) -> str | None:
    """The text, None where it is none that the pattern matches."""
    return raw if isinstance(raw, str) and pattern.fullmatch(raw) else None


def _sequence(raw: object) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw <= LARGEST_SEQUENCE:
        return raw
    if raw is None:
        return 0  # refused before a ledger was read
    raise UnreadableAnswer(f"the sequence is no whole number up to {LARGEST_SEQUENCE}")


def seconds(raw: object) -> float | None:
    """A finite number of seconds, else None."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return float(raw)
    return None
