"""Whose yes a flow needs -> `approvers`; a flow that asks nobody is switched off unless that is wanted."""

from __future__ import annotations

from daypass.importing import approvers as saying_yes
from daypass.importing.approvers import NONE, NoApprovers, Said
from daypass.importing.conditions import Conditions
from daypass.importing.drafts import Draft, NotWritten
from daypass.importing.findings import Kind
from daypass.importing.settings import Entry, Wishes
from daypass.importing.source import Node, Odd

SWITCH_ON = "look at it, then set `active: true`"


class FlowApprovers:
    """Translates who says yes."""

    def __init__(self, conditions: Conditions, wishes: Wishes) -> None:
        self._conditions = conditions
        self._wishes = wishes

    def read(self, draft: Draft) -> Entry:
        said = self._said(draft)
        escalating = draft.node.get("escalation_policy")
        comments = list(said.comments)
        value = said.value
        if escalating is not None and value == NONE:
            escalating.set_aside(Kind.LEFT_OUT, found="an escalation of nobody's answer")
        elif escalating is not None:
            found, comment = saying_yes.escalation(escalating, self._conditions)
            comments.append(comment)
            value = {**value, "escalation": found} if found is not None else value
        if isinstance(value, dict) and value.keys() == {"any_of"}:
            value = value["any_of"]
        if value == NONE and not self._wishes.allow_unapproved:
            draft.doubts.append(self._nobody(draft))
        entry = Entry()
        entry.put("approvers", value, *comments)
        return entry

    def _said(self, draft: Draft) -> Said:
        node = draft.node
        policy, listed = node.get("approver_policy"), node.get("approvers")
        named = listed if listed is not None and listed.value != [] else None
        if policy is not None and named is not None:
            raise Odd(named, "a policy or a list of approvers, not both")
        try:
            if policy is not None:
                return saying_yes.by_policy(policy, self._conditions)
            if named is not None:
                return saying_yes.by_list(named, self._conditions, everybody=_everybody(node, named))
        except NoApprovers as error:
            error.node.set_aside(Kind.LEFT_OUT, saying_yes.BY_HAND, found=error.found)
            raise NotWritten(error.found) from None
        return Said(NONE)

    def _nobody(self, draft: Draft) -> str:
        found = (
            "access that nobody asks for"
            if draft.automatic
            else "no approvers: everybody's yes is taken for granted"
        )
        return draft.node.find(
            Kind.SAFER,
            key="trigger" if draft.automatic else "approver_policy",
            found=found,
            wrote="the flow, switched off",
            do=f"{SWITCH_ON}, or import with --allow-unapproved",
        )


def _everybody(node: Node, listed: Node) -> bool:
    """Whether each of v1's approvers has to say yes."""
    settings = node.get("settings")
    asked = settings.get("require_all_approvers") if settings is not None else None
    return asked.flag() if asked is not None and len(listed.items()) > 1 else False
