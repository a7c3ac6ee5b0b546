"""Where people come from, as a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from daypass.config import Settings, load
from daypass.errors import ConfigurationError

LDAP = {"urls": "ldaps://ldap.example.com", "people": {"base": "ou=people,dc=example,dc=com"}}


def loaded(folder: Path, directory: Any) -> Settings:
    file = folder / "daypass.yaml"
    integration = {"name": "prod", "servers": [{"name": "web-1", "host": "h"}], "secret": {"file": "k"}}
    file.write_text(yaml.safe_dump({"directory": directory, "integrations": [integration]}))
    return load(file, {}, folder)


def test_path_alone_is_a_file(tmp_path):
    """As it always was; from the configuration's own folder."""
    for written in ("people.yaml", {"file": "people.yaml"}):
        assert loaded(tmp_path, written).directory.files == (tmp_path / "people.yaml",)


def test_ldap_with_everything_else_as_it_is_by_default(tmp_path):
    """The attributes of inetOrgPerson, and of OpenSSH's schema for keys."""
    ldap = loaded(tmp_path, {"ldap": LDAP}).directory.ldap
    assert ldap.urls == ("ldaps://ldap.example.com",)
    assert (ldap.people.login, ldap.people.email, ldap.people.public_keys) == ("uid", "mail", "sshPublicKey")
    assert ldap.groups is None


@pytest.mark.parametrize(
    "url",
    [
        "http://ldap.example.com",
        "ldap.example.com",
        "ldaps://",
        "ldaps://a b",
        "ldapi:///",
        "ldaps://h/dc=x",
        7,
    ],
)
def test_only_addresses_that_are_spoken_to_with_tls_are_taken(tmp_path, url):
    """ldap:// is StartTLS; there is no setting that leaves it out."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, {"ldap": {**LDAP, "urls": [url]}})
    assert "directory.ldap.urls" in caught.value.problems[0]


@pytest.mark.parametrize(
    ("directory", "problem"),
    [
        ({}, "file or ldap"),
        ({"file": "a", "ldap": LDAP}, "file or ldap"),
        ({"file": "a", "shifts": "b"}, "shifts in the file itself"),
        ({"ldap": {**LDAP, "bind_dn": "cn=a,dc=x"}}, "bind_dn and password"),
        ({"ldap": {**LDAP, "password": "hunter2"}}, "a secret reference"),
        ({"ldap": {**LDAP, "refresh": "2h"}}, "full_refresh"),
        ({"ldap": {**LDAP, "max_age": "1m"}}, "max_age"),
        ({"ldap": {**LDAP, "people": {"base": "people"}}}, "a distinguished name"),
        ({"ldap": {**LDAP, "people": {"base": "dc=x", "filter": "(a=b"}}}, "in parentheses"),
        ({"ldap": {**LDAP, "people": {"base": "dc=x", "login": "uid;x"}}}, "name of an attribute"),
        (
            {
                "ldap": {
                    **LDAP,
                    "people": {"base": "dc=x", "disabled": {"attribute": "a", "bit": 2, "values": "b"}},
                }
            },
            "one",
        ),
        ({"file": "a", "gone_at_once": 101}, "100 or less"),
    ],
)
def test_what_does_not_fit_is_told(tmp_path, directory, problem):
    """With what is allowed; a password in the file isn't repeated."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, directory)
    told = "\n".join(caught.value.problems)
    assert problem in told
    assert "hunter2" not in told
