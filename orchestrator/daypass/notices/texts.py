"""What a notice says: Daypass's own words, or those of the configuration."""

from __future__ import annotations

from collections.abc import Mapping

from daypass.config.notices import Notices
from daypass.domain.notices import WORDS, Notice, NoticeEvent, fill, harmless
from daypass.domain.people import Person

ON_THIS_MACHINE = "daypass"  # as `command`: who types it is an operator and has to say for whom
NOBODY = "YOUR-LOGIN"  # where everybody reads the same message
NOTHING = "-"

ASKED = """\
For:     {grantee}
Servers: {servers}
Groups:  {groups}
Time:    {length}
Reason:  {justification}
Ticket:  {ticket}
"""

TEXTS: Mapping[NoticeEvent, tuple[str, str]] = {
    NoticeEvent.REQUEST_WAITING: (
        "{requester} asks for {servers}",
        (
            f"{{requester}} asks for access that needs your answer.\n\n{ASKED}\n"
            "Yes:  {approve}\nNo:   {deny}\nMore: {command} request show {request}\n\n"
            "Without an answer the request expires at {expires}."
        ),
    ),
    NoticeEvent.REQUEST_APPROVED: (
        "Access to {servers} is approved",
        (
            f"The request {{request}} of {{requester}} is approved ({{approvers}}).\n\n{ASKED}\n"
            "Access lasts until {until}.\nMore: {command} access show {grant}"
        ),
    ),
    NoticeEvent.REQUEST_DENIED: (
        "Access to {servers} is denied",
        "The request {request} of {requester} is denied: {reason}\n\n" + ASKED,
    ),
    NoticeEvent.BREAK_GLASS: (
        "{grantee} has taken emergency access to {servers}",
        (
            f"{{requester}} has used the flow {{flow}}, which asks nobody; access was given at once.\n"
            f"\n{ASKED}\n"
            "Access lasts until {until}. It has to be reviewed.\nMore: {command} request show {request}"
        ),
    ),
    NoticeEvent.ENDING_SOON: (
        "Access to {servers} ends in {left}",
        (
            "The access of {grantee} to {servers} (groups: {groups}) ends at {until}, in {left}.\n"
            "What still runs then is ended.\n\nMore: {command} access show {grant}"
        ),
    ),
    NoticeEvent.ENDED: (
        "Access to {servers} has ended",
        "The access of {grantee} to {servers} has ended on every server: {reason}.\n\nGrant: {grant}",
    ),
    NoticeEvent.FAILED: (
        "{what} the access of {grantee} on {server} fails",
        (
            "{what} the access of {grantee} on {server} has failed {tries} times; it is tried again.\n"
            "What the server says: {reason}\n\nGrant: {grant}, until {until}\nMore: {command} status"
        ),
    ),
    NoticeEvent.PEOPLE_HELD: (
        "It can't be told whether {count} people are still here",
        (
            "The directory names these people no more, or in another way: {people}\n{reason}\n\n"
            "Until an operator has said a word, nothing opens for them and nothing of theirs ends.\n\n"
            "Look:                 daypass directory show\n"
            "They have really left: daypass directory confirm\n"
            "Else mend the directory; nothing more is to do then."
        ),
    ),
}


def text_of(notice: Notice, settings: Notices, person: Person | None) -> tuple[str, str]:
    """Title and body for one person, or for whoever reads a channel."""
    template, (title, body) = settings.texts.of(notice.event), TEXTS[notice.event]
    given = {name: harmless(word) for name, word in notice.words.items()}
    words = dict.fromkeys(WORDS[notice.event], NOTHING) | {
        name: word or NOTHING for name, word in given.items()
    }
    words |= _words_of(notice, settings, person)
    return fill(template.title or title, words), fill(template.body or body, words)


def _words_of(notice: Notice, settings: Notices, person: Person | None) -> dict[str, str]:
    """The words that differ by who is told, and the lines to type."""
    login = person.login if person else NOBODY
    acting = f" --as {login}" if settings.command == ON_THIS_MACHINE else ""
    lines = {
        answer: f"{settings.command} request {answer} {notice.subject}{acting}{notice.answered_with}"
        for answer in ("approve", "deny")
    }
    return {
        "command": settings.command,
        "event": notice.event.value,
        "person": login if person else NOTHING,
        **lines,
    }
