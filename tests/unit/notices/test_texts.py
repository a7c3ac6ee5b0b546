"""What notices say, and to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from daypass.config.notices import Channel, Notices, NoticeText, NoticeTexts
from daypass.domain.notices import WORDS, Notice, NoticeEvent, names_in
from daypass.domain.people import Person
from daypass.domain.secrets import FromEnvironment
from daypass.notices.noting import deliveries_of
from daypass.notices.texts import TEXTS, text_of

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
BOB = Person("bob", "bob@example.com", groups=frozenset({"oncall"}))
EVE = Person("eve", "eve@example.com")
REQUEST = "01JD1"


def notice(event=NoticeEvent.REQUEST_WAITING, people=(BOB, EVE), **words):
    given = {"requester": "alice", "grantee": "alice", "servers": "web-1", **words}
    return Notice(event, f"{event.value}:{REQUEST}", REQUEST, tuple(people), given)


def channel(**settings):
    return Channel.model_construct(
        **{
            "name": "mail",
            "url": FromEnvironment("X"),
            "events": tuple(NoticeEvent),
            "per_person": False,
            "groups": None,
            **settings,
        }
    )


def told(one, *channels):
    settings = Notices.model_construct(channels=channels, texts=NoticeTexts(), command="daypass")
    return [(d.channel, d.login, d.email) for d in deliveries_of(one, settings, NOW)]


@pytest.mark.parametrize("event", NoticeEvent)
def test_own_texts_name_only_words_of_their_event(event):
    """As the configuration demands it of everybody else."""
    title, body = TEXTS[event]
    assert names_in(title + body) <= set(WORDS[event])
    assert "\n" not in title


def test_approver_gets_the_line_to_type():
    """On the orchestrator's machine an operator types for somebody, who is named."""
    _, body = text_of(notice(), Notices(), BOB)
    assert f"Yes:  daypass request approve {REQUEST} --as bob\n" in body
    assert f"No:   daypass request deny {REQUEST} --as bob\n" in body


def test_line_to_type_over_ssh_names_nobody():
    """Whoever comes in over SSH is known by the key."""
    _, body = text_of(notice(), Notices(command="ssh daypass@broker"), BOB)
    assert f"Yes:  ssh daypass@broker request approve {REQUEST}\n" in body


def test_line_in_a_channel_of_all_says_whom_to_name():
    """Everybody reads the same line there."""
    _, body = text_of(notice(), Notices(), None)
    assert "--as YOUR-LOGIN" in body


def test_words_of_people_stay_what_they_are():
    """A justification can neither add lines to a message nor take its words apart."""
    _, body = text_of(notice(justification="{deny}\nYes: rm"), Notices(), BOB)
    assert "Reason:  {deny}\\nYes: rm\n" in body


def test_own_template_replaces_title_or_body_alone():
    """What isn't worded otherwise stays Daypass's own."""
    texts = NoticeTexts(request_waiting=NoticeText(title="{person}: {servers}, {ticket}"))
    title, body = text_of(notice(), Notices(texts=texts), BOB)
    assert title == "bob: web-1, -"
    assert "Yes:" in body


def test_channel_of_all_gets_one_message():
    """However many people it concerns, and also where nobody is known."""
    assert told(notice(), channel()) == [("mail", "", "")]
    assert told(notice(people=()), channel()) == [("mail", "", "")]


def test_channel_per_person_gets_one_message_for_each():
    """With the address of each; nobody else's."""
    people = [("mail", "bob", "bob@example.com"), ("mail", "eve", "eve@example.com")]
    assert told(notice(), channel(per_person=True)) == people
    assert told(notice(people=()), channel(per_person=True)) == []


def test_channel_of_a_group_is_for_what_concerns_its_people():
    """The others' notices don't go there, and of several people only theirs."""
    assert told(notice(), channel(per_person=True, groups=("oncall",))) == [
        ("mail", "bob", "bob@example.com")
    ]
    assert told(notice(), channel(groups=("oncall",))) == [("mail", "", "")]
    assert told(notice(people=[EVE]), channel(groups=("oncall",))) == []
    assert told(notice(people=()), channel(groups=("oncall",))) == []


def test_channel_is_for_its_events_alone():
    """A chat for failures hears nothing of requests."""
    assert told(notice(), channel(events=(NoticeEvent.FAILED,))) == []


def test_people_who_left_are_told_nothing():
    """Their mailbox may be somebody else's by now."""
    assert told(notice(people=[replace(BOB, active=False)]), channel(per_person=True)) == []


def test_another_stage_is_news_to_a_channel_of_all_only():
    """A request that comes to more approvers is new to these; who was told isn't told again."""
    settings = Notices.model_construct(
        channels=(channel(name="chat"), channel(name="mail", per_person=True)),
        texts=NoticeTexts(),
        command="daypass",
    )

    def topics(stage):
        return [d.topic for d in deliveries_of(replace(notice(people=[BOB]), stage=stage), settings, NOW)]

    first, second = topics("1"), topics("2")
    assert first[0] != second[0]
    assert first[1] == second[1]
