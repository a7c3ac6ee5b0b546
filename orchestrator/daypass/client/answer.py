"""What the gate says of open access, read by a machine that takes none of it on trust.

Every value ends in a file that ssh obeys. What isn't plainly a name, an address, a key is refused, and with
it the whole answer: a broker that sends such a thing isn't one to believe in the rest.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from daypass.ca.public_keys import ACCEPTED_TYPES, CERTIFICATE_MARK
from daypass.domain.key_names import is_key_name, is_taken
from daypass.domain.open_access import ANSWER_FORMAT, OpenAccess, OpenGrant, OpenServer
from daypass.errors import DaypassError, UsageError
from daypass.host_rules import check_login
from daypass.inventory.addresses import check_host, check_port, check_user
from daypass.inventory.host_key_text import check_host_key
from daypass.inventory.names import check_name, name_key
from daypass.inventory.problems import FieldRefused

MOST_ANSWER_CHARACTERS = 16 * 1024 * 1024  # 5,000 servers with a grant each take 10 MB
ORCHESTRATOR = re.compile(r"[0-9a-f]{32}")
GRANT_ID = re.compile(r"[A-Za-z0-9]{1,40}")  # as hosts take them (host-contract.md)
FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")  # ssh-keygen(1)
CERTIFICATE_TYPES = "|".join(
    re.escape(name.removesuffix("@openssh.com") + CERTIFICATE_MARK) for name in ACCEPTED_TYPES
)
CERTIFICATE = re.compile(rf"(?:{CERTIFICATE_TYPES}) [A-Za-z0-9+/]{{1,20000}}={{0,2}}")
LAST_NUMBER = 999_999  # of a certificate in its grant (host-contract.md, principals)

_ANSWER = TypeAdapter(OpenAccess)


class AnswerRefused(DaypassError):
    """What came back isn't an answer that may be acted on."""

    code = "answer_refused"


def read_answer(text: str) -> OpenAccess:
    """The access that an answer of `access ssh-config --output json` tells of.

    Raises:
        AnswerRefused: It is something else, of another format, or holds a value that could mean more than it
            should. The value itself is shown escaped and cut.
    """
    if len(text) > MOST_ANSWER_CHARACTERS:
        raise AnswerRefused(f"the answer has {len(text)} characters; {MOST_ANSWER_CHARACTERS} are allowed")
    try:
        access = _ANSWER.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AnswerRefused(
            f"the answer isn't one about open access: {place or 'it'}: {first['msg']}",
            hint="Daypass here and on the broker may be of different versions: daypass --version",
        ) from None
    check_access(access)
    return access


def check_access(access: OpenAccess) -> None:
    """Refuse an answer that no orchestrator would give.

    Raises:
        AnswerRefused: The first odd value.
    """
    if access.format != ANSWER_FORMAT:
        raise AnswerRefused(
            f"the answer has format {access.format}, and this version reads {ANSWER_FORMAT}",
            hint="install the Daypass version of the broker",
        )
    _refuse_unless(ORCHESTRATOR.fullmatch(access.orchestrator), "the orchestrator's id", access.orchestrator)
    for server in access.servers:
        for part, check, value in _fields(server):
            _check(f"{part} of server {server.name!r}", check, value)
        for grant in server.grants:
            _check_grant(server, grant)
    again = [key for key, count in Counter(name_key(one.name) for one in access.servers).items() if count > 1]
    _refuse_unless(not again, "a server's name", ", ".join(again))


def _fields(server: OpenServer) -> Iterator[tuple[str, Callable[[str], object], object]]:
    yield "the name", check_name, server.name
    yield "the host", check_host, server.host
    yield "the port", check_port, server.port
    yield "the login", check_login, server.login
    yield "the key's name", _check_key_name, server.key_name
    for key in server.host_keys:
        yield "a host key", check_host_key, key
    yield "the access details", _check_details, server.details
    if server.jump is not None:
        yield "the jump's host", check_host, server.jump.host
        yield "the jump's port", check_port, server.jump.port
        if server.jump.user is not None:
            yield "the jump's user", check_user, server.jump.user
        if server.jump.server is not None:
            yield "the jump's name", check_name, server.jump.server
        for key in server.jump.host_keys:
            yield "a host key of the jump", check_host_key, key


def _check_grant(server: OpenServer, grant: OpenGrant) -> None:
    where = f"of server {server.name!r}"
    _refuse_unless(GRANT_ID.fullmatch(grant.id), f"a grant's id {where}", grant.id)
    moments = [grant.not_before, grant.not_after]
    for one in grant.certificates:
        _refuse_unless(0 < one.number <= LAST_NUMBER, f"a certificate's number {where}", one.number)
        _refuse_unless(FINGERPRINT.fullmatch(one.fingerprint), f"a fingerprint {where}", one.fingerprint)
        _refuse_unless(CERTIFICATE.fullmatch(one.text), f"a certificate {where}", one.text)
        moments += [one.valid_after, one.valid_before]
    for moment in moments:
        _refuse_unless(moment.utcoffset() == timedelta(0), f"a time {where}", moment.isoformat())


def _check(what: str, check: Callable[[str], object], value: object) -> None:
    try:
        check(value)  # type: ignore[arg-type]  # each looks at the type itself
    except (FieldRefused, UsageError):
        _refuse_unless(False, what, value)


def _check_key_name(name: str) -> None:
    if not is_key_name(name) or is_taken(name):
        raise UsageError("not a key's name")


def _check_details(text: str) -> None:
    if not all(char.isprintable() or char == "\n" for char in text):
        raise UsageError("not plain text")


def _refuse_unless(good: object, what: str, value: object) -> None:
    if not good:
        raise AnswerRefused(
            f"{what} in the answer is {repr(value)[:80]}, which is refused",
            hint="tell whoever runs the broker; nothing was changed here",
        )
