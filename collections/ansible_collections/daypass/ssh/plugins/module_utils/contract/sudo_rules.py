# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sudo rules: what may stand in one, and the one file that holds them all. Pure.

A command goes into sudoers as it is, so only characters without a meaning there are allowed (sudoers(5),
"Other special characters and reserved words"). Wildcards are refused: in arguments they match spaces and
slashes too.
"""

from __future__ import annotations

import time

from . import names
from .names import Refusal
from .words import DIGITS, LETTERS, Path, Word

ALL = "ALL"
NOTAFTER = " NOTAFTER="
PATH = Path(LETTERS + DIGITS + "_.+@%-")
ARGUMENT = Word(LETTERS + DIGITS + "_./@%+=~-", names.COMMAND_LENGTH)
HEADER = "# Written by Daypass from /var/lib/daypass/ledger.json; changes made here are lost.\n"


def check_rule(run_as: object, commands: object) -> None:
    """Refuse a rule that couldn't be written as it is meant.

    Args:
        run_as: A login, or "ALL" for any user.
        commands: A tuple of commands (absolute path and arguments, one space between), or "ALL".

    Raises:
        Refusal: `sudo_rule_invalid`.
    """
    if not isinstance(run_as, str) or not (run_as == ALL or names.LOGIN.fullmatch(run_as)):
        raise _invalid("the user %s to run as is no login and not ALL" % names.shown(run_as))
    if commands == ALL:
        return
    if not isinstance(commands, (list, tuple)) or not commands:
        raise _invalid("a rule needs a list of commands, or ALL")
    for command in commands:
        _check_command(command)


def _check_command(command: object) -> None:
    if not isinstance(command, str) or not 0 < len(command) <= names.COMMAND_LENGTH:
        raise _invalid(
            "the command %s is no text of at most %d characters"
            % (names.shown(command), names.COMMAND_LENGTH)
        )
    path, *arguments = command.split(" ")
    if not PATH.fullmatch(path) or any(part in (".", "..") for part in path.split("/")):
        raise _invalid(
            "the command %s doesn't begin with the absolute path of a program" % names.shown(command)
        )
    if not all(ARGUMENT.fullmatch(argument) for argument in arguments):
        raise _invalid(
            "the command %s is not allowed: arguments hold letters, digits and _ . / @ %% + = ~ -, "
            "one space between them" % names.shown(command)
        )


def render_sudoers(accounts: dict, notafter: bool) -> str:
    """The whole file for all accounts.

    Args:
        accounts: login -> list of (SudoRule, not_after in seconds since 1970).
        notafter: Write `NOTAFTER`, so that each rule ends by itself; sudo-rs and sudo before 1.8.20 don't
            know it. Always with Z (UTC): without it the caller's TZ moves the deadline. Never NOTBEFORE: it
            is ignored beside NOTAFTER.

    Returns:
        The text, or "" when there is no rule at all.
    """
    lines = []
    for login in sorted(accounts):
        latest = _latest(accounts[login])
        for (run_as, command), not_after in sorted(latest.items()):
            until = NOTAFTER + time.strftime("%Y%m%d%H%M%SZ", time.gmtime(not_after)) if notafter else ""
            lines.append("%s ALL=(%s)%s NOPASSWD: %s\n" % (login, run_as, until, _escaped(command)))
    return HEADER + "".join(lines) if lines else ""


def _latest(rules: list) -> dict:
    """(run_as, command) -> the latest end: a command is allowed while any of the grants gives it."""
    latest = {}
    for rule, not_after in rules:
        for command in (ALL,) if rule.commands == ALL else rule.commands:
            key = (rule.run_as, command)
            latest[key] = max(not_after, latest.get(key, 0))
    return latest


def _escaped(command: str) -> str:
    """`=` has a meaning in sudoers and is escaped; nothing else that is allowed has one."""
    return command.replace("=", "\\=")


def _invalid(sentence: str) -> Refusal:
    return Refusal("sudo_rule_invalid", sentence)
