# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: login
short_description: Prove that somebody can log in to a host now
version_added: 0.1.0
description:
  - Opens a new ssh connection from the controller to the host of the task, runs C(id -un), compares.
  - The connection is never shared (C(ControlMaster=no), C(ControlPath=none)), asks for nothing, and uses the
    address, port, host key checking and further options of Ansible's own connection to the host.
  - Fails when the login doesn't work. A refused login isn't tried again, since newer sshd penalise that.
author:
  - The Daypass authors (@daypass)
options:
  login:
    description:
      - Who logs in; only O(key_file) and O(certificate_file) are offered for him then.
      - Left out, it is the user that Ansible connects as, with that connection's own key, no password.
    type: str
  certificate_file:
    description: File on the controller with the certificate to log in with.
    type: path
  key_file:
    description: File on the controller with the private key, or the public one when an agent holds it.
    type: path
  timeout_seconds:
    description: Seconds to wait for the connection.
    type: int
    default: 15
  tries:
    description: How often to try, a second apart, as long as no sshd answers at all.
    type: int
    default: 3
attributes:
  check_mode:
    description: A login changes nothing, so it happens in check mode too.
    support: full
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: The connector can still log in
  daypass.ssh.login:

- name: Alice can log in with her certificate
  daypass.ssh.login:
    login: alice
    key_file: alice
    certificate_file: alice-cert.pub
"""

RETURN = r"""
rc:
  description: Exit code of ssh, 255 when it couldn't log in, -1 when it never ended.
  type: int
  returned: always
user:
  description: Who the host says that is.
  type: str
  returned: always
code:
  description: C(login_failed) when the login didn't work.
  type: str
  returned: failure
"""
