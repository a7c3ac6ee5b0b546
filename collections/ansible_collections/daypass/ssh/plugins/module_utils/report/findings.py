# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report can find, each kind once: its sentence, and who puts it right. Pure."""

from __future__ import annotations

from ..contract.typed import NamedTuple

# Who puts a finding right.
CONVERGE = "converge"  # the next full document does (`daypass report --fix`)
ONBOARD = "onboard"  # onboarding the server again does
PERSON = "person"  # nobody but a person who knows why it is so

SHOWN_LENGTH = 300  # of each text of a finding

# code: (sentence, who). {s} = subject, {f} = found, {e} = expected.
KINDS = {
    # the host
    "machine_id_changed": ("this is machine {f}, the ledger was made on {e}", PERSON),
    "not_ours": ("the server doesn't take documents of this orchestrator: {f}", PERSON),
    "sequence_ahead": ("the server has followed document {f}, the record has sent no more than {e}", PERSON),
    "clock_drift": ("the server's clock is {f} s off", PERSON),
    "way_back_armed": ("an onboarding or off-boarding isn't proven yet; the server takes it back", ONBOARD),
    "deadline_lost": ("access doesn't end here by itself: {f}", PERSON),
    "dropin_missing": ("{s} isn't there", ONBOARD),
    "dropin_differs": ("{s} isn't what Daypass wrote", ONBOARD),
    "file_missing": ("{s} isn't there", CONVERGE),
    "file_differs": ("{s} isn't what Daypass wrote", CONVERGE),
    "program_altered": (
        "{s} has our sources and other bytecode; remove it, the next wave brings it anew",
        PERSON,
    ),
    "file_mode": ("{s} is {f}, must be {e}", PERSON),
    "group_gone": ("the group {s} isn't there", ONBOARD),
    "made_group_gone": ("the group {s}, which was made for grants, isn't there", CONVERGE),
    "made_group_foreign": ("the group {s} has the gid {f}, ours had {e}: another group", CONVERGE),
    "sudoers_extra": ("{s} has a line that isn't ours: {f}", CONVERGE),
    "sudoers_missing": ("{s} lacks a line: {e}", CONVERGE),
    # accounts of the ledger
    "account_missing": ("the account {s} isn't there; somebody deleted it", CONVERGE),
    "account_foreign": ("{s} has uid {f} now, ours was {e}: another account", CONVERGE),
    "account_changed": ("{s} was changed: {f}, was {e}", PERSON),
    "account_open": ("{s} is closed and isn't shut: {f}", CONVERGE),
    "account_shut": ("{s} should be open: {f}, must be {e}", CONVERGE),
    "account_ageing": ("the password of {s}, which there isn't, could run out: that shuts it", CONVERGE),
    "membership_lost": ("{s} was taken out of the group {e}; the next wave closes it", CONVERGE),
    "group_missing": ("{s} isn't in the group {e}", CONVERGE),
    "group_extra": ("{s} is in the group {f}, not through us", PERSON),
    "key_line_extra": ("the key file of {s} has a line that isn't ours: {f}", CONVERGE),
    "key_line_missing": ("the key file of {s} lacks a line: {e}", CONVERGE),
    "key_file_mode": ("the key file of {s} is {f}, must be {e}", PERSON),
    "subordinate_range": ("{s} has a range in /etc/subuid or /etc/subgid", PERSON),
    "unfinished": ("a run was cut off while it changed {s} ({f})", CONVERGE),
    "grant_overdue": ("the grant {f} of {s} should have ended at {e}", CONVERGE),
    "removal_overdue": ("the cleanup window of {s} is over since {f}", CONVERGE),
    "sshd_overridden": ("sshd doesn't do for {s} what it must: {f}", PERSON),
    # ledger against document
    "grant_to_end": ("the grant {f} of {s} is live there, and the record has ended it", CONVERGE),
    "grant_to_open": ("the grant {e} of {s} isn't live there", CONVERGE),
    "grant_differs": ("the grant {f} of {s} gives something else than the record", CONVERGE),
    "account_unlisted": ("the ledger has an account {s} with grants, and the record has none", CONVERGE),
    # what nobody knows, and what is left
    "key_file_unknown": ("a key file of the unknown login {s} opens whatever account has that name", PERSON),
    "member_unknown": ("{s} is in the group {f} and isn't ours", PERSON),
    "account_unknown": ("the account {s} has uid {f}, which is in our range, and isn't ours", PERSON),
    "processes_left": ("processes of {s}, who has no access: {f}", PERSON),
    "jobs_left": ("jobs that wait for {s}, who has no access: {f}", PERSON),
    "files_left": ("files of {s} are left: {f}", PERSON),
    "mail_left": ("mail of {s} is left: {f}", PERSON),
    "setid_file": ("{s} runs with the rights of {f}", PERSON),
    "deep_unfinished": ("the search for setuid files ran out of time at {s}", PERSON),
}


class Finding(NamedTuple):
    """One difference.

    Attributes:
        code: Of KINDS.
        subject: Login or path; "" = the host as a whole.
        found, expected: Plain words; "" where there is nothing to say.
    """

    code: str
    subject: str = ""
    found: str = ""
    expected: str = ""

    @property
    def sentence(self) -> str:
        """For people."""
        return KINDS[self.code][0].format(s=_cut(self.subject), f=_cut(self.found), e=_cut(self.expected))

    @property
    def repair(self) -> str:
        """Who puts it right: `converge`, `onboard` or `person`."""
        return KINDS[self.code][1]


def shown(finding: Finding) -> dict[str, str]:
    """A finding as the answer carries it."""
    return {
        "code": finding.code,
        "subject": _cut(finding.subject),
        "found": _cut(finding.found),
        "expected": _cut(finding.expected),
        "sentence": finding.sentence,
        "repair": finding.repair,
    }


def _cut(text: str) -> str:
    plain = "".join(one if one.isprintable() else "?" for one in text)
    return plain if len(plain) <= SHOWN_LENGTH else plain[: SHOWN_LENGTH - 3] + "..."
