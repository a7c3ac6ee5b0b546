# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts_info
short_description: Report what stands on a host, and what differs from its ledger
version_added: 0.1.0
author:
  - The Daypass authors (@daypass)
description:
  - Compares the host with its ledger (C(/var/lib/daypass/ledger.json)), and the ledger with a document of the
    orchestrator where one is given. Nothing is changed, in check mode or not.
  - Looks at groups, sudo rules, key lines, locks and expiries of managed accounts, at accounts and key files
    that nobody knows, at processes, jobs, mail and files of people without access, at sshd's effective
    settings, at the clock, and at mode and content of our own files.
  - A host on which somebody had root's rights can lie. RV(report.unproven) names the grants that give them
    now; what is said of such a host is verified by report, not proven.
options:
  document:
    description:
      - The wanted state as one opaque string, as the orchestrator sends it to M(daypass.ssh.accounts). It is
        compared with, never carried out.
    type: str
  deep:
    description: Look for setuid and setgid files on all local file systems, too.
    type: bool
    default: false
  deep_seconds:
    description: How long to look for those at most, 1 to 3600; the report says where time was up.
    type: int
    default: 60
  controller_time:
    description: The controller's clock when the task was sent, seconds since 1970. Set by the action plugin.
    type: float
attributes:
  check_mode:
    support: full
    description: Nothing is changed in any mode.
  diff_mode:
    support: none
    description: Nothing is changed.
  platform:
    support: full
    platforms: posix
    description: Linux, as M(daypass.ssh.accounts).
seealso:
  - module: daypass.ssh.accounts
  - module: daypass.ssh.trust
"""

EXAMPLES = r"""
- name: Look at the host
  become: true
  daypass.ssh.accounts_info:
  register: looked

- name: Nothing differs
  ansible.builtin.assert:
    that: looked.report.findings | length == 0
    fail_msg: "{{ looked.report.findings | map(attribute='sentence') | join('; ') }}"
"""

RETURN = r"""
report:
  description: What was found.
  returned: always
  type: dict
  contains:
    status:
      description: V(read), or V(refused) where the host couldn't be looked at.
      type: str
    code:
      description: Why it was refused, a stable name; null otherwise.
      type: str
    message:
      description: The same as a sentence.
      type: str
    hint:
      description: What to do about it.
      type: str
    host_id:
      description: The host's id in its ledger.
      type: str
    machine_id:
      description: The host's machine-id.
      type: str
    orchestrator_id:
      description: The orchestrator that the host belongs to.
      type: str
    sequence:
      description: The ledger's sequence.
      type: int
    now:
      description: The host's clock, seconds since 1970.
      type: int
    drift_seconds:
      description: Host clock less controller clock; null where it wasn't measured.
      type: float
    program:
      description: Version of the code that looked, and whether the program on the host is the same.
      type: dict
    accounts_open:
      description: Accounts of the ledger with a live grant.
      type: int
    accounts_closed:
      description: The others.
      type: int
    findings:
      description: The differences.
      type: list
      elements: dict
      contains:
        code:
          description:
            - Stable name of the kind.
            - Of a managed account V(account_ageing), V(account_changed), V(account_foreign),
              V(account_missing), V(account_open), V(account_shut), V(group_extra), V(group_gone),
              V(group_missing), V(membership_lost), V(subordinate_range), V(key_file_mode), V(key_line_extra),
              V(key_line_missing), V(sudoers_extra), V(sudoers_missing), V(sshd_overridden), V(unfinished).
            - Of who shouldn't be there V(account_unknown), V(member_unknown), V(key_file_unknown),
              V(processes_left), V(jobs_left), V(mail_left), V(files_left), V(setid_file).
            - Of the ledger against the document V(account_unlisted), V(grant_differs), V(grant_overdue),
              V(grant_to_end), V(grant_to_open), V(removal_overdue), V(sequence_ahead).
            - Of the host V(clock_drift), V(deadline_lost), V(deep_unfinished), V(file_differs),
              V(file_missing), V(file_mode), V(machine_id_changed), V(made_group_foreign), V(made_group_gone),
              V(not_ours), V(program_altered).
          type: str
        subject:
          description: Login or path it is about; empty for the host as a whole.
          type: str
        found:
          description: What is there.
          type: str
        expected:
          description: What should be there.
          type: str
        sentence:
          description: For people.
          type: str
        repair:
          description: Who puts it right, V(converge) (the next full document), V(onboard) or V(person).
          type: str
    left_out:
      description: How many findings didn't fit into the answer.
      type: int
    unproven:
      description: Live grants that are as good as root, each with login, grant and why.
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.daypass.ssh.plugins.module_utils.contract.arguments import (
    INFO_ARGUMENTS,
    deep_seconds_of,
)
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.report.entry import run


def main() -> None:
    module = AnsibleModule(argument_spec=INFO_ARGUMENTS, supports_check_mode=True)
    try:
        deep_seconds = deep_seconds_of(module.params)
    except Refusal as refusal:
        module.fail_json(msg=refusal.sentence, code=refusal.code)
    result = run(
        System(),
        module.params["document"],
        controller_time=module.params["controller_time"],
        deep_seconds=deep_seconds,
    )
    if result.pop("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
