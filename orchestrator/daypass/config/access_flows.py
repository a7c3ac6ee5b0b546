"""Access flows as settings: who may have what, for how long, when, and who says yes."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    WrapValidator,
    model_validator,
)

from daypass import host_rules
from daypass.config import fields
from daypass.config.approvers import Approvers, approvers
from daypass.config.conditions import Conditions, ServerFilter
from daypass.config.hours import Hours
from daypass.config.part import Length, Part, PlainText, as_list, not_many
from daypass.domain.certificates import PTY_ONLY
from daypass.domain.grants import DEFAULT_GROUP, DIRECT_FLOW
from daypass.errors import UsageError

FLOW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")  # it becomes a word of the certificate's key id
MOST_EXTENSIONS = host_rules.PRINCIPALS_MAX - 1  # each is a certificate more, and there is one at first


def flow_name(value: Any) -> str:
    if isinstance(value, str) and FLOW_NAME.fullmatch(value) and value != DIRECT_FLOW:
        return value
    raise fields.refuse(f"letters, digits, _ . -, at most 64, no space; not {DIRECT_FLOW}")


def server_group(value: Any) -> str:
    if value != DEFAULT_GROUP:
        try:
            host_rules.check_group(value)
        except UsageError as error:
            raise fields.refuse(error.hint or "a group on the servers", error.sentence) from None
    return str(value)


def source_address(value: Any) -> str:
    if isinstance(value, str) and host_rules.is_source_address(value):
        return value
    raise fields.refuse("an address or a network, as 192.0.2.0/24; no host bits, no netmask, no name")


def forced_command(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and host_rules.is_force_command(value)):
        return value
    raise fields.refuse(
        f"a command of at most {host_rules.FORCE_COMMAND_LENGTH} printable ASCII characters, "
        "no backslash at the end"
    )


class Exclusion(ServerFilter):
    """Servers that are left out: each part leaves out by itself."""


class Target(ServerFilter):
    """Servers, by everything that is said of them together, and the user groups that may be had there."""

    bundle: PlainText | None = None
    """Targets of this [bundle](#targets-and-bundles), and nothing else beside it."""
    exclude: Exclusion | None = None
    """Servers that are left out: by `integration`, `servers` or `tags`, each by itself."""
    user_groups: Annotated[
        tuple[Annotated[str, PlainValidator(server_group)], ...],
        BeforeValidator(as_list),
        AfterValidator(fields.not_empty),
    ] = (DEFAULT_GROUP,)
    """Groups that may be had there."""

    @model_validator(mode="after")
    def _says_which(self) -> Target:
        if self.bundle is None and self.is_empty:
            raise fields.refuse("integration, servers or tags, or a bundle", "a target without servers")
        if self.bundle is not None and self.model_fields_set != {"bundle"}:
            raise fields.refuse("a bundle by itself, or servers spelled out", "a bundle with more beside it")
        return self


Targets = Annotated[tuple[Target, ...], BeforeValidator(as_list), AfterValidator(fields.not_empty)]


class PlainTarget(Target):
    """A target of a bundle, which holds no other bundle."""

    @model_validator(mode="after")
    def _no_bundle(self) -> PlainTarget:
        if self.bundle is not None:
            raise fields.refuse("servers spelled out", "a bundle inside a bundle")
        return self


class Bundle(Part):
    """Targets under a name."""

    name: PlainText
    """Its name."""
    targets: Annotated[tuple[PlainTarget, ...], BeforeValidator(as_list), AfterValidator(fields.not_empty)]
    """What it stands for; no bundle inside a bundle."""


class CertificateConstraints(Part):
    """What the certificates of a flow can do, beside opening a session with a terminal."""

    source_addresses: Annotated[
        tuple[Annotated[str, PlainValidator(source_address)], ...], not_many(host_rules.SOURCE_ADDRESSES_MAX)
    ] = ()
    """Networks that a login may come from. Default: any."""
    force_command: Annotated[str | None, PlainValidator(forced_command)] = None
    """The one command that a login runs, by the login shell. Default: none, a session."""
    # mypy knows no Literal that is made while the program runs; pydantic does.
    extensions: tuple[Literal[tuple(sorted(host_rules.KNOWN_EXTENSIONS))], ...] = PTY_ONLY  # type: ignore[valid-type]
    """What a login may do beside running commands."""

    @property
    def critical_options(self) -> dict[str, str]:
        """As a certificate names them."""
        options = {}
        if self.source_addresses:
            options["source-address"] = ",".join(self.source_addresses)
        if self.force_command is not None:
            options["force-command"] = self.force_command
        return options


# What is a matter between a person who asks and those who answer; nobody asks for automatic access.
ONLY_SELF_SERVE = {
    "requesters": None,
    "request_for": ("self",),
    "timeframe": None,
    "justification_required": False,
    "require_approver_reason": False,
    "requester_may_approve": False,
    "max_extensions": 0,
    "break_glass": False,
}


class AccessFlow(Part):
    """One policy."""

    name: Annotated[str, PlainValidator(flow_name)]
    """Its name, part of each certificate's key id and so of sshd's log."""
    description: PlainText | None = None
    """For people who read the file."""
    active: StrictBool = True
    """`false`: as if it weren't there. What it gave lasts until its end, but isn't extended; automatic
    access ends.
    """
    labels: dict[PlainText, PlainText] = Field(default_factory=dict)
    """Texts of your own, by name."""
    trigger: Literal["self_serve", "automatic"] = "self_serve"
    """`self_serve`: somebody asks. `automatic`: the grantees have it by themselves, given, followed and
    ended by `reconcile`; settings about asking and answering are refused then.
    """
    requesters: Conditions | None = None
    """Who may ask. Default: required with `self_serve`; not with `automatic`."""
    grantees: Conditions | None = None
    """Who may have it. Default: those who may ask; required with `automatic`."""
    request_for: Annotated[
        tuple[Literal["self", "others"], ...], BeforeValidator(as_list), AfterValidator(fields.not_empty)
    ] = ("self",)
    """Whom one asks for."""
    targets: Targets
    """Which servers, and which groups there."""
    max_duration: Length
    """Longest time of one grant; with `automatic`, how long access lasts when no `reconcile` comes.
    There is no access without an end.
    """
    default_duration: Length | None = None
    """Time where none is asked for. Default: `max_duration`. Allowed: at most `max_duration`."""
    timeframe: Hours | None = None
    """Hours in which access may be; a grant ends when they do. Default: any time."""
    approvers: Annotated[Approvers, WrapValidator(approvers)]
    """Who says yes; `none` in so many words when nobody is asked. Allowed: [approvers](#approvers)."""
    requester_may_approve: StrictBool = False
    """Whether whoever asks, or gets the access, counts as approver."""
    justification_required: StrictBool | None = None
    """Whether a request must say why. Default: `true`; `false` with `automatic`."""
    require_approver_reason: StrictBool = False
    """Whether an approver must say why, in at most 124 characters."""
    max_extensions: StrictInt = Field(default=0, ge=0, le=MOST_EXTENSIONS)
    """How often people may extend their access without asking again. Needs `extension_duration`."""
    extension_duration: Length | None = None
    """How much later access may end with each extension, beyond `max_duration`. Needs `max_extensions`.
    Default: none.
    """
    certificate: CertificateConstraints = CertificateConstraints()
    """What binds the certificates. Default: a session with a terminal, from anywhere."""
    break_glass: StrictBool = False
    """Access at once; those in `notify` are told, and a review is due afterwards. Needs `approvers:
    none` and `notify`, and no `max_extensions`: asked again, everybody is told again.
    """
    notify: Conditions | None = None
    """Who is told of break-glass access. Default: nobody."""

    @model_validator(mode="after")
    def _fits_together(self) -> AccessFlow:
        found = list(self._odd())
        if found:
            raise fields.refuse(
                "; ".join(allowed for _, allowed in found), "; ".join(what for what, _ in found)
            )
        return self

    def _odd(self) -> list[tuple[str, str]]:
        """What was found and what is allowed, of settings that only make sense together."""
        odd: list[tuple[str, str]] = []
        if self.trigger == "automatic":
            odd.extend(self._odd_automatic())
        elif self.requesters is None:
            odd.append(("no requesters", "requesters, who may ask; `everyone` in so many words"))
        if self.default_duration is not None and self.default_duration > self.max_duration:
            odd.append(("default_duration above max_duration", "a default_duration within max_duration"))
        if (self.max_extensions > 0) != (self.extension_duration is not None):
            odd.append(("one of the two", "max_extensions (above 0) and extension_duration together"))
        if self.break_glass and (self.approvers.in_order or self.notify is None):
            allowed = "break_glass with `approvers: none`, and notify for those who are told"
            odd.append(("break_glass without that", allowed))
        if self.break_glass and self.max_extensions:  # an extension would tell nobody
            odd.append(
                ("break_glass with max_extensions", "break_glass without: asked again, all are told again")
            )
        return odd

    def _odd_automatic(self) -> list[tuple[str, str]]:
        odd = [
            (f"{name} with trigger automatic", f"{name} with trigger self_serve alone")
            for name, unset in ONLY_SELF_SERVE.items()
            if getattr(self, name) not in (unset, None)
        ]
        if self.approvers.in_order:
            odd.append(("approvers with trigger automatic", "`approvers: none`: nobody asks, nobody answers"))
        if self.grantees is None:
            odd.append(("no grantees", "grantees, who get this access by themselves"))
        return odd

    @property
    def justification_is_required(self) -> bool:
        if self.justification_required is None:
            return self.trigger == "self_serve"
        return self.justification_required
