# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names, numbers and places that are fixed for every host, and the checks of names that come from outside.

Pure: the orchestrator uses this file too (`daypass.host_rules`), so that each limit is written once.
"""

from __future__ import annotations

from .words import DIGITS, LETTERS, SMALL, Path, Word


class Refusal(Exception):
    """A value or a situation that isn't accepted; nothing was changed because of it.

    Args:
        code: Stable name in snake case, for programs.
        sentence: What was found, where, and what is allowed. Never a secret.
        hint: What to do next; may be empty.
    """

    def __init__(self, code: str, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint


# --- places (host-contract.md, "Files") ---------------------------------------------------------------------
STATE_FOLDER = "/var/lib/daypass"
LEDGER_PATH = STATE_FOLDER + "/ledger.json"
LEDGER_COPY_PATH = STATE_FOLDER + "/ledger.copy"  # written before it, so never behind it
UNRECORDED_PATH = STATE_FOLDER + "/unrecorded"  # overwritten in place where the ledger can't be written
LOCK_PATH = STATE_FOLDER + "/lock"
ARCHIVE_LOCK_PATH = STATE_FOLDER + "/archive.lock"  # nobody waits for it
PARKED_FOLDER = STATE_FOLDER + "/parked"  # crontabs and at jobs of closed accounts
TRUST_FOLDER = "/etc/ssh/daypass"
KEYS_FOLDER = TRUST_FOLDER + "/keys"
SSHD_DROPIN = "/etc/ssh/sshd_config.d/00-daypass.conf"
SUDOERS_PATH = "/etc/sudoers.d/daypass"
SUDOERS_MAIN = "/etc/sudoers"
RUN_FOLDER = "/run/daypass"  # what counts until the next boot alone: warnings given, the timer that is set

# Folders that aren't ours and that a first file of ours may have to make; inner ones first.
SHARED_FOLDERS = (
    "/etc/ssh/sshd_config.d",
    "/etc/systemd/system/timers.target.wants",
    "/etc/cron.d",
    "/etc/sudoers.d",
    "/usr/local/lib",
)

GROUP_CREATED = "daypass"  # marks accounts that we created
GROUP_JOINED = "daypass-join"  # marks accounts from before that were joined

# --- names --------------------------------------------------------------------------------------------------
LOGIN = Word(SMALL + DIGITS + "_.-", 32, first=SMALL + "_")  # 32: utmp's ut_user, shadow's own limit
GROUP = Word(LETTERS + DIGITS + "_.-", 32, first=LETTERS + "_")
GRANT_ID = Word(LETTERS + DIGITS, 40)
HEX_ID = Word("0123456789abcdef", 32, least=32)  # uuid4().hex
SHELL = Path(LETTERS + DIGITS + "_.+-")
# Printable ASCII without ":" (ends the passwd field) and "," (begins the next GECOS field).
COMMENT = Word(LETTERS + DIGITS + "@._+/()' -", 128)
PRINCIPAL_NUMBER = Word(DIGITS, 6, first="123456789")

# Accounts of the system and of well-known software (Debian's base-passwd, Red Hat's setup package, systemd,
# cloud images), and words that programs read as something else than a login.
RESERVED = frozenset(
    """root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody
    nogroup _apt apt systemd-network systemd-resolve systemd-timesync systemd-coredump systemd-oom
    systemd-journal messagebus dbus sshd _ssh ssh polkitd avahi tss uuidd tcpdump landscape pollinate syslog
    rtkit halt shutdown operator ftp adm tty disk kmem dialout fax voice cdrom floppy tape sudo sudoers wheel
    audio dip src shadow utmp video sasl plugdev staff users docker lxd kvm render input sgx crontab cron at
    chrony ntp postfix postgres mysql mariadb redis mongodb nginx apache apache2 http named bind unbound
    dnsmasq sssd nscd ldap openldap oracle jenkins gitlab-runner git puppet ansible vagrant ubuntu debian
    admin administrator centos fedora ec2-user cloud-user rocky almalinux opc core default all none self
    any""".split()
)
OWN_PREFIX = "daypass"

# Membership is as good as root (docker and lxd start privileged containers, disk reads and writes raw
# devices, shadow reads password digests, staff writes below /usr/local on Debian, where root's programs lie).
ROOT_EQUIVALENT_GROUPS = frozenset(
    [
        "root",
        "sudo",
        "wheel",
        "admin",
        "docker",
        "podman",
        "lxd",
        "incus-admin",
        "libvirt",
        "disk",
        "shadow",
        "kmem",
        "staff",
    ]
)

# --- numbers ------------------------------------------------------------------------------------------------
# Above systemd's ranges (60001-65535), below what useradd hands out as subordinate ids from 100000 up.
UID_MIN = 70000
UID_MAX = 99999
# Accounts that may be joined: people's own, as login.defs counts them (UID_MIN 1000), but not nobody's
# (65534, and 65535 which 16 bits read as -1), and none of our range: such a one is a rest of ours.
JOIN_UID_MIN = 1000
NOBODYS_UIDS = frozenset([65534, 65535])

DOCUMENT_VERSION = 1
LEDGER_VERSION = 1
ANSWER_VERSION = 1

# Limits keep a hostile or broken document from filling memory, a sudoers line or the answer. 1 MiB is twenty
# times the largest document measured (50 KB for 500 people); 200 KB of answer is what ansible-runner carries.
DOCUMENT_BYTES = 1 << 20
ACCOUNTS_MAX = 2000
GRANTS_MAX = 64  # of one account
PRINCIPALS_MAX = 64  # certificates of one grant
GROUPS_MAX = 32  # of one grant
SUDO_RULES_MAX = 16  # of one grant
COMMANDS_MAX = 64  # of one sudo rule
COMMAND_LENGTH = 512
CA_KEYS_MAX = 4
CA_KEY_LENGTH = 1500  # an RSA key of 8192 bits has about 1,400 characters
SEQUENCE_MAX = (1 << 53) - 1  # exact in JSON
WARN_BEFORE_MAX = 86400
CLEANUP_DAYS_MAX = 36500

# --- time ---------------------------------------------------------------------------------------------------
LOCK_WAIT_SECONDS = 30
DRIFT_WARNING_SECONDS = 30
DRIFT_REFUSAL_SECONDS = 300  # refuses openings only
TERM_TO_KILL_SECONDS = 1
SWEEP_AFTER_SECONDS = 2  # a login in the PAM phase starts its session after a naive close


def check_login(name: str) -> None:
    """Refuse a login that Daypass never manages.

    Raises:
        Refusal: `name_invalid` (not `[a-z_][a-z0-9_.-]{0,31}`) or `name_reserved`.
    """
    if not isinstance(name, str) or not LOGIN.fullmatch(name):
        raise Refusal(
            "name_invalid",
            "the login %s is not allowed: a small letter or _, then at most 31 of a-z 0-9 _ . -"
            % shown(name),
        )
    if name in RESERVED or name.startswith(OWN_PREFIX):
        raise Refusal("name_reserved", "the login %s is reserved and never managed" % shown(name))


def may_be_joined(uid: int) -> bool:
    """Whether an account with this uid can be a person's own from before."""
    return uid >= JOIN_UID_MIN and uid not in NOBODYS_UIDS and not UID_MIN <= uid <= UID_MAX


def is_our_number(number: int) -> bool:
    """Whether this is a uid or gid that only we give."""
    return UID_MIN <= number <= UID_MAX


def check_group(name: str) -> None:
    """Refuse the name of a group that no grant may give.

    Raises:
        Refusal: `group_invalid` (not a name that group tools and sshd take as it is) or `name_reserved`.
    """
    if not isinstance(name, str) or not GROUP.fullmatch(name):
        raise Refusal(
            "group_invalid",
            "the group %s is not allowed: a letter or _, then at most 31 letters, digits, _ . -"
            % shown(name),
        )
    if name.lower().startswith(OWN_PREFIX) or name == "root":
        raise Refusal("name_reserved", "the group %s is reserved and never given" % shown(name))


def check_created_group(name: str) -> None:
    """Refuse the name of a group that hosts may never make for a grant.

    Raises:
        Refusal: As `check_group`; `name_reserved` also for groups of the system and of well-known software,
            which may come with rights of their own, and for those with root's.
    """
    check_group(name)
    if not LOGIN.fullmatch(name):  # group tools of some hosts take no others
        raise Refusal(
            "group_invalid",
            "the group %s can't be created: a small letter or _, then at most 31 of a-z 0-9 _ . -"
            % shown(name),
        )
    if name in RESERVED or name in ROOT_EQUIVALENT_GROUPS:
        raise Refusal(
            "name_reserved",
            "the group %s is the system's or as good as root, and never created" % shown(name),
        )


def check_grant_id(text: str) -> None:
    """Refuse a grant id that isn't 1 to 40 letters and digits (Refusal `document_invalid`)."""
    if not isinstance(text, str) or not GRANT_ID.fullmatch(text):
        raise Refusal("document_invalid", "the grant id %s is not 1 to 40 letters and digits" % shown(text))


def grant_of(principal: str) -> str | None:
    """The grant in `daypass-<grant>-<n>`, None where it is no principal of ours."""
    head, grant_id, number = (*principal.split("-"), "", "", "")[:3]
    right = head == OWN_PREFIX and GRANT_ID.fullmatch(grant_id) and PRINCIPAL_NUMBER.fullmatch(number)
    return grant_id if right and principal.count("-") == 2 else None


def shown(value: object) -> str:
    """A hostile value, safe and short enough for a message: its repr, cut at 80 characters."""
    text = ascii(value)
    return text if len(text) <= 80 else text[:77] + "..."
