"""What a person asks of the gate on the way to a server: is it open, is it asked for, what ssh needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from daypass.ca.public_keys import PublicKey
from daypass.client.answer import AnswerRefused, read_answer
from daypass.client.arranging import Fetch
from daypass.client.followed import Followed, read_followed
from daypass.client.via import Gate
from daypass.domain.grants import DEFAULT_GROUP
from daypass.domain.open_access import OpenAccess
from daypass.errors import UsageError

AT_LEAST = timedelta(minutes=1)  # what is left of access that is used instead of new access
ALREADY_PENDING = "already_pending"
REQUEST_ID = re.compile(r"\b[0-9A-Z]{26}\b")


class _Share(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    state: str
    groups: tuple[str, ...] = ()


class _Grant(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    not_before: AwareDatetime
    not_after: AwareDatetime
    servers: dict[str, _Share]

    def opens(self, server: str, now: datetime) -> bool:
        share = self.servers.get(server)
        begun = self.not_before <= now and now + AT_LEAST <= self.not_after
        return share is not None and share.state == "applied" and begun


_LISTED = TypeAdapter(tuple[_Grant, ...])


def open_until(gate: Gate, server: str, groups: Collection[str], now: datetime) -> datetime | None:
    """Until when a server is open with all of these groups, None where it isn't.

    Groups of several grants add up there.

    Raises:
        DaypassError: The gate wasn't reached, or its answer isn't one.
    """
    value = gate.ask(["access", "list", "--output=json"]).result()
    try:
        listed = _LISTED.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise AnswerRefused(f"the answer isn't one about access: {first['msg']}") from None
    wanted = set(groups) - {DEFAULT_GROUP}
    ends = [(one.not_after, set(one.servers[server].groups)) for one in listed if one.opens(server, now)]
    # Each group until the last grant with it ends; without any it is the account alone.
    until = [max((end for end, has in ends if group in has), default=None) for group in wanted]
    until = until or [max((end for end, _ in ends), default=None)]
    return None if None in until else min(end for end in until if end)


def ask_for(gate: Gate, words: list[str], key: PublicKey | None) -> Followed:
    """Make a request, or find the same one that is open already.

    Args:
        words: Of `request new`.
        key: Sent along, None = the one that logs in.

    Raises:
        DaypassError: It wasn't made.
    """
    sent = ["--public-key=-"] if key else []
    stdin = f"{key.line}\n".encode() if key else b""
    try:
        return read_followed(gate.ask(["request", "new", *words, *sent, "--output=json"], stdin).result())
    except UsageError as error:
        found = REQUEST_ID.search(error.hint) if error.code == ALREADY_PENDING else None
        if found is None:
            raise
        return look_at(gate, found[0])()


def look_at(gate: Gate, request_id: str) -> Callable[[], Followed]:
    """How to see a request, for `waiting.follow`."""
    return lambda: read_followed(gate.ask(["request", "show", "--output=json", "--", request_id]).result())


def fetch_from(gate: Gate) -> Fetch:
    """How to see what is open, with certificates for a key of this machine."""

    def fetch(key: PublicKey | None, *, sign: bool) -> OpenAccess:
        words = ["access", "ssh-config", "--output=json"]
        words += ["--public-key=-"] if key else []
        words += [] if sign else ["--no-sign"]
        answer = gate.ask(words, f"{key.line}\n".encode() if key else b"")
        answer.result()
        return read_answer(answer.output.decode("utf-8"))

    return fetch
