"""Approvers as settings: whose yes a flow needs, in which order, and who else when nobody answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, model_validator
from pydantic import ValidatorFunctionWrapHandler as Handler

from daypass.config import fields
from daypass.config.conditions import Condition, Conditions
from daypass.config.part import Length, Part, not_many

ESCALATION_INTERVAL = timedelta(minutes=30)
MOST_TIERS = 5
MOST_STEPS = 10
MOST_ENTRIES = 50  # approver entries of one step; who says yes must fit on a screen

Entries = Annotated[Conditions, not_many(MOST_ENTRIES)]


class Requirement(Part):
    """Whose yes is needed: of one entry, of all, or of `at_least` some `of` them; each by another person."""

    any_of: Entries | None = None
    """One person who fits one of these conditions."""
    all_of: Entries | None = None
    """For each of these conditions another person who fits it."""
    at_least: StrictInt | None = Field(default=None, ge=1, le=MOST_ENTRIES)
    """For as many conditions of `of` another person each."""
    of: Entries | None = None
    """The conditions for `at_least`."""

    @model_validator(mode="before")
    @classmethod
    def _list_is_any_of(cls, value: Any) -> Any:
        return {"any_of": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_way(self) -> Requirement:
        self.check_one_way()
        return self

    def check_one_way(self) -> None:
        """Refuse what isn't exactly one of the three ways."""
        given = [name for name in ("any_of", "all_of", "of") if getattr(self, name) is not None]
        if len(given) != 1 or (self.of is None) != (self.at_least is None):
            allowed = "any_of, all_of, or at_least with of: one of these three"
            raise fields.refuse(allowed, ", ".join(given) or "no approvers")
        for entry in self.entries:
            if _names_everyone(entry):
                raise fields.refuse("people who are named in some way", "everyone as approver")
        if self.of is not None and self.at_least is not None and self.at_least > len(self.of):
            raise fields.refuse(f"at most {len(self.of)}, the entries of `of`", f"at_least {self.at_least}")

    @property
    def entries(self) -> tuple[Condition, ...]:
        return self.any_of or self.all_of or self.of or ()

    @property
    def needed(self) -> int:
        """How many entries must be answered with yes, each by another person."""
        if self.all_of is not None:
            return len(self.all_of)
        return self.at_least or 1


def _names_everyone(condition: Condition) -> bool:
    inner = (*(condition.all or ()), *(condition.any or ()))
    return condition.who == "everyone" or any(map(_names_everyone, inner))


class Escalation(Part):
    """Who may say yes instead when nobody has answered: one tier more after each interval."""

    interval: Length = ESCALATION_INTERVAL
    """Time to the first tier, and from tier to tier."""
    tiers: Annotated[tuple[Requirement, ...], AfterValidator(fields.not_empty), not_many(MOST_TIERS)]
    """Who may say yes beside the others, tier after tier; each a list or an object with `any_of`,
    `all_of`, or `at_least` and `of`. Time alone never says yes.
    """


class Step(Requirement):
    """One step of an approval."""

    escalation: Escalation | None = None
    """Who may say yes, too, when nobody has. Default: nobody."""


class Approvers(Step):
    """Who says yes: one step, or `steps` one after the other."""

    steps: Annotated[tuple[Step, ...] | None, BeforeValidator(fields.not_null), not_many(MOST_STEPS)] = None
    """Steps, one after the other, each one of the ways above. Default: one step."""

    @model_validator(mode="after")
    def _one_way(self) -> Approvers:
        if self.steps is None:
            self.check_one_way()
        elif not self.steps or self.model_fields_set != {"steps"}:
            raise fields.refuse("steps by themselves, at least one, or one step", "steps with more, or none")
        return self

    @property
    def in_order(self) -> tuple[Step, ...]:
        """The steps; none = `approvers: none`, nobody is asked."""
        return (self,) if self.steps is None else self.steps


def approvers(value: Any, handler: Handler) -> Approvers:
    """`none` in so many words, a list (any of it), one step, or `steps`."""
    if value == "none":
        return Approvers.model_construct(steps=())
    if value is None or value in ([], {}):
        raise fields.refuse("who says yes, or `none` in so many words", "nobody")
    checked: Approvers = handler(value)
    return checked
