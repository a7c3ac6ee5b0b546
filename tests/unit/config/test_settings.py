from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from daypass.domain.grants import SudoRule
from daypass.domain.secrets import FromEnvironment

OWNER = {"attribute": "group", "values": ["platform"]}


def test_every_setting_of_the_design_is_read(settings_of):
    """The example of the documentation, field by field."""
    integration = settings_of(
        integration={
            "user_groups": [
                "Default",
                {
                    "name": "ops",
                    "sudo": [{"run_as": "root", "commands": ["/usr/bin/systemctl restart nginx"]}],
                },
                {"name": "dba", "sudo": [{"run_as": "postgres", "commands": "ALL"}]},
            ],
            "login_shell": "/bin/bash",
            "user_key_name": "daypass",
            "secret": {"env": "DAYPASS_CONNECTOR_KEY"},
            "credential_rotation_days": 30,
            "user_cleanup_days": 90,
            "custom_access_details": "Call #infra before touching db-*.",
            "integration_owner": OWNER,
            "resource_owner": {"key": "owner", "attribute": "group"},
            "existing_accounts": "join",
            "home_on_removal": "keep",
        }
    ).integrations[0]
    assert {group.name: group.sudo for group in integration.user_groups} == {
        "Default": (),
        "ops": (SudoRule("root", ("/usr/bin/systemctl restart nginx",)),),
        "dba": (SudoRule("postgres", "ALL"),),
    }
    assert integration.secret == FromEnvironment("DAYPASS_CONNECTOR_KEY")
    assert (integration.user_cleanup_days, integration.credential_rotation_days) == (90, 30)
    assert integration.integration_owner.values == ("platform",)
    assert integration.resource_owner.key == "owner"


def test_only_groups_that_say_so_may_be_created(settings_of):
    """A group must exist on the servers unless its own entry says `create`; docker may still be used."""
    groups = ["docker", "ops", {"name": "night", "create": True}]
    assert settings_of(integration={"user_groups": groups}).integrations[0].created_groups == {"night"}


def test_database_url_never_shows_its_password(settings_of):
    """It may hold one; the settings can be printed all the same."""
    settings = settings_of(database="postgresql://daypass:topsecret@db/daypass")
    assert settings.database.reveal() == b"postgresql://daypass:topsecret@db/daypass"
    assert "topsecret" not in f"{settings} {settings!r}"


@pytest.mark.parametrize("days", [None, 0, 1, 36_500])
def test_cleanup_is_never_at_once_or_after_days(settings_of, days):
    """null = never, 0 = at the next reconcile."""
    assert settings_of(integration={"user_cleanup_days": days}).integrations[0].user_cleanup_days == days


GOOD: list[tuple[str, Any]] = [
    ("name", "Prod-linux-2"),
    ("login_shell", "/usr/bin/zsh"),
    ("user_key_name", "id_daypass"),
    ("custom_access_details", "x" * 400),
    ("custom_access_details", "first line\nsecond line: grüße"),
    ("custom_access_details", None),
    ("user_groups", ["ops"]),
    ("integration_owner", {"attribute": "user", "values": ["alice@example.com"]}),
]


@pytest.mark.parametrize(("field", "value"), GOOD)
def test_allowed_value_is_taken(problems_of, field, value):
    """The other side of the refusals below."""
    assert problems_of(integration={field: value}) == []


BAD: list[tuple[str, Any, str]] = [
    ("name", "prod linux", "name"),
    ("name", "-prod", "name"),
    ("name", "prod_linux", "name"),
    ("name", "prod\n", "name"),
    ("name", 7, "name"),
    ("name", "x" * 64, "name"),
    ("user_groups", [], "user_groups"),
    ("user_groups", None, "user_groups"),
    ("user_groups", "ops", "user_groups"),
    ("user_groups", ["ops", "ops"], "user_groups"),
    ("user_groups", ["-ops"], "user_groups[0].name"),
    ("user_groups", ["daypass-join"], "user_groups[0].name"),
    ("user_groups", [7], "user_groups[0]"),
    ("user_groups", [{"sudo": []}], "user_groups[0].name"),
    ("user_groups", [{"name": "Default", "sudo": [{"commands": "ALL"}]}], "user_groups[0]"),
    ("user_groups", [{"name": "ops", "sudo": [{}]}], "user_groups[0].sudo[0].commands"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": "all"}]}], "user_groups[0].sudo[0].commands"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": []}]}], "user_groups[0].sudo[0].commands"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": ["ls"]}]}], "user_groups[0].sudo[0]"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": ["/bin/ls\nALL"]}]}], "user_groups[0].sudo[0]"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": ["/bin/ls #"]}]}], "user_groups[0].sudo[0]"),
    ("user_groups", [{"name": "ops", "sudo": [{"commands": ["/bin/ls \\"]}]}], "user_groups[0].sudo[0]"),
    (
        "user_groups",
        [{"name": "ops", "sudo": [{"run_as": "a,b", "commands": "ALL"}]}],
        "user_groups[0].sudo[0]",
    ),
    ("user_groups", [{"name": "Default", "create": True}], "user_groups[0]"),
    ("user_groups", [{"name": "docker", "create": True}], "user_groups[0]"),
    ("user_groups", [{"name": "adm", "create": True}], "user_groups[0]"),
    ("user_groups", [{"name": "Ops", "create": True}], "user_groups[0]"),
    ("user_groups", [{"name": "ops", "create": "yes"}], "user_groups[0].create"),
    ("login_shell", "bash", "login_shell"),
    ("login_shell", "/bin/../bin/bash", "login_shell"),
    ("login_shell", "/bin/bash\n", "login_shell"),
    ("login_shell", "/bin/ba:sh", "login_shell"),
    ("user_key_name", "../id", "user_key_name"),
    ("user_key_name", "a/b", "user_key_name"),
    ("user_key_name", ".id", "user_key_name"),
    ("user_key_name", "-id", "user_key_name"),
    ("user_key_name", "config", "user_key_name"),
    ("user_key_name", "authorized_keys", "user_key_name"),
    ("user_key_name", "id.pub", "user_key_name"),
    ("secret", None, "secret"),
    ("secret", "LS0tLS1CRUdJTg==", "secret"),
    ("secret", {}, "secret"),
    ("secret", {"env": "A B"}, "secret"),
    ("secret", {"env": "A", "file": "b"}, "secret"),
    ("secret", {"value": "LS0tLS1CRUdJTg=="}, "secret"),
    ("secret", {"file": "~/key"}, "secret"),
    ("credential_rotation_days", 0, "credential_rotation_days"),
    ("credential_rotation_days", "30", "credential_rotation_days"),
    ("user_cleanup_days", -1, "user_cleanup_days"),
    ("user_cleanup_days", True, "user_cleanup_days"),
    ("user_cleanup_days", 1.5, "user_cleanup_days"),
    ("user_cleanup_days", 10**9, "user_cleanup_days"),
    ("custom_access_details", "x" * 401, "custom_access_details"),
    ("custom_access_details", "\x1b[31mred", "custom_access_details"),
    ("custom_access_details", 7, "custom_access_details"),
    ("integration_owner", {"attribute": "groop", "values": ["a"]}, "integration_owner.attribute"),
    ("integration_owner", {"attribute": "group", "values": []}, "integration_owner.values"),
    ("integration_owner", {"attribute": "group", "values": [7]}, "integration_owner.values[0]"),
    ("integration_owner", "platform", "integration_owner"),
    ("resource_owner", {"key": "owner", "attribute": "group"}, "resource_owner"),
    ("existing_accounts", "adopt", "existing_accounts"),
    ("home_on_removal", None, "home_on_removal"),
]


@pytest.mark.parametrize(("field", "value", "path"), BAD)
def test_other_value_is_one_problem_at_its_path(problems_of, field, value, path):
    """Refused with path, what was found and what is allowed; never repaired."""
    [problem] = problems_of(integration={field: value})
    assert problem.startswith(f"integrations[0].{path}: found ")
    assert "; allowed: " in problem


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state_dir", 7),
        ("state_dir", "~/daypass"),
        ("state_dir", ""),
        ("database", "mysql://db"),
        ("database", "sqlite:///x"),
        ("direct_grant_max", "3 weeks"),
        ("direct_grant_max", "3650d"),
        ("direct_grant_max", 30),
        ("integrations", []),
        ("integrations", {"name": "x"}),
        ("integrations", None),
        ("waves", None),
        ("ca", {}),
    ],
)
def test_other_setting_at_the_top_is_one_problem(problems_of, field, value):
    """The same for what stands outside integrations."""
    [problem] = problems_of(**{field: value})
    assert problem.startswith(field)


@pytest.mark.parametrize(
    "settings",
    [
        {"integration": {"secret": "LS0tLS1topsecret"}},
        {"integration": {"secret": {"value": "topsecret"}}},
        {"integration": {"secret": {"env": "topsecret key"}}},
        {"integration": {"connector_key": "topsecret"}},
        {"database": "mysql://daypass:topsecret@db/x"},
        {"ca": {"key": "topsecret"}},
        {"ca": {"key": {"file": "k"}, "secret": "topsecret"}},
    ],
)
def test_secret_that_was_pasted_is_not_shown(problems_of, settings):
    """Somebody will write the key itself where its reference belongs; the message must not spread it."""
    problems = problems_of(**settings)
    assert problems
    assert "topsecret" not in "".join(problems)


def test_unknown_field_is_named_with_the_likely_one(problems_of):
    """A setting with a typing mistake isn't silently the default, at any depth."""
    [problem] = problems_of(integration={"usercleanup_days": 3})
    assert "did you mean user_cleanup_days?" in problem
    groups = [{"name": "ops", "sudo": [{"commands": "ALL", "runas": "root"}]}]
    [problem] = problems_of(integration={"user_groups": groups})
    assert problem.startswith("integrations[0].user_groups[0].sudo[0].runas: ")
    assert "did you mean run_as?" in problem


def test_source_isnt_a_setting(problems_of):
    """The field that remembers the file can't be written by it."""
    [problem] = problems_of(source="/etc/passwd")
    assert problem.startswith("source: found an unknown field")


def test_longest_direct_grant_is_a_length(settings_of):
    """As people type it elsewhere."""
    assert settings_of(direct_grant_max="8h").direct_grant_max == timedelta(hours=8)
