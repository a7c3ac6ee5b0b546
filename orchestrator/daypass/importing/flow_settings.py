"""A flow's smaller settings.

Shapes: `AccessFlowSettingsV2` and `AccessFlowSettingsV1` of `internal/v2/api/openapi.json`; `settings` of
`docs/resources/access_flow_v2.md` and of `docs/resources/access_flow.md`, whose name for not approving
one's own request changed; `labels` of v1 as `internal/provider/resource_access_flow_test.go` has them.
"""

from __future__ import annotations

from datetime import timedelta

from daypass.config.access_flows import MOST_EXTENSIONS
from daypass.importing.drafts import Draft
from daypass.importing.findings import Kind
from daypass.importing.settings import Entry, length
from daypass.importing.source import Node

NOT_OWN = (
    "requester_cannot_approve_self",
    "requestor_cannot_approve_himself",
    "approver_cannot_self_approve",
    "approver_cannot_approve_himself",
)


def settings_of(draft: Draft) -> Entry:
    """Everything below `settings`, and v1's labels."""
    settings = draft.node.get("settings")
    if settings is None:
        settings = Node({}, (*draft.node.place, "settings"), draft.node.file, draft.node.record)
    entry = Entry()
    if not draft.automatic:
        _own_yes(settings, entry)
        _justification(settings, entry)
        _extensions(settings, entry)
    else:
        for key in settings.value:
            if key not in ("labels", "require_mfa"):
                settings.child(key).set_aside(Kind.FACT, found="a matter of asking; nobody asks")
    if (mfa := settings.get("require_mfa")) is not None and mfa.flag():
        do = "ask for keys on a security key instead (sk-ssh-ed25519), then switch it on"
        draft.doubt(settings, "require_mfa", "a second factor at the request", do)
    if (everybody := settings.get("require_all_approvers")) is not None:
        everybody.set_aside(Kind.FACT, found="`approvers` says it")
    _labels(draft.node.get("labels") or settings.get("labels"), entry)
    return entry


def _own_yes(settings: Node, entry: Entry) -> None:
    found = settings.get(*NOT_OWN)
    if found is not None and found.flag():
        return
    comment = settings.find(
        Kind.SAFER,
        key=str(found.place[-1]) if found is not None else NOT_OWN[0],
        found="whoever asks may say yes to it",
        wrote="requester_may_approve: false",
    )
    entry.put("requester_may_approve", False, comment)


def _justification(settings: Node, entry: Entry) -> None:
    found = settings.get("justification_required")
    if found is not None and not found.flag():
        entry.put("justification_required", False)
    again = settings.get("require_justification_on_request_again")
    if again is not None:
        again.set_aside(Kind.CHANGED, found="a reason for asking again", do="here each request says why")
    reason = settings.get("require_approver_reason", "require_approver_justification")
    if reason is not None and reason.flag():
        entry.put("require_approver_reason", True)


def _extensions(settings: Node, entry: Entry) -> None:
    most, each = settings.get("max_extensions"), settings.get("extension_duration_in_min")
    count = most.whole_number() if most is not None else 0
    minutes = each.whole_number() if each is not None else 0
    if count <= 0 or minutes <= 0:
        if count > 0 or minutes > 0:
            settings.find(Kind.SAFER, key="max_extensions", found="extensions of no time", wrote="none")
        return
    comment = ""
    if count > MOST_EXTENSIONS:
        wrote = f"max_extensions: {MOST_EXTENSIONS}"
        comment = settings.find(Kind.SAFER, key="max_extensions", found=f"{count} extensions", wrote=wrote)
    entry.put("max_extensions", min(count, MOST_EXTENSIONS), comment)
    entry.put("extension_duration", length(timedelta(minutes=minutes)))


def _labels(node: Node | None, entry: Entry) -> None:
    labels: dict[str, str] = {}
    for item in node.items() if node is not None else ():
        text = (item.need("name") if isinstance(item.value, dict) else item).text()
        labels[text] = "true"
    if labels:
        entry.put("labels", labels)
