"""The process that asks an LDAP directory: `python -I ldap_process.py`, started by `ldap_asking`.

Reads one JSON object from standard input (`Question` below says what is in it) and writes one: `{"searches":
[…]}`, or `{"error": sentence}`, with `"silent": true` where another server may be asked. The libraries that
speak LDAP and TLS are C code; they run here, where no key of ours is, with limits of time and memory. Half an
answer is an error, never an answer.
"""

from __future__ import annotations

import base64
import importlib
import json
import math
import re
import resource
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

PAGE_SECONDS = 10  # until a page is there
GRACE_SECONDS = 5
PAGE_ENTRIES = 500  # Active Directory gives 1,000 at most (MaxPageSize), OpenLDAP 500 without paging
MOST_ENTRIES = 100_000  # of one search
MOST_SINGLE = 200  # changed entries that are read one by one; more are read with all others
MOST_RANGES = 2_000  # of one attribute: Active Directory gives 1,500 values at a time
MOST_MEMORY = 2 * 1024**3
TLS_1_2 = 0x303
# What says that an entry has changed, as far as a server has it. Entries are looked at one by one, so that
# another server's own numbers only mean that more is read.
STAMPS = ("entryCSN", "uSNChanged", "entryUSN", "modifyTimestamp")
RANGE = re.compile(r"([^;]+);range=(\d+)-(\d+|\*)", re.IGNORECASE)

Attributes = dict[str, list[bytes]]


class Half(Exception):
    """The answer isn't one that may be used; the message says why."""


class Silent(Exception):
    """No session with this server; another one may answer."""


class Question(NamedTuple):
    """One search.

    Attributes:
        names: Attributes whose values may be names of entries; they are written in one way.
        known: What is known already, name to stamp; None = everything is to be read.
    """

    base: str
    filter: str
    attributes: list[str]
    names: list[str]
    known: dict[str, str] | None


def main() -> None:
    request = json.load(sys.stdin)
    signal.alarm(math.ceil(request["seconds"]) + GRACE_SECONDS)  # where nobody is left to end us
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    try:
        ldap = importlib.import_module("ldap")
    except ImportError:
        _answer({"error": "python-ldap isn't installed: pip install 'daypass[ldap]'"})
        return
    for part in ("ldap.controls", "ldap.dn"):
        importlib.import_module(part)
    try:
        _answer(ask(ldap, request))
    except (Half, Silent) as error:
        _answer({"error": str(error), "silent": isinstance(error, Silent)})
    except ldap.LDAPError as error:
        _answer({"error": words(error)})
    except MemoryError:
        _answer({"error": f"the answer needs more than {MOST_MEMORY // 1024**2} MiB"})


def _answer(answer: dict[str, Any]) -> None:
    json.dump(answer, sys.stdout)
    sys.stdout.flush()


def ask(ldap: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Ask one server.

    Raises:
        Silent: It gives no session.
        Half, ldap.LDAPError: It gives no whole answer.
    """
    # A server that takes the connection and says nothing of TLS holds up the library without end (GnuTLS):
    # the signal ends this process.
    signal.setitimer(signal.ITIMER_REAL, request["connect_seconds"])
    connection = connect(ldap, request["url"], request)
    signal.setitimer(signal.ITIMER_REAL, request["seconds"] + GRACE_SECONDS)
    reading = Reading(ldap, connection, time.monotonic() + request["seconds"])
    searches = [reading.read(Question(**question)) for question in request["searches"]]
    connection.unbind_s()
    return {"searches": searches}


def connect(ldap: Any, url: str, request: dict[str, Any]) -> Any:
    """A session over TLS, with the server's certificate and name checked.

    Raises:
        Silent: None with this server.
        ldap.LDAPError: The server doesn't take name or password: no other one is tried with them.
    """
    connection = ldap.initialize(url)
    for option, value in (
        (ldap.OPT_PROTOCOL_VERSION, 3),
        (ldap.OPT_REFERRALS, 0),
        (ldap.OPT_DEREF, ldap.DEREF_NEVER),
        (ldap.OPT_NETWORK_TIMEOUT, request["connect_seconds"]),
        (ldap.OPT_TIMEOUT, request["connect_seconds"]),
    ):
        connection.set_option(option, value)
    try:
        connection.set_option(ldap.OPT_X_TLS_CACERTFILE, request["ca_file"])
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        connection.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, TLS_1_2)
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    except (ValueError, ldap.LDAPError):
        raise Silent(f"the certificates in {request['ca_file']} can't be used") from None
    try:
        if url.startswith("ldap://"):
            connection.start_tls_s()
        connection.simple_bind_s(request["bind_dn"], request["password"])
    except (ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.INVALID_DN_SYNTAX):
        raise
    except ldap.LDAPError as error:
        raise Silent(words(error)) from None
    return connection


def words(error: Exception) -> str:
    """What a server, or the library, says of a failure, as one short line."""
    found = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    said = [str(found[name]) for name in ("desc", "info") if found.get(name)]
    text = ": ".join(said) or type(error).__name__
    return "".join(char if char.isprintable() else " " for char in text)[:300]


class Reading:
    """Searches of one session."""

    def __init__(self, ldap: Any, connection: Any, until: float) -> None:
        self._ldap = ldap
        self._connection = connection
        self._until = until
        self._written: dict[str, str] = {}  # names as the server writes them

    def read(self, question: Question) -> dict[str, Any]:
        """Who is there now with a stamp each, and those of them that are new or have changed.

        The list of names is always whole: it is how one sees that an entry is gone.
        """
        wanted = [*question.attributes, *STAMPS]
        if question.known is None:
            entries = self._all(question, wanted)
            return self._said(question, entries, stamps_of(entries))
        stamps = stamps_of(self._all(question, list(STAMPS)))
        changed = [name for name, stamp in stamps.items() if not stamp or question.known.get(name) != stamp]
        if len(changed) > MOST_SINGLE:
            return self.read(question._replace(known=None))
        return self._said(question, {name: self._one(question, name, wanted) for name in changed}, stamps)

    def _said(
        self, question: Question, entries: dict[str, Attributes], stamps: dict[str, str]
    ) -> dict[str, Any]:
        stamps |= stamps_of(entries)
        names = {name.lower() for name in question.names}
        kept = {name.lower() for name in question.attributes}
        said = {
            name: {
                attribute: [self._value(value, attribute in names) for value in values]
                for attribute, values in found.items()
                if attribute in kept
            }
            for name, found in entries.items()
        }
        return {"stamps": stamps, "entries": said}

    def _value(self, value: bytes, may_be_name: bool) -> str:
        if may_be_name and b"=" in value:
            value = self._name(value.decode("utf-8", "replace")).encode("utf-8")
        return base64.b64encode(value).decode("ascii")

    def _name(self, text: str) -> str:
        """A distinguished name in one way of writing: case and spaces count for nothing."""
        try:
            parts = self._ldap.dn.str2dn(text)
        except self._ldap.DECODING_ERROR:
            return text
        folded = [
            [(kind.lower(), " ".join(value.casefold().split()), 1) for kind, value, _ in rdn] for rdn in parts
        ]
        return str(self._ldap.dn.dn2str(folded))

    def _all(self, question: Question, attributes: list[str]) -> dict[str, Attributes]:
        """Every entry, page by page (RFC 2696)."""
        found: dict[str, Attributes] = {}
        cookie = b""
        while True:
            data, cookie = self._page(question, attributes, cookie)
            for written, raw in data:
                name = self._name(written)
                self._written[name] = written
                found[name] = self._whole(written, raw)
            if len(found) > MOST_ENTRIES:
                raise Half(f"more than {MOST_ENTRIES} entries below {question.base}")
            if not cookie:
                return found
            if not data:
                raise Half(f"a page without entries below {question.base}, and another after it")

    def _page(
        self, question: Question, attributes: list[str], cookie: bytes
    ) -> tuple[list[tuple[str, Any]], bytes]:
        control = self._ldap.controls.SimplePagedResultsControl(True, size=PAGE_ENTRIES, cookie=cookie)
        data, controls = self._search(
            question.base, self._ldap.SCOPE_SUBTREE, question.filter, attributes, [control]
        )
        answered = [one for one in controls if one.controlType == control.controlType]
        if len(answered) != 1:
            raise Half("the server doesn't say whether there are more pages")
        return data, bytes(answered[0].cookie or b"")

    def _one(self, question: Question, name: str, attributes: list[str]) -> Attributes:
        """One entry that is in the list; without it, the directory changes while it is read."""
        written = self._written[name]
        try:
            data, _ = self._search(written, self._ldap.SCOPE_BASE, question.filter, attributes, [])
        except self._ldap.NO_SUCH_OBJECT:
            data = []
        if len(data) != 1:
            raise Half("it changed while it was read")
        return self._whole(written, data[0][1])

    def _search(
        self, base: str, scope: int, text: str, attributes: list[str], controls: list[Any]
    ) -> tuple[list[tuple[str, Any]], list[Any]]:
        """One search to its end. The library raises for whatever isn't success, size and time limits too."""
        left = min(PAGE_SECONDS, self._until - time.monotonic())
        if left <= 0:
            raise Half("no end in time")
        number = self._connection.search_ext(
            base, scope, text, attributes, serverctrls=controls, timeout=math.ceil(left)
        )
        kind, data, _, answered = self._connection.result3(number, all=1, timeout=left)
        if kind is None:
            raise Half("no end in time")
        if any(name is None for name, _ in data):
            raise Half(f"a part of {base} is kept elsewhere (a referral), which isn't followed")
        return data, answered

    def _whole(self, name: str, raw: dict[str, list[bytes]]) -> Attributes:
        """Attributes by their names in small letters, with all values; others with options aren't meant."""
        found: Attributes = {}
        for attribute, values in raw.items():
            if match := RANGE.fullmatch(attribute):
                found[match[1].lower()] = [*values, *self._rest(name, match)]
            elif ";" not in attribute and (values or attribute.lower() not in found):
                found[attribute.lower()] = values
        return found

    def _rest(self, name: str, match: re.Match[str]) -> Iterator[bytes]:
        """Values that Active Directory gives only when asked for by number ([MS-ADTS] 3.1.1.3.1.3.3)."""
        for _ in range(MOST_RANGES):
            if match[3] == "*":
                return
            wanted = f"{match[1]};range={int(match[3]) + 1}-*"
            data, _ = self._search(name, self._ldap.SCOPE_BASE, "(objectClass=*)", [wanted], [])
            parts = [(RANGE.fullmatch(key), values) for key, values in data[0][1].items()] if data else []
            more = [(found, values) for found, values in parts if found and values]
            if len(more) != 1 or more[0][0] is None:
                raise Half(f"the values of {match[1]} aren't all there")
            match = more[0][0]
            yield from more[0][1]
        raise Half(f"too many values of {match[1]}")


def stamps_of(entries: dict[str, Attributes]) -> dict[str, str]:
    """What each entry says of its last change; empty where a server says nothing."""
    return {
        name: " ".join(
            value.decode("utf-8", "replace") for stamp in STAMPS for value in found.get(stamp.lower(), [])[:1]
        )
        for name, found in entries.items()
    }


if __name__ == "__main__":
    main()
