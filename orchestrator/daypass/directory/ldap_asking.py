"""Handing questions to the process that asks an LDAP directory, and checking the form of its answer."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daypass.config.directory import Ldap
from daypass.domain.secrets import Secret

PROGRAM = Path(__file__).with_name("ldap_process.py")  # by its file: no other module of ours is loaded
CONNECT_SECONDS = 5  # until a server has taken name and password, TLS included
SECONDS = 60  # for everything; a directory of 50,000 people takes 10
MOST_BYTES = 256 * 1024 * 1024
# Where machines keep the certificates that they trust; the library that speaks TLS has no place of its own.
TRUSTED = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")

Entry = Mapping[str, tuple[bytes, ...]]  # attribute in small letters to its values


class NoAnswer(Exception):
    """The directory gave no whole answer; the message says why, and holds no secret."""


@dataclass(frozen=True)
class Found:
    """All entries of one search.

    Attributes:
        entries: By distinguished name in one way of writing.
        stamps: The same names, each with what says that its entry has changed.
    """

    entries: Mapping[str, Entry]
    stamps: Mapping[str, str]


@dataclass(frozen=True)
class Answer:
    """People and groups as they stand in the directory."""

    people: Found
    groups: Found


Ask = Callable[[Ldap, Secret | None, Answer | None], Answer]


def ask(settings: Ldap, password: Secret | None, known: Answer | None) -> Answer:
    """Everything that the settings name.

    Args:
        known: An answer from before: what hasn't changed since isn't read again. None = everything is read.

    Raises:
        NoAnswer: No server answers, or none gives a whole answer.
    """
    questions = [question for question, _ in _questions(settings, known)]
    request = {
        "ca_file": str(settings.ca_file or _trusted()),
        "bind_dn": settings.bind_dn or "",
        "password": password.reveal().decode("utf-8") if password else "",
        "seconds": SECONDS,
        "connect_seconds": CONNECT_SECONDS,
        "searches": questions,
    }
    answer = _first_answer(settings.urls, request)
    try:
        return _answer(answer, settings, known)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise NoAnswer("the process that asks gave no answer of the form that is expected") from None


def _first_answer(urls: Sequence[str], request: dict[str, Any]) -> dict[str, Any]:
    """Of the first server that gives a session, whatever comes of it there.

    Raises:
        NoAnswer: None gives one.
    """
    until, silent = time.monotonic() + SECONDS, []
    for url in urls:
        answer = _run(json.dumps({**request, "url": url}), max(until - time.monotonic(), 1))
        if not answer.get("silent"):
            return answer
        silent.append(f"{url}: {answer['error']}")
    raise NoAnswer("; ".join(silent))


def _trusted() -> str:
    found = (ssl.get_default_verify_paths().cafile, *TRUSTED)
    return next((path for path in found if path and Path(path).exists()), TRUSTED[0])


def _questions(settings: Ldap, known: Answer | None) -> list[tuple[dict[str, Any], Found | None]]:
    people, groups = settings.people, settings.groups
    mark = people.disabled.attribute if people.disabled else None
    wanted = (
        people.id, people.login, people.email, people.uid, people.public_keys, people.manager, mark
    )  # fmt: skip
    asked = [
        (
            {
                "base": people.base,
                "filter": people.filter,
                "attributes": sorted({name for name in wanted if name}),
                "names": [people.manager] if people.manager else [],
                "known": dict(known.people.stamps) if known else None,
            },
            known.people if known else None,
        )
    ]
    if groups:
        question = {
            "base": groups.base,
            "filter": groups.filter,
            "attributes": sorted({groups.name, *groups.members}),
            "names": list(groups.members),
            "known": dict(known.groups.stamps) if known else None,
        }
        asked.append((question, known.groups if known else None))
    return asked


def _answer(answer: dict[str, Any], settings: Ldap, known: Answer | None) -> Answer:
    if "error" in answer:
        raise NoAnswer(str(answer["error"]))
    found = [_found(said, known.people if known else None) for said in answer["searches"][:1]]
    if settings.groups:
        found += [_found(said, known.groups if known else None) for said in answer["searches"][1:]]
    if not found[0].entries:
        raise NoAnswer(
            f"nobody found below {settings.people.base}; look at base, filter and what may be read"
        )
    if settings.groups and not found[1].entries:
        raise NoAnswer(
            f"no group found below {settings.groups.base}; look at base, filter and what may be read"
        )
    return Answer(found[0], found[1] if settings.groups else Found({}, {}))


def _found(said: dict[str, Any], known: Found | None) -> Found:
    """Every name in the list, each with what was read now or before."""
    new = {name: entry_of(values) for name, values in said["entries"].items()}
    stamps = {str(name): str(stamp) for name, stamp in said["stamps"].items()}
    before = known.entries if known else {}
    return Found({name: new[name] if name in new else before[name] for name in stamps}, stamps)


def entry_of(values: dict[str, list[str]]) -> Entry:
    """An entry from its form in JSON, where values are base64."""
    return {
        attribute: tuple(base64.b64decode(value, validate=True) for value in texts)
        for attribute, texts in values.items()
    }


def entry_json(entry: Entry) -> dict[str, list[str]]:
    """What `entry_of` reads."""
    return {
        attribute: [base64.b64encode(value).decode("ascii") for value in values]
        for attribute, values in entry.items()
    }


def questions_digest(settings: Ldap) -> str:
    """SHA-256 of what is asked and of whom: an answer to other questions is no answer to these."""
    asked = [question for question, _ in _questions(settings, None)]
    text = json.dumps([settings.urls, settings.bind_dn, asked], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _run(request: str, seconds: float) -> dict[str, Any]:
    # LDAPNOINIT: neither /etc/ldap/ldap.conf nor ~/.ldaprc says how certificates are checked (ldap.conf(5)).
    environment = {"LDAPNOINIT": "1", "PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the command; this process is ended by it
    )
    try:
        output = process.communicate(request.encode("utf-8"), timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"no whole answer within {SECONDS} s") from None
    finally:
        process.kill()
        process.wait()
    if process.returncode == -signal.SIGALRM and not output:
        return {"error": f"no session within {CONNECT_SECONDS} s", "silent": True}
    if len(output) > MOST_BYTES:
        raise NoAnswer(f"the answer has more than {MOST_BYTES // 1024**2} MiB")
    try:
        answer = json.loads(output)
    except ValueError:
        raise NoAnswer("the process that asks came to an end without an answer") from None
    if not isinstance(answer, dict):
        raise NoAnswer("the process that asks gave no answer of the form that is expected")
    return answer
