# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: Sign an SSH user certificate on the controller
version_added: 0.1.0
description:
  - Signs a certificate for one grant with the same profile and the same code as the orchestrator, so that
    roles and playbooks work without it. The certificate is read back, compared field by field and verified
    before it is returned.
  - Runs on the controller alone, whatever host the task names; it needs the Python package C(daypass) there.
  - The certificate carries exactly one principal, C(daypass-GRANT_ID-NUMBER). It opens only accounts whose
    key line names that principal, see M(daypass.ssh.accounts).
author:
  - The Daypass authors (@daypass)
options:
  public_key:
    description:
      - The person's public key, one line as in a C(.pub) file.
      - ed25519, ecdsa, rsa from 3072 bits and their C(sk-) forms are signed; anything else is refused.
    type: str
  public_key_file:
    description: File on the controller that holds the public key, instead of O(public_key).
    type: path
  ca_key:
    description: The CA's private key as text, without passphrase. Never logged; O(ca_key_file) is safer.
    type: str
  ca_key_file:
    description: File on the controller that holds the CA's private key, without passphrase.
    type: path
  login:
    description: The account's login; it stands in the key id, so that sshd's log tells the story.
    type: str
    required: true
  grant_id:
    description: Id of the grant, at most 40 letters and digits.
    type: str
    required: true
  number:
    description: Counts the certificates of the grant, from 1.
    type: int
    default: 1
  flow:
    description: Name of the flow that approved the grant, for the key id.
    type: str
    default: direct
  valid_for:
    description: Seconds from the beginning of the window to its end; this or O(not_after) is needed.
    type: int
  not_before:
    description:
      - Beginning of the window, as in C(2026-11-22T10:00:00Z); now when left out.
      - The certificate itself begins 60 seconds earlier, for clocks that differ.
    type: str
  not_after:
    description: End of the window, as in C(2026-11-22T11:00:00Z). The certificate opens nothing from then on.
    type: str
  critical_options:
    description: Only V(source-address) (networks in CIDR form, separated by commas) and V(force-command).
    type: dict
    default: {}
  extensions:
    description: What a session may do; C(permit-pty) unless more is named.
    type: list
    elements: str
    default:
      - permit-pty
  serial:
    description: Unique number of the certificate, 1 to 2**63 - 1; random when left out.
    type: int
attributes:
  check_mode:
    description: Signing changes nothing on a host, so it happens in check mode too.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Sign a certificate for two hours
  daypass.ssh.certificate:
    ca_key_file: /etc/daypass/user_ca
    public_key_file: alice.pub
    login: alice
    grant_id: deploy20261122
    valid_for: 7200
  register: signed

- name: Hand it out
  ansible.builtin.copy:
    content: "{{ signed.certificate }}\n"
    dest: alice-cert.pub
    mode: "0644"
  delegate_to: localhost
"""

RETURN = r"""
certificate:
  description: The certificate, type and base64, without comment and newline.
  type: str
  returned: success
serial:
  description: Its number.
  type: int
  returned: success
key_id:
  description: What sshd writes into its log at each login.
  type: str
  returned: success
  sample: daypass user=alice grant=deploy20261122 flow=direct
principal:
  description: The only name in it; goes into the grant's principals for M(daypass.ssh.accounts).
  type: str
  returned: success
  sample: daypass-deploy20261122-1
valid_after:
  description: When it begins, UTC.
  type: str
  returned: success
  sample: "2026-11-22T09:59:00Z"
valid_before:
  description: When it ends, UTC.
  type: str
  returned: success
  sample: "2026-11-22T12:00:00Z"
fingerprint:
  description: Of the public key, as ssh-keygen -l prints it.
  type: str
  returned: success
ca_public_key:
  description: Public key of the CA, for the C(ca_keys) of M(daypass.ssh.accounts).
  type: str
  returned: success
code:
  description: Stable name of the reason.
  type: str
  returned: failure
"""
