"""From nothing to plain ssh: keys made where they are missing, certificates fetched, files in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from daypass.ca.public_keys import PublicKey
from daypass.client.keys import public_key_of
from daypass.client.places import Home, Placed, put_in_place
from daypass.domain.open_access import OpenAccess, OpenGrant, OpenServer


class Fetch(Protocol):
    """Asks what is open."""

    def __call__(self, key: PublicKey | None, *, sign: bool) -> OpenAccess:
        """With certificates for this key; with None without any.

        Args:
            sign: Have signed what isn't yet; servers are told.
        """


MakeKey = Callable[[Path], None]  # makes the pair of this private key's path


def arrange(fetch: Fetch, home: Home, now: datetime, make_key: MakeKey, *, check: bool = False) -> Placed:
    """Put everything in place that plain ssh needs, and take away what has ended.

    Args:
        make_key: Called for each key pair that an integration names and that isn't here.
        check: Make no key, have nothing signed, change no file.

    Raises:
        AnswerRefused, UsageError: As `put_in_place` and `make_key`.
    """
    access = fetch(None, sign=False)
    paths = [home.key(name) for name in dict.fromkeys(server.key_name for server in access.servers)]
    keys: dict[str, Path] = {}
    answers = [access]
    for path in paths:
        if public_key_of(path) is None and not check:
            make_key(path)
        key = public_key_of(path)
        if key is not None:
            keys[key.fingerprint] = path
            answers.append(fetch(key, sign=not check))
    return put_in_place(merged(answers), keys, home, now, check=check)


def merged(answers: Iterable[OpenAccess]) -> OpenAccess:
    """The last answer, with the certificates of all of them."""
    last: OpenAccess | None = None
    known: dict[tuple[str, str], OpenGrant] = {}
    for last in answers:
        for server in last.servers:
            for grant in server.grants:
                place = server.name, grant.id
                known[place] = _with(known.get(place), grant)
    if last is None:
        raise ValueError("at least one answer is needed")
    return replace(last, servers=tuple(_server(server, known) for server in last.servers))


def _server(server: OpenServer, known: Mapping[tuple[str, str], OpenGrant]) -> OpenServer:
    return replace(server, grants=tuple(known[server.name, grant.id] for grant in server.grants))


def _with(before: OpenGrant | None, grant: OpenGrant) -> OpenGrant:
    if before is None:
        return grant
    certificates = {one.number: one for one in (*before.certificates, *grant.certificates)}
    problems = dict.fromkeys(one for one in (before.problem, grant.problem) if one)
    return replace(grant, certificates=tuple(certificates.values()), problem="; ".join(problems))
