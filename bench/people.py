"""The people who get access: each repetition has a new one, so that every contender really does the work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.site import GROUP, SUDO_COMMAND, Site
from daypass.ca.public_keys import check_public_key
from daypass.ca.signer import sign_checked
from daypass.ca.spec import build_spec, principal_of
from daypass.domain.windows import Window, window_from
from daypass.wiring.opening import Daypass

STOCK_FIRST_UID = 40000  # below Daypass's range, above the connector's
LENGTH = timedelta(hours=8)
DAY_SECONDS = 86400


@dataclass(frozen=True)
class Person:
    """One person as the stock playbook needs it, with a certificate like those of Daypass."""

    login: str
    uid: int
    grant_id: str
    certificate: str
    key_line: str
    sudo_line: str
    window: Window


def make_person(site: Site, daypass: Daypass, number: int, now: datetime) -> Person:
    """A person of the stock playbook, whose certificate the CA of this site signed."""
    login, grant_id = f"stock{number}", f"stock{number}x{int(now.timestamp())}"
    window = window_from(now, LENGTH)
    spec = build_spec(
        public_key=check_public_key(site.user_key.with_suffix(".pub").read_text()),
        serial=daypass.seams.new_serial(),
        login=login,
        grant_id=grant_id,
        flow="direct",
        number=1,
        window=window,
    )
    end = window.not_after.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    options = f'restrict,pty,cert-authority,principals="{principal_of(grant_id, 1)}",expiry-time="{end}"'
    return Person(
        login=login,
        uid=STOCK_FIRST_UID + number,
        grant_id=grant_id,
        certificate=sign_checked(daypass.seams.signer(), spec),
        key_line=f"{options} {daypass.seams.ca_keys()[0]}\n",
        sudo_line=f"{login} ALL=(root) NOTAFTER={end} NOPASSWD: {SUDO_COMMAND}\n",
        window=window,
    )


def variables_of(person: Person, sudoers: str) -> dict[str, object]:
    """The stock playbook's variables.

    Args:
        sudoers: The rules of everybody so far: like Daypass's, the file holds them all.
    """
    last_day = int(person.window.not_after.timestamp()) // DAY_SECONDS + 1
    return {
        "bench_login": person.login,
        "bench_uid": person.uid,
        "bench_group": GROUP,
        "bench_comment": f"{person.login}@example.com",
        "bench_expires": last_day * DAY_SECONDS,
        "bench_sudoers": sudoers,
        "bench_key_line": person.key_line,
    }


def next_number(site: Site) -> int:
    """A number that no earlier measurement of this site used for a person."""
    path: Path = site.folder / "people.json"
    number = int(json.loads(path.read_text())) + 1 if path.exists() else 1
    path.write_text(json.dumps(number))
    return number
