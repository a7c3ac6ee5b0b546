"""The settings as they are after every check: frozen, unknown fields forbidden, secrets as references."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    InstanceOf,
    PlainValidator,
    StrictInt,
    field_validator,
    model_validator,
)

from daypass import host_rules
from daypass.config import fields
from daypass.config.access_flows import AccessFlow, Bundle
from daypass.config.notices import Notices
from daypass.config.part import Length, Part, PlainText, SecretField
from daypass.domain.grants import DEFAULT_GROUP, SudoRule
from daypass.domain.secrets import FromFile, Secret
from daypass.domain.servers import Server
from daypass.errors import UsageError

FORKS = 20  # two cores serve 20 to 50 connections equally well (measured with 100 hosts)
WAVE_SECONDS = (
    300  # 100 hosts take 25 s; a host that hangs gives up after 10 s, then the next fork's turn comes
)
MOST_DAYS = 36_500
CA_KEY_NAME = "user_ca"  # in state_dir, where `ca` isn't given

Attribute = Literal["user", "group", "shift"]


class SudoSetting(Part):
    """One sudo rule of a user group, as the hosts will check it again."""

    run_as: PlainText = "root"
    commands: Annotated[tuple[str, ...] | Literal["ALL"], PlainValidator(fields.sudo_commands)]

    @model_validator(mode="after")
    def _fits_hosts(self) -> SudoSetting:
        try:
            host_rules.check_sudo_rule(self.rule)
        except UsageError as error:
            raise fields.refuse(error.hint or "a rule that sudo and the hosts take", error.sentence) from None
        return self

    @property
    def rule(self) -> SudoRule:
        return SudoRule(self.run_as, self.commands)


class UserGroup(Part):
    """The unit of permission: a group on the server, optionally with sudo rules; `Default` isn't one."""

    name: str
    sudo_settings: tuple[SudoSetting, ...] = Field(default=(), alias="sudo")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("name", mode="plain")
    @classmethod
    def _fits_hosts(cls, value: Any) -> str:
        if value != DEFAULT_GROUP:
            try:
                host_rules.check_group(value)
            except UsageError as error:
                allowed = error.hint or f"{DEFAULT_GROUP}, or the name of a group on the servers"
                raise fields.refuse(allowed, error.sentence) from None
        return str(value)

    @model_validator(mode="after")
    def _default_is_plain(self) -> UserGroup:
        if self.name == DEFAULT_GROUP and self.sudo_settings:
            raise fields.refuse(f"a group of its own for them: {DEFAULT_GROUP} gives nothing", "sudo rules")
        return self

    @property
    def sudo(self) -> tuple[SudoRule, ...]:
        return tuple(setting.rule for setting in self.sudo_settings)


class Owner(Part):
    """Who answers for an integration: people by user, group or shift."""

    attribute: Attribute
    values: Annotated[tuple[PlainText, ...], AfterValidator(fields.not_empty)]


class ResourceOwner(Part):
    """Who answers for single servers: the value of the tag `key` names a user, group or shift."""

    key: PlainText
    attribute: Attribute


class Integration(Part):
    """A named set of servers with its settings (design.md, Configuration; source document).

    Attributes:
        credential_rotation_days: None = never.
        user_cleanup_days: From the end of the last grant to removal; None = never, 0 = next reconcile.
        local_deadline: Whether a server that can't end access by itself is refused at onboarding.
        resource_owner: Needs `integration_owner`, who answers where no tag names anyone.
    """

    name: Annotated[str, PlainValidator(fields.integration_name)]
    servers: tuple[InstanceOf[Server], ...]
    user_groups: tuple[UserGroup, ...] = (UserGroup(name=DEFAULT_GROUP),)
    login_shell: Annotated[str, PlainValidator(fields.login_shell)] = "/bin/bash"
    user_key_name: Annotated[str, PlainValidator(fields.user_key_name)] = "daypass"
    secret: SecretField
    credential_rotation_days: StrictInt | None = Field(default=None, ge=1, le=MOST_DAYS)
    user_cleanup_days: StrictInt | None = Field(default=None, ge=0, le=MOST_DAYS)
    custom_access_details: Annotated[str, PlainValidator(fields.access_details)] = ""
    integration_owner: Owner | None = None
    resource_owner: ResourceOwner | None = None
    existing_accounts: Literal["refuse", "join"] = "refuse"
    join_without_log: Literal["refuse", "end_all"] = "refuse"
    home_on_removal: Literal["archive", "delete", "keep"] = "archive"
    local_deadline: Literal["required", "if_possible"] = "required"

    def sudo_of(self, groups: Collection[str]) -> tuple[SudoRule, ...]:
        """The sudo rules of these user groups together."""
        return tuple(rule for group in self.user_groups if group.name in groups for rule in group.sudo)

    @field_validator("user_groups")
    @classmethod
    def _groups_once(cls, value: tuple[UserGroup, ...]) -> tuple[UserGroup, ...]:
        names = [group.name for group in value]
        again = [name for number, name in enumerate(names) if name in names[:number]]
        if not names or again:
            raise fields.refuse("at least one group, each once", ", ".join(again) or "no group")
        return value


class CertificateAuthority(Part):
    key: SecretField


def _ca_below(state_dir: Path) -> CertificateAuthority:
    return CertificateAuthority.model_construct(key=FromFile(state_dir / CA_KEY_NAME))


class Waves(Part):
    """How Ansible runs: hosts at a time, and the seconds after which what has no result counts as unknown."""

    forks: StrictInt = Field(default=FORKS, ge=1, le=200)
    deadline_seconds: StrictInt = Field(default=WAVE_SECONDS, ge=30, le=3600)


class Settings(Part):
    """daypass.yaml.

    Attributes:
        source: The file that was read.
        database: None = SQLite in state_dir; a PostgreSQL URL is kept as a secret, as it may hold a password.
        directory: The file of people, groups and shifts; None = logins are all that is known of people.
        request_expires_after: How long a request waits for an answer, whatever the access that it is about.
        bundles: Targets under a name, for several flows.
        access_flows: Their order counts: of several that fit, the first one decides.
        notices: Who is told of what, and how.
    """

    source: Path
    state_dir: Annotated[Path, PlainValidator(fields.file_path)]
    database: Annotated[Secret | None, PlainValidator(fields.database_url)] = None
    ca: CertificateAuthority = Field(default_factory=lambda checked: _ca_below(checked["state_dir"]))
    integrations: Annotated[tuple[Integration, ...], AfterValidator(fields.not_empty)]
    waves: Waves = Waves()
    direct_grant_max: Annotated[timedelta, PlainValidator(fields.grant_length)] = timedelta(days=30)
    directory: Annotated[Path | None, PlainValidator(fields.optional_path)] = None
    request_expires_after: Length = timedelta(hours=24)
    bundles: tuple[Bundle, ...] = ()
    access_flows: tuple[AccessFlow, ...] = ()
    notices: Notices = Notices()

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of all integrations, in the configuration's order."""
        return tuple(server for integration in self.integrations for server in integration.servers)
