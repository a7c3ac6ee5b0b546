"""People as the rest of the code sees them: checked, complete, immutable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the directory, after every check of `directory`.

    Attributes:
        login: The Linux login, the same on every server; unique, and what a person is known by here.
        email: Unique, case aside; the comment that marks the person's accounts.
        uid: The uid that the person has on the servers already, for `existing_accounts: join`; None = none.
        groups: Every group that the person is in, through groups inside groups too.
        manager: Login of the person's manager, None without one.
        active: False: the person has left.
        public_keys: `TYPE BASE64` each, without comments.
    """

    login: str
    email: str
    uid: int | None = None
    groups: frozenset[str] = frozenset()
    manager: str | None = None
    active: bool = True
    public_keys: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, str]:
        """What settings may call this person: login and e-mail address."""
        return self.login, self.email
