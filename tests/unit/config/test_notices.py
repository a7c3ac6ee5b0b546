"""Settings of notices: what is taken, and that a URL with its password never is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from daypass.domain.notices import NoticeEvent
from daypass.domain.secrets import FromEnvironment

MAIL = {"name": "mail", "url": {"env": "MAIL_URL"}}


def test_without_settings_nobody_is_told(settings_of):
    """There is no channel by itself."""
    notices = settings_of().notices
    assert notices.channels == ()
    assert not any(notices.wants(event) for event in NoticeEvent)


def test_channel_is_for_everything_and_all_by_default(settings_of):
    """A name and the place of a URL are enough."""
    notices = settings_of(notices={"channels": [MAIL]}).notices
    [channel] = notices.channels
    assert channel.url == FromEnvironment("MAIL_URL")
    assert (channel.events, channel.per_person, channel.groups) == (tuple(NoticeEvent), False, None)
    assert (notices.command, notices.ending_soon_before) == ("daypass", timedelta(minutes=15))


def test_one_event_and_one_group_may_stand_without_a_list(settings_of):
    """As everywhere else in the configuration."""
    channel = {**MAIL, "events": "failed", "groups": "oncall"}
    notices = settings_of(directory="people.yaml", notices={"channels": [channel]}).notices
    assert (notices.channels[0].events, notices.channels[0].groups) == ((NoticeEvent.FAILED,), ("oncall",))
    assert notices.wants(NoticeEvent.FAILED)
    assert not notices.wants(NoticeEvent.ENDED)


def test_url_itself_is_refused_and_not_shown(problems_of):
    """It holds a password; the finding says what to write instead, and repeats nothing of it."""
    [problem] = problems_of(notices={"channels": [{**MAIL, "url": "mailto://me:hunter22@example.com"}]})
    assert problem.startswith("notices.channels[0].url: found a value that isn't shown here")
    assert "{env: NAME} or {file: PATH}" in problem
    assert "hunter22" not in problem


@pytest.mark.parametrize(
    ("notices", "found", "allowed"),
    [
        ({"channels": [{**MAIL, "events": ["endet"]}]}, '"endet"', "did you mean ended?"),
        ({"channels": [{**MAIL, "events": []}]}, "an empty list", "at least one"),
        ({"channels": [{**MAIL, "groups": []}]}, "an empty list", "at least one"),
        ({"channels": [MAIL, {**MAIL, "name": "MAIL"}]}, "mail twice", "a name of its own"),
        ({"channels": [{**MAIL, "name": "a b"}]}, '"a b"', "letters, digits and dashes"),
        ({"channels": [{**MAIL, "per_person": "yes"}]}, '"yes"', ""),
        ({"channels": [MAIL] * 21}, "21 entries", "at most 20"),
        ({"texts": {"ended": {"title": "{length}"}}}, "{length} in the title", "{command}, {event}, {grant}"),
        ({"texts": {"ended": {"body": "{grant!r}"}}}, "{ at character 1 of the body", "written twice"),
        ({"texts": {"ended": {"body": "{grant.id}"}}}, "{ at character 1 of the body", "written twice"),
        ({"texts": {"ended": {"body": "{0}"}}}, "{ at character 1 of the body", "written twice"),
        ({"texts": {"ended": {"body": "so } so"}}}, "} at character 4 of the body", "written twice"),
        ({"texts": {"ended": {"title": "a\nb"}}}, "", "on one line"),
        ({"texts": {"ended": {"body": "\x1b[2J"}}}, "", "printable text"),
        ({"texts": {"endet": {}}}, "an unknown field", "did you mean ended?"),
        ({"ending_soon_before": "0m"}, '"0m"', "from 1m"),
        ({"channels": [{**MAIL, "per_person": True}]}, "no directory", "people's addresses"),
        ({"channels": [{**MAIL, "groups": ["oncall"]}]}, "no directory", "groups of `directory`"),
    ],
)
def test_odd_setting_is_named_with_what_is_allowed(problems_of, notices, found, allowed):
    """Every mistake is told before anything is sent, not by a message that never comes."""
    [problem] = problems_of(notices=notices)
    assert problem.startswith("notices.")
    assert f"found {found}" in problem
    assert allowed in problem
