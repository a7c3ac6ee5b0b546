"""Start the lab hosts of a molecule scenario, and write what molecule needs to reach them.

`hosts.py LAB SCRATCH INSTANCES < PLAN`: one process, where each task of a playbook would cost a second on a
busy machine. PLAN is JSON: `platforms` of molecule.yml, and `signed`, a certificate with its
fields. SCRATCH is the scenario's folder, INSTANCES the file in which molecule looks for its hosts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from lab import api  # noqa: E402 - the lab isn't installed, it is found beside this folder

GROUP = "ops"  # on the hosts before Daypass comes


def up(name: str, platforms: Sequence[Mapping[str, str]]) -> api.Lab:
    """The hosts that the scenario names, as on their first day, with a group from before."""
    for platform in platforms:
        prefix, _, number = platform["name"].rpartition("-")
        image = platform.get("image", "debian12")
        lab = api.up(name, int(number), image=image, prefix=prefix)
    for host in lab.hosts:
        lab.exec(host, ["groupadd", "--system", GROUP])
    return lab


def instance(lab: api.Lab, host: api.Host) -> dict[str, object]:
    """How molecule reaches a host."""
    return {
        "instance": host.name,
        "address": host.address,
        "port": host.port,
        "user": "apono",
        "identity_file": str(lab.connector_key),
    }


def known_host(host: api.Host) -> str:
    """A host's key by its address, as ssh looks it up."""
    place = host.address if host.port == 22 else f"[{host.address}]:{host.port}"
    return f"{place} {host.host_key}\n"


def main(name: str, *places: str) -> None:
    scratch, instances = map(Path, places)
    plan: Mapping[str, Any] = json.load(sys.stdin)
    lab = up(name, plan["platforms"])
    (scratch / "known_hosts").write_text("".join(map(known_host, lab.hosts)))
    (scratch / "signed.json").write_text(json.dumps(plan["signed"]))
    (scratch / "alice-cert.pub").write_text(f"{plan['signed']['certificate']}\n")
    instances.write_text(json.dumps([instance(lab, host) for host in lab.hosts]))  # YAML too


main(*sys.argv[1:])
