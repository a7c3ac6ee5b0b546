"""Addresses that ssh may be told to connect to, and the users and ports beside them.

Values end in ssh's arguments, in known_hosts and in Ansible variables; whatever could mean something to one
of them (a leading `-`, space, quote, newline, `%`, `{{`, `$`) doesn't fit any pattern here.
"""

from __future__ import annotations

import ipaddress
import re

from daypass.inventory.problems import FieldRefused, shown

MAX_HOST = 253  # RFC 1123 section 2.1 and RFC 1035: a name has 255 octets on the wire, 253 as text
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # RFC 1123 section 2.1
HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})*")
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = re.compile(rf"{OCTET}(?:\.{OCTET}){{3}}")
# inet_aton reads 127.1, 2130706433 and 0x7f.1 as addresses: such a name isn't what it looks like.
NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")
# The connector user, as useradd takes it; upper case occurs with directory services.
USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
# Names that mean something else on a server that Daypass manages (host-contract.md: marker groups, canary).
TAKEN_USERS = frozenset({"daypass", "daypass-join", "dp-canary"})
PORT = re.compile(r"[1-9][0-9]{0,4}")
LAST_PORT = 65535

HOST_ALLOWED = (
    "an IPv4 address, an IPv6 address without brackets and scope, or a host name of letters, digits, - and ."
)
USER_ALLOWED = "a letter or _, then at most 31 of letters, digits, _ . -"
PORT_ALLOWED = "a whole number from 1 to 65535, or its digits as text"


def check_host(value: object) -> str:
    """The host as it is, or FieldRefused."""
    if isinstance(value, str) and 0 < len(value) <= MAX_HOST and _is_host(value):
        return value
    raise FieldRefused(shown(value), HOST_ALLOWED)


def _is_host(text: str) -> bool:
    if IPV4.fullmatch(text):
        return True
    if ":" in text:
        return is_ipv6(text)
    return HOST_NAME.fullmatch(text) is not None and NUMBER_LAST.fullmatch(text) is None


def is_ipv6(text: str) -> bool:
    """Whether this is an IPv6 address without a scope: `fe80::1%eth0` means another host on each machine."""
    try:
        return ipaddress.IPv6Address(text).scope_id is None
    except ValueError:
        return False


def check_user(value: object) -> str:
    """The connector user as it is, or FieldRefused."""
    if not isinstance(value, str) or not USER.fullmatch(value):
        raise FieldRefused(shown(value), USER_ALLOWED)
    if value in TAKEN_USERS:
        raise FieldRefused(shown(value), "a name that Daypass doesn't use for something else on the server")
    return value


def check_port(value: object) -> int:
    """The port as a number, or FieldRefused; `true` and `22.0` aren't ports."""
    if isinstance(value, str) and PORT.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LAST_PORT:
        return value
    raise FieldRefused(shown(value), PORT_ALLOWED)
