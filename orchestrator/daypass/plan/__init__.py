"""Grants, servers and `now` in, the wanted state of one server out. Pure, golden-tested."""

from daypass.plan.documents import AccountPlan, Listed, ServerPlan, plan_server

__all__ = ["AccountPlan", "Listed", "ServerPlan", "plan_server"]
