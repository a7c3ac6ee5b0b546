"""Where the connector's private key is -> a secret reference; the key itself is never looked at.

Shapes: `SecretStoreConfigV4` of `internal/v2/api/openapi.json` and `secret_store_config` of
`docs/resources/resource_integration.md`; `aws_secret`, `azure_secret`, `gcp_secret`,
`hashicorp_vault_secret`, `kubernetes_secret` of `docs/resources/integration.md`; `secret_config` with a
`type` as `internal/models/integration.go` reads it.
"""

from __future__ import annotations

from daypass.importing.findings import Kind
from daypass.importing.settings import Entry
from daypass.importing.source import Node

STORES = {
    "aws": "AWS Secrets Manager",
    "gcp": "Google Secret Manager",
    "azure": "Azure Key Vault",
    "hashicorp_vault": "HashiCorp Vault",
    "kubernetes": "a Kubernetes secret",
    "apono": "the product's own store",
}
VARIABLE = "DAYPASS_CONNECTOR_KEY_"
LONGEST_VARIABLE = 128


def secret(node: Node, integration: str, entry: Entry) -> None:
    """Write where the key will be looked for, and put on record where it was."""
    variable = (VARIABLE + integration.upper().replace("-", "_"))[:LONGEST_VARIABLE]
    wrote = f"secret: {{env: {variable}}}"
    comments = [_store(store, name, wrote, variable) for name, store in _stores(node)]
    if not comments:
        do = f"put the connector's private key into {variable}, or name a file"
        comments = [node.find(Kind.FILL_IN, key="secret", found="no secret store", wrote=wrote, do=do)]
    entry.put("secret", {"env": variable}, *comments)


def _stores(node: Node) -> list[tuple[str, Node]]:
    """Each secret store that is named, by our word for it."""
    found: list[tuple[str, Node]] = []
    if (config := node.get("secret_store_config")) is not None:
        found += [(name, store) for name in STORES if (store := config.get(name)) is not None]
    for name in STORES:
        if (store := node.get(f"{name}_secret")) is not None:
            found.append((name, store))
    if (config := node.get("secret_config")) is not None:
        kind = config.get("type")
        found.append((kind.text().lower() if kind is not None else "", config))
    return found


def _store(node: Node, name: str, wrote: str, variable: str) -> str:
    """Values of the product's own store are the secret; of the others they say where it is."""
    hidden = name not in STORES or name == "apono"
    where = "" if hidden else _where(node)
    found = STORES.get(name, "a store that isn't known here") + where
    do = f"have what starts Daypass put the key from there into {variable}, or name a file"
    return node.find(Kind.FILL_IN, found=found, wrote=wrote, do=do, whole=True)


def _where(node: Node) -> str:
    known = ("region", "project", "vault_url", "secret_engine", "path", "namespace", "name", "secret_id")
    said = [str(node.value[key])[:100] for key in known if isinstance(node.value.get(key), str)]
    return " at " + ", ".join(ascii(text)[1:-1] for text in said) if said else ""
