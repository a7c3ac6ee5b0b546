# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a grant's certificates are bound to and may do, and the same as options of a key line. Pure.

Names are those of certificates (OpenSSH, PROTOCOL.certkeys). sshd joins a certificate with the key line that
trusts its CA (auth-options.c, sshauthopt_merge; checked on 9.2 and 10.0): what one of the two doesn't permit
isn't permitted, addresses must fit both, and a forced command in either is forced; two different ones let
nobody in. So the key line holds what the certificate holds, and a certificate that somebody else made with
the CA's key can't do more than the grant.
"""

from __future__ import annotations

from . import fields
from .typed import NamedTuple
from .words import Seldom

PTY = "permit-pty"
# With the option that gives each back after `restrict` (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
# `permit-user-rc` is missing: our sshd block says `PermitUserRC no`.
EXTENSIONS = {
    PTY: "pty",
    "permit-port-forwarding": "port-forwarding",
    "permit-agent-forwarding": "agent-forwarding",
    "permit-X11-forwarding": "X11-forwarding",
}
FORCE_COMMAND = "force-command"
SOURCE_ADDRESS = "source-address"
FORCE_COMMAND_LENGTH = 1024
SOURCE_ADDRESSES_MAX = (
    100  # with the longest ones about 4,500 characters; sshd reads lines of 16,384 and more
)
# Printable ASCII, not blank. A backslash at the end would take the quote that closes `command="…"`.
_COMMAND = Seldom(r"(?=.*[!-~])[ -~]*[ -\[\]-~]")
_ADDRESS = Seldom(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")  # OpenSSH takes no netmask and no zone here


class Constraints(NamedTuple):
    """What a grant's certificates may do, sorted, and what they are bound to; "" = to nothing."""

    extensions: tuple[str, ...] = (PTY,)
    force_command: str = ""
    source_address: str = ""

    @property
    def bounds(self) -> tuple[str, str]:
        """What may not differ between grants that an account has at the same time."""
        return (self.force_command, self.source_address)


def is_force_command(text: object) -> bool:
    """Whether this may be a forced command."""
    return isinstance(text, str) and len(text) <= FORCE_COMMAND_LENGTH and bool(_COMMAND.fullmatch(text))


def is_source_address(text: object) -> bool:
    """Whether this is one address or network, without bits set behind the mask."""
    if not isinstance(text, str) or not _ADDRESS.fullmatch(text):
        return False
    import ipaddress  # takes longer to import than all else here, and most hosts never need it

    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError:
        return False
    return True


def are_source_addresses(text: object) -> bool:
    """Whether these are one or more of them, with commas and no spaces between."""
    if not isinstance(text, str):
        return False
    found = text.split(",")
    return len(found) <= SOURCE_ADDRESSES_MAX and all(map(is_source_address, found))


def checked(constraints: Constraints) -> bool:
    """Whether each part may stand in a key line."""
    command, address = constraints.bounds
    return (
        len(set(constraints.extensions)) == len(constraints.extensions)
        and all(name in EXTENSIONS for name in constraints.extensions)
        and (command == "" or is_force_command(command))
        and (address == "" or are_source_addresses(address))
    )


def constraints_of(extensions: object, critical_options: object, where: str) -> Constraints:
    """The constraints of a document's grant; what is left out (None) is a terminal alone, bound to nothing.

    Raises:
        Refusal: `document_invalid`.
    """
    names = [PTY]
    if extensions is not None:
        names = fields.items(extensions, str, len(EXTENSIONS), where + ", extensions")
        for name in names:
            fields.one_of(name, tuple(EXTENSIONS), where + ", extensions")
        fields.unique(names, "extension")
    options = {} if critical_options is None else critical_options
    if not isinstance(options, dict):
        raise fields.invalid("%s, critical_options is no mapping" % where)
    fields.only(dict(options), (FORCE_COMMAND, SOURCE_ADDRESS), where + ", critical_options")
    if FORCE_COMMAND in options and not is_force_command(options[FORCE_COMMAND]):
        raise fields.invalid(
            "%s: the forced command is not 1 to %d printable ASCII characters without a backslash at the end"
            % (where, FORCE_COMMAND_LENGTH)
        )
    if SOURCE_ADDRESS in options and not are_source_addresses(options[SOURCE_ADDRESS]):
        raise fields.invalid(
            "%s: source-address is not 1 to %d addresses or networks, as 192.0.2.0/24, with commas between"
            % (where, SOURCE_ADDRESSES_MAX)
        )
    return Constraints(
        tuple(sorted(names)), str(options.get(FORCE_COMMAND, "")), str(options.get(SOURCE_ADDRESS, ""))
    )


def permissions(constraints: Constraints) -> str:
    """What a key line gives back after `restrict`, with its commas: "" for nothing, else `,pty,…`."""
    return "".join("," + option for name, option in EXTENSIONS.items() if name in constraints.extensions)


def bounds_text(constraints: Constraints) -> str:
    """What a key line binds a login to, with its commas."""
    command, address = constraints.bounds
    text = ',from="%s"' % address if address else ""
    if command:  # sshd takes `\\"` for a quote, and every other backslash as it stands
        text += ',command="%s"' % command.replace('"', '\\"')
    return text
