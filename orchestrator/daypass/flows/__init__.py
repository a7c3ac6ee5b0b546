"""Who may have what, for how long, and who says yes: pure, every answer with all its reasons."""

from __future__ import annotations

from daypass.domain.requests import Vote
from daypass.flows.approvals import Approvals, approvals
from daypass.flows.case import Ask, OpenAccess
from daypass.flows.engine import Decision, Verdict, decide, decide_by
from daypass.flows.policy import Policy, build_policy

__all__ = [
    "Approvals",
    "Ask",
    "Decision",
    "OpenAccess",
    "Policy",
    "Verdict",
    "Vote",
    "approvals",
    "build_policy",
    "decide",
    "decide_by",
]
