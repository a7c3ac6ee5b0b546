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
    StrictBool,
    StrictInt,
    field_validator,
    model_validator,
)

from daypass import host_rules
from daypass.config import fields
from daypass.config.access_flows import AccessFlow, Bundle
from daypass.config.directory import DirectorySettings
from daypass.config.notices import Notices
from daypass.config.part import Length, Part, PlainText, SecretField
from daypass.domain.grants import DEFAULT_GROUP, SudoRule
from daypass.domain.key_names import DEFAULT_KEY_NAME
from daypass.domain.secrets import FromFile, Secret, SecretReference
from daypass.domain.servers import Server
from daypass.errors import UsageError

FORKS = 20  # two cores serve 20 to 50 connections equally well (measured with 100 hosts)
WAVE_SECONDS = (
    300  # 100 hosts take 25 s; a host that hangs gives up after 10 s, then the next fork's turn comes
)
MOST_DAYS = 36_500
CA_KEY_NAME = "user_ca"  # in state_dir, where `ca` isn't given
DATABASE_FILE = "daypass.sqlite3"  # in state_dir, where `database` isn't given

Attribute = Literal["user", "group", "shift"]


class SudoSetting(Part):
    """One sudo rule of a user group, as the hosts will check it again."""

    run_as: PlainText = "root"
    """As whom the commands run."""
    commands: Annotated[tuple[str, ...] | Literal["ALL"], PlainValidator(fields.sudo_commands)]
    """`ALL`, or commands with their whole paths. One without arguments (`/usr/bin/systemctl`) allows
    any arguments; one that can start a shell or an editor is as good as `ALL`. Allowed: at most 64
    commands of 512 characters, no wildcards.
    """

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
    """Name of the group on the servers, where it must exist, unless `create` is set. A grant that names
    a group which isn't listed is refused. Allowed: a letter or `_`, then at most 31 of letters, digits,
    `_ . -`; not `root`, not `daypass…`.
    """
    create: StrictBool = False
    """Whether a server makes the group where it is missing, with a gid from 70000 to 99999, and removes
    it after its last member's grant. Allowed: not for `Default`, nor for a name of the system's or with
    root's rights (`sudo`, `docker`, …); small letters.
    """
    sudo_settings: tuple[SudoSetting, ...] = Field(default=(), alias="sudo")
    """Sudo rules that a grant with this group gives. Allowed: at most 16."""

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

    @model_validator(mode="after")
    def _may_be_created(self) -> UserGroup:
        if self.create and self.name == DEFAULT_GROUP:
            raise fields.refuse(f"no `create`: {DEFAULT_GROUP} is no group on the servers", "create: true")
        if self.create:
            try:
                host_rules.check_created_group(self.name)
            except UsageError as error:
                allowed = error.hint or "no `create` for it, or a group of another name"
                raise fields.refuse(allowed, error.sentence) from None
        return self

    @property
    def sudo(self) -> tuple[SudoRule, ...]:
        return tuple(setting.rule for setting in self.sudo_settings)


class Owner(Part):
    """Who answers for an integration: people by user, group or shift."""

    attribute: Attribute
    """What the values name."""
    values: Annotated[tuple[PlainText, ...], AfterValidator(fields.not_empty)]
    """Names of users, groups or shifts of the directory; one of them is enough."""


class ResourceOwner(Part):
    """Who answers for single servers: the value of the tag `key` names a user, group or shift."""

    key: PlainText
    """The tag of a server whose value says who."""
    attribute: Attribute
    """What the tag's value names."""


class Integration(Part):
    """A named set of servers with its settings (design.md, Configuration; source document)."""

    name: Annotated[str, PlainValidator(fields.integration_name)]
    """Its name; flows and the record know it by that. Allowed: unique, case aside."""
    servers: tuple[InstanceOf[Server], ...]
    """The [server list](#the-server-list): a path, a list in place, or the minified JSON as text. Allowed:
    1 to 200,000 servers, names unique over all integrations.
    """
    user_groups: tuple[UserGroup, ...] = (UserGroup(name=DEFAULT_GROUP),)
    """Groups that grants may name. Allowed: each once."""
    login_shell: Annotated[str, PlainValidator(fields.login_shell)] = "/bin/bash"
    """Shell of the accounts. A server whose `/etc/shells` doesn't have it refuses the grant."""
    user_key_name: Annotated[str, PlainValidator(fields.user_key_name)] = DEFAULT_KEY_NAME
    """File name of a person's key pair below `~/.ssh`: made there where it is missing, and named in the ssh
    commands that are printed.
    """
    secret: SecretField
    """Private key of the connector user: PEM, or base64 of it, wrapped or not. Allowed: no passphrase."""
    credential_rotation_days: StrictInt | None = Field(default=None, ge=1, le=MOST_DAYS)
    """Days after which the connector's key is to be changed; kept for that, not used yet. Default:
    `null`, never.
    """
    user_cleanup_days: StrictInt | None = Field(default=None, ge=0, le=MOST_DAYS)
    """Days from the end of an account's last grant to its removal, as they were set when it was given.
    0: at the next `reconcile`. Default: `null`, accounts stay, closed.
    """
    custom_access_details: Annotated[str, PlainValidator(fields.access_details)] = ""
    """Text that is shown to people with their access; try it with `daypass access details`. Default:
    empty.
    """
    integration_owner: Owner | None = None
    """Who answers as `owner` for servers for which no resource owner is found. Default: nobody."""
    resource_owner: ResourceOwner | None = None
    """Which tag of a server names who answers as its `owner`. Needs `integration_owner`. Default: none."""
    existing_accounts: Literal["refuse", "join"] = "refuse"
    """What happens to a person's account that was there before: it is refused, or
    [joined](#joining-accounts).
    """
    join_without_log: Literal["refuse", "end_all"] = "refuse"
    """On a server that keeps no log of sshd's: don't join there, or end all of the person's SSH
    sessions with a grant.
    """
    home_on_removal: Literal["archive", "delete", "keep"] = "archive"
    """What becomes of a removed account's home. `archive`: a tar file in `/home/.daypass-archive`, for
    root alone; a home above 10 GiB waits, and is told.
    """
    local_deadline: Literal["required", "if_possible"] = "required"
    """What happens with a server that has neither systemd nor a running cron and so can't end access by
    itself. `if_possible` takes it, each answer warns, and access there ends with the next wave.
    """

    def sudo_of(self, groups: Collection[str]) -> tuple[SudoRule, ...]:
        """The sudo rules of these user groups together."""
        return tuple(rule for group in self.user_groups if group.name in groups for rule in group.sudo)

    @property
    def created_groups(self) -> frozenset[str]:
        """The groups that servers make where they are missing."""
        return frozenset(group.name for group in self.user_groups if group.create)

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
    """Private key that signs certificates. `daypass init` makes an ed25519 key there, 0600, where it is
    a file that doesn't exist; it never replaces one. Allowed: ed25519, ecdsa, or rsa from 3072 bits, no
    passphrase.
    """


def _ca_below(state_dir: Path) -> CertificateAuthority:
    return CertificateAuthority.model_construct(key=FromFile(state_dir / CA_KEY_NAME))


class Waves(Part):
    """How Ansible runs: hosts at a time, and the seconds after which what has no result counts as unknown."""

    forks: StrictInt = Field(default=FORKS, ge=1, le=200)
    """Servers that are worked on at the same time. More is quicker until the machine's cores are busy."""
    deadline_seconds: StrictInt = Field(default=WAVE_SECONDS, ge=30, le=3600)
    """Seconds after which a server without a result counts as unknown and is tried again."""


class Settings(Part):
    """daypass.yaml."""

    source: Path
    server_lists: tuple[Path, ...] = ()
    state_dir: Annotated[Path, PlainValidator(fields.file_path)]
    """Folder of the SQLite database, the audit log's anchor and, from `init`, the CA key. Default:
    `./.daypass`. Allowed: mode 0700, refused when others can enter.
    """
    database: Annotated[Secret | None, PlainValidator(fields.database_url)] = None
    """Where the record is kept: SQLite in `state_dir`, or a PostgreSQL URL. Default: `null`, SQLite."""
    ca: CertificateAuthority = Field(default_factory=lambda checked: _ca_below(checked["state_dir"]))
    """The [certificate authority](#ca). Default: the file `user_ca` in `state_dir`."""
    integrations: Annotated[tuple[Integration, ...], AfterValidator(fields.not_empty)]
    """Sets of servers with their settings."""
    waves: Waves = Waves()
    """How Ansible is run."""
    direct_grant_max: Annotated[timedelta, PlainValidator(fields.grant_length)] = timedelta(days=30)
    """Longest time that `daypass grant --for` takes; nothing to do with flows."""
    directory: DirectorySettings | None = None
    """Where people come from: a file, or an [LDAP directory](#directoryldap). Allowed: a path, or
    [an object](#the-directory). Default: `null`, any login may get a grant.
    """
    request_expires_after: Length = timedelta(hours=24)
    """How long a request waits for an answer, whatever the access that it is about; then it expires."""
    bundles: tuple[Bundle, ...] = ()
    """[Targets](#targets-and-bundles) under a name, for several flows."""
    access_flows: tuple[AccessFlow, ...] = ()
    """Who may have what, for how long, and who says yes. Their order counts: the first that fits
    decides. Needs `directory`.
    """
    notices: Notices = Notices()
    """Who is told of what, and how. Default: nobody is told."""

    @property
    def servers(self) -> tuple[Server, ...]:
        """All servers of all integrations, in the configuration's order."""
        return tuple(server for integration in self.integrations for server in integration.servers)

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of ours: this one, and those that it names; no secrets."""
        of_people = self.directory.files if self.directory else ()
        return (self.source, *self.server_lists, *of_people)

    @property
    def secrets(self) -> tuple[SecretReference, ...]:
        """Every secret that is named; the CA's first."""
        ldap = self.directory.ldap if self.directory else None
        return (
            self.ca.key,
            *(integration.secret for integration in self.integrations),
            *(channel.url for channel in self.notices.channels),
            *([ldap.password] if ldap and ldap.password else ()),
        )
