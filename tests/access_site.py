"""An orchestrator with people, a flow and servers, used by its commands in this process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from daypass.ca.keys import generate_ca_key, load_ca_key, public_line
from daypass.ca.public_keys import check_public_key
from daypass.cli import main
from daypass.domain.grants import Grant, Trigger
from daypass.domain.hosts import Host
from daypass.domain.windows import window_from
from daypass.wiring import open_daypass
from daypass.workflow.giving import NewGrant, record_grant
from daypass.workflow.signing import sign_reserved

CONFIGURATION = """
state_dir: state
directory: directory.yaml
integrations:
  - name: prod
    servers: [{name: web-1, host: 192.0.2.1, port: 2222}, {name: db-1, host: 192.0.2.2}]
    user_groups: [Default, ops]
    secret: {file: connector}
    custom_access_details: |-
      Call #infra before touching db-*.
      Deploys are on Tuesdays.
  - {name: plain, servers: [{name: x-1, host: 192.0.2.3}], secret: {file: connector}}
access_flows:
  - name: work
    requesters: {group: ops}
    targets: {integration: prod, user_groups: [Default, ops]}
    max_duration: 8h
    max_extensions: 2
    extension_duration: 30m
    approvers: none
"""
DIRECTORY = """
people:
  - {email: alice@example.com, login: alice, groups: [ops]}
  - {email: bob@example.com, login: bob, groups: [ops]}
"""


class Site:
    """An orchestrator whose servers count as onboarded; nothing is ever sent."""

    def __init__(self, folder: Path) -> None:
        connector = folder / "connector"
        connector.write_bytes(generate_ca_key("ed25519").reveal())
        connector.chmod(0o600)
        self.config = folder / "daypass.yaml"
        self.config.write_text(CONFIGURATION)
        (folder / "directory.yaml").write_text(DIRECTORY)
        assert self.run("init").exit_code == 0
        with open_daypass(self.config) as opened, opened.seams.store.write("test", opened.now()) as work:
            for name in ("web-1", "db-1"):
                work.set_host(Host(name, opened.seams.new_host_id(), onboarded_at=opened.now()))

    def run(self, *words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--config", str(self.config)], input=answer)

    def access(self, *words: str) -> Result:
        return self.run("access", *words)

    def give(
        self, login: str = "alice", *servers: str, begins: timedelta = timedelta(0), **words: object
    ) -> Grant:
        """Two and a half hours by the flow `work`, recorded and signed."""
        key = check_public_key(public_line(load_ca_key(generate_ca_key("ed25519"))))
        with open_daypass(self.config) as opened:
            seams, now = opened.seams, opened.now()
            new = NewGrant(
                login=login,
                comment=f"{login}@example.com",
                flow="work",
                reason="deploy",
                window=window_from(now + begins, timedelta(minutes=150)),
                servers=servers or ("web-1",),
                groups=("ops",),
                public_keys=(key,),
                trigger=Trigger.SELF_SERVE,
            )
            with seams.store.write("test", now) as work:
                grant = record_grant(seams, work, replace(new, **words), now)
            with seams.store.read() as view:
                certificates = view.certificates(grant.id)
            for certificate in certificates:
                sign_reserved(seams, grant, certificate.serial, now)
        return grant
