"""People and access flows for the session's site, for one test; others go without a directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.orchestrator import Granted, Orchestrator


class Company:
    """A directory and flows that a test writes, and the commands that people give.

    Logins are a test's own: `Company(site, "req")` knows `req-asker` and so on by what it is given.
    """

    def __init__(self, site: Orchestrator) -> None:
        self.site = site
        self._settings = site.folder / "daypass.yaml"
        self._before = self._settings.read_text()

    def write(
        self, people: Sequence[Mapping[str, Any]], flows: Sequence[Mapping[str, Any]], **settings: Any
    ) -> None:
        """What the next command reads; everybody has the key that `site.key` makes, and an address.

        Args:
            settings: More of daypass.yaml.
        """
        listed = [self._person(person) for person in people]
        (self.site.folder / "directory.yaml").write_text(yaml.safe_dump({"people": listed}))
        self.site.forget_people()
        policy = yaml.safe_dump({"directory": "directory.yaml", "access_flows": list(flows), **settings})
        self._settings.write_text(f"{self._before}\n{policy}")

    def _person(self, person: Mapping[str, Any]) -> dict[str, Any]:
        login = person["login"]
        key = Path(f"{self.site.key(login)}.pub").read_text()
        return {"email": f"{login}@example.com", "public_keys": [" ".join(key.split()[:2])], **person}

    def restore(self) -> None:
        self._settings.write_text(self._before)

    def as_(self, login: str, *words: str, code: int = 0) -> Any:
        """A command that somebody gives, and its JSON."""
        return self.site.run(*words, "--as", login, "--output", "json", code=code).json

    def held(self, login: str, grant_id: str) -> Granted:
        """A grant as its person holds it, with the certificate fetched and the ssh commands made."""
        file = self.site.folder / "keys" / f"{grant_id}-cert.pub"
        self.site.run("certificate", "show", grant_id, "--save", file)
        with self.site.opened() as daypass, daypass.seams.store.read() as view:
            names = [share.server for share in view.shares(grant_id=grant_id)]
            hosts = {name: daypass.seams.servers[name] for name in names}
        key = self.site.key(login)
        servers = {
            name: {
                "ssh": f"ssh -i {key} -o CertificateFile={file} -o IdentitiesOnly=yes "
                f"-o HostKeyAlias={name} -p {host.port} {login}@{host.host}"
            }
            for name, host in hosts.items()
        }
        return Granted(grant_id, login, key, file, {"servers": servers})
