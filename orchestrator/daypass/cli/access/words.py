"""Words for access that several commands share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from daypass.cli.grants.giving import share_json
from daypass.domain.grants import DEFAULT_GROUP, Share

if TYPE_CHECKING:
    from daypass.workflow.status import GrantStatus


def access_json(item: GrantStatus, now: datetime) -> dict[str, object]:
    """A grant with its servers for programs."""
    grant = item.grant
    return {
        "id": grant.id,
        "login": grant.login,
        "state": str(grant.state),
        "flow": grant.flow,
        "trigger": str(grant.trigger),
        "request": grant.request_id,
        "reason": grant.reason,
        "not_before": grant.window.not_before,
        "not_after": grant.window.not_after,
        "seconds_left": _seconds_left(item, now),
        "times_extended": grant.times_extended,
        "ended_at": grant.ended_at,
        "end_reason": grant.end_reason,
        "servers": {share.server: share_json(share) for share in item.shares},
    }


def _seconds_left(item: GrantStatus, now: datetime) -> int:
    end = item.grant.ended_at or item.grant.window.not_after
    return max(0, int((end - now).total_seconds()))


def groups_text(share: Share) -> str:
    """The groups as they were asked for: without any there is the account's own one."""
    return ", ".join(share.groups) or DEFAULT_GROUP


def times_text(count: int) -> str:
    """`once`, `2 times`."""
    return "once" if count == 1 else f"{count} times"
