# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document: the wanted state of accounts on one host (host-contract.md, "The document").

Pure. `build` makes the opaque string from a mapping, `parse` is the only way back; whatever `parse` returns
has passed every check that needs no host. Values are refused, never repaired.
"""

from __future__ import annotations

import binascii

from . import fields, json_text, names
from .constraints import Constraints, constraints_of
from .digests import sha256
from .names import Refusal
from .typed import NamedTuple

ABSENT = "absent"
PRESENT = "present"
REFUSE, JOIN = "refuse", "join"  # what happens with an account that was there before
END_ALL = "end_all"  # a joined account without a log of sshd's: all its sessions end with a grant

GRANT_FIELDS = (
    "id",
    "state",
    "principals",
    "groups",
    "create_groups",
    "warn_before",
    "sudo",
    "not_after",
    "extensions",
    "critical_options",
)


class SudoRule(NamedTuple):
    """What may be run as whom: `commands` is a tuple of commands, or the word "ALL"."""

    run_as: str
    commands: tuple[str, ...] | str


class GrantWanted(NamedTuple):
    """One grant that gives access until `not_after` (seconds since 1970, half-open).

    Attributes:
        create_groups: Those of its groups that are made where they are missing.
    """

    id: str
    principals: tuple[str, ...]
    groups: tuple[str, ...]
    warn_before: int
    sudo: tuple[SudoRule, ...]
    not_after: int
    constraints: Constraints = Constraints()
    create_groups: tuple[str, ...] = ()


class AccountWanted(NamedTuple):
    """One account: what it is, its present grants in the order of the document, and the ids that end."""

    name: str
    uid: int
    comment: str
    shell: str
    existing: str
    home_on_removal: str
    user_cleanup_days: int | None
    remove: bool
    grants: tuple[GrantWanted, ...]
    absent: tuple[str, ...]
    join_without_log: str = REFUSE


class Document(NamedTuple):
    """A checked document and the SHA-256 (hex) of its canonical bytes."""

    host_id: str | None
    orchestrator_id: str | None
    sequence: int | None
    exclusive: bool
    ca_keys: tuple[str, ...]
    accounts: tuple[AccountWanted, ...]
    digest: str


def encode(mapping: dict) -> bytes:
    """The canonical bytes of a document: sorted keys, no spaces, ASCII."""
    return json_text.dumps(mapping).encode("ascii")


def build(mapping: dict) -> tuple[str, str]:
    """The opaque string of a document and its digest, after every check of `parse`.

    Raises:
        Refusal: See `parse`.
    """
    canonical = encode(mapping)
    opaque = binascii.b2a_base64(canonical, newline=False).decode("ascii")
    return opaque, parse(opaque).digest


def decode(opaque: str) -> dict:
    """The mapping inside an opaque string, not checked yet.

    Raises:
        Refusal: `document_invalid`: no base64, no JSON object, a key twice, too large or too deep.
    """
    if not isinstance(opaque, str) or len(opaque) > names.DOCUMENT_BYTES * 2:
        raise _invalid("the document is no text of at most %d bytes" % names.DOCUMENT_BYTES)
    try:
        raw = fields.from_base64(opaque)
        if len(raw) > names.DOCUMENT_BYTES:
            raise _invalid("the document has %d bytes, %d are allowed" % (len(raw), names.DOCUMENT_BYTES))
        mapping = json_text.loads(raw.decode("utf-8"), _unique)
    except (ValueError, RecursionError) as error:
        raise _invalid("the document can't be read: %s" % str(error)[:200]) from None
    if not isinstance(mapping, dict):
        raise _invalid("the document is no JSON object")
    return mapping


def parse(opaque: str) -> Document:
    """Read and check an opaque document.

    Raises:
        Refusal: `document_invalid`, or a code of `names` and `sudo_rules` for a name or a rule that isn't
        allowed.
    """
    mapping = decode(opaque)
    version = mapping.get("version")
    if not fields.is_whole(version) or version != names.DOCUMENT_VERSION:
        raise _invalid("the document's version is %s, this code reads 1" % names.shown(version))
    fields.only(
        mapping,
        ("version", "host_id", "orchestrator_id", "sequence", "exclusive", "ca_keys", "accounts"),
        "document",
    )
    document = Document(
        host_id=fields.hex_id(mapping.get("host_id"), "host_id"),
        orchestrator_id=fields.hex_id(mapping.get("orchestrator_id"), "orchestrator_id"),
        sequence=fields.optional_number(mapping.get("sequence"), 1, names.SEQUENCE_MAX, "sequence"),
        exclusive=fields.truth(mapping.get("exclusive", False), "exclusive"),
        ca_keys=fields.ca_keys(mapping.get("ca_keys", [])),
        accounts=_accounts(mapping.get("accounts", [])),
        digest=sha256(encode(mapping)).hexdigest(),
    )
    _check_whole(document)
    return document


def _accounts(value: object) -> tuple:
    found = fields.items(value, dict, names.ACCOUNTS_MAX, "accounts")
    return tuple(_account(account) for account in found)


def _account(value: dict) -> AccountWanted:
    name = value.get("name")
    names.check_login(name)
    where = "account %s" % name
    fields.only(
        value,
        (
            "name",
            "uid",
            "comment",
            "shell",
            "existing",
            "join_without_log",
            "home_on_removal",
            "user_cleanup_days",
            "remove",
            "grants",
        ),
        where,
    )
    present, absent = _grants(value.get("grants", []), where)
    existing = fields.one_of(value.get("existing", REFUSE), (REFUSE, JOIN), where + ", existing")
    account = AccountWanted(
        name=name,
        uid=_uid(value.get("uid"), existing, where),
        comment=fields.matching(value.get("comment"), names.COMMENT, where + ", comment"),
        shell=fields.matching(value.get("shell"), names.SHELL, where + ", shell"),
        existing=existing,
        home_on_removal=fields.one_of(
            value.get("home_on_removal", "archive"),
            ("archive", "delete", "keep"),
            where + ", home_on_removal",
        ),
        user_cleanup_days=fields.optional_number(
            value.get("user_cleanup_days"), 0, names.CLEANUP_DAYS_MAX, where + ", user_cleanup_days"
        ),
        remove=fields.truth(value.get("remove", False), where + ", remove"),
        grants=present,
        absent=absent,
        join_without_log=fields.one_of(
            value.get("join_without_log", REFUSE), (REFUSE, END_ALL), where + ", join_without_log"
        ),
    )
    if account.remove and account.grants:
        raise _invalid("%s is to be removed and still has grants" % where)
    return account


def _uid(value: object, existing: str, where: str) -> int:
    uid = fields.number(value, 0, (1 << 32) - 2, where + ", uid")
    if existing == JOIN:
        if not names.may_be_joined(uid):
            raise Refusal(
                "uid_out_of_range",
                "%s: the uid %d is no person's own: those begin with %d, and %d to %d are Daypass's"
                % (where, uid, names.JOIN_UID_MIN, names.UID_MIN, names.UID_MAX),
            )
    elif not names.UID_MIN <= uid <= names.UID_MAX:
        raise Refusal(
            "uid_out_of_range",
            "%s: the uid %d is not from %d to %d" % (where, uid, names.UID_MIN, names.UID_MAX),
        )
    return uid


def _grants(value: object, where: str) -> tuple:
    present, absent = [], []
    for entry in fields.items(value, dict, names.GRANTS_MAX, where + ", grants"):
        names.check_grant_id(entry.get("id"))
        inner = "%s, grant %s" % (where, entry["id"])
        if fields.one_of(entry.get("state", PRESENT), (PRESENT, ABSENT), inner + ", state") == ABSENT:
            fields.only(entry, ("id", "state"), inner)
            absent.append(entry["id"])
        else:
            present.append(_grant(entry, inner))
    return tuple(present), tuple(absent)


def _grant(entry: dict, where: str) -> GrantWanted:
    fields.only(entry, GRANT_FIELDS, where)
    groups = fields.groups(entry.get("groups", []), where)
    return GrantWanted(
        id=entry["id"],
        principals=fields.principals(entry.get("principals"), entry["id"], where),
        groups=groups,
        warn_before=fields.number(
            entry.get("warn_before", 0), 0, names.WARN_BEFORE_MAX, where + ", warn_before"
        ),
        sudo=tuple(SudoRule(*rule) for rule in fields.sudo(entry.get("sudo", []), where)),
        not_after=fields.moment(entry.get("not_after"), where + ", not_after"),
        constraints=constraints_of(entry.get("extensions"), entry.get("critical_options"), where),
        create_groups=fields.create_groups(entry.get("create_groups", []), groups, where),
    )


def _check_whole(document: Document) -> None:
    fields.unique([account.name for account in document.accounts], "account name")
    fields.unique([account.uid for account in document.accounts], "uid")
    ids = [grant.id for account in document.accounts for grant in account.grants]
    ids += [grant_id for account in document.accounts for grant_id in account.absent]
    fields.unique(ids, "grant id")
    if document.sequence is not None and (document.host_id is None or document.orchestrator_id is None):
        raise _invalid("a document with a sequence needs host_id and orchestrator_id")
    if not document.ca_keys and any(account.grants for account in document.accounts):
        raise _invalid("the document has grants and no ca_keys")


def _unique(pairs: list) -> dict:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return mapping


def _invalid(sentence: str) -> Refusal:
    return Refusal("document_invalid", sentence)
