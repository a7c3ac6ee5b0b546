# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: accounts
short_description: Bring people's accounts on a host to a wanted state
version_added: 0.1.0
author:
  - The Daypass authors (@daypass)
description:
  - Takes the wanted state of any number of people's accounts on one host, and makes the host so. Accounts
    are created, opened, closed and removed; nothing is sent but the state that should hold.
  - Closings of all accounts come first, then openings, removals last. Opening an account is all or
    nothing. Closing goes on past every failure.
  - Only accounts that the host's ledger (C(/var/lib/daypass/ledger.json)) names are touched. The ledger is
    made by the role P(daypass.ssh.onboard#role); on a host without one the module refuses to do anything.
  - The first run puts its own code on the host as C(/usr/local/lib/daypass/daypass-host.pyz), and replaces
    another version of it, before it writes the ledger. A host that can't take it opens nothing and closes
    everything. Over SSH with a known Python the task then has that program do the work, and sends no module.
  - With the program come C(daypass-expire.service) and C(daypass-expire.timer), or C(/etc/cron.d/daypass) on
    a host without systemd. They run it each minute and after each boot, and a transient timer runs it at the
    next end of a grant, so that access ends at O(accounts[].grants[].not_after) without any controller. It
    closes; it never opens or removes. People are told on their terminals
    O(accounts[].grants[].warn_before) seconds ahead, and again a minute ahead. What it does stands in syslog
    under C(daypass).
  - When access ends or shrinks, the person's sessions and processes get TERM, a second later KILL, and are
    looked for again after two seconds; crontab, at jobs and lingering are parked; setuid and setgid copies of
    his lose these bits, at home, where everybody can write, and where a group that he lost can.
  - On a host that can run nothing later, RV(answer.warnings) says so in each answer.
  - The module fails, with the whole answer, when any account was refused or failed; the others are done
    all the same.
  - A full or read-only disk, a missing or hanging tool, a sudoers tree that can't be read, an sshd that
    doesn't say what holds, a directory (sssd, LDAP) that doesn't answer. Each of them refuses or takes back
    openings, with a code and a sentence, and leaves the account files as they were. Closings do all steps
    that can be done, within a bounded time, report what couldn't, and the next run goes on there.
  - Time never goes back behind what the ledger saw. A clock that differs from the controller's by more than
    5 minutes opens nothing and begins no removal, and isn't remembered where it runs ahead.
  - A ledger that can't be read is set aside (C(ledger.json.corrupt-TIME) beside it, the newest three are
    kept) and rebuilt from its copy, which every write brings up to date first. RV(answer.rebuilt) says so.
    Accounts that the host's own files prove to be ours and that the copy doesn't name are closed, never
    removed. Where the copy is broken too, or a later version wrote the ledger, nothing is opened or
    removed, and only what the document closes by name is closed; the role P(daypass.ssh.onboard#role) with
    take-over begins a new one.
options:
  document:
    description:
      - The wanted state as one opaque string, as the orchestrator sends it (base64 of canonical JSON).
      - Mutually exclusive with the options that build such a document in a playbook.
    type: str
  accounts:
    description:
      - The accounts, where no O(document) is given. Listed grants are added or replaced by their id,
        V(absent) ends one, others stay. A grant that ended can't come back before its original end.
    type: list
    elements: dict
    suboptions:
      name:
        description: The login. A small letter or V(_), then at most 31 of a-z, 0-9, V(_), V(.), V(-).
        type: str
        required: true
      uid:
        description: The uid, which is the gid of the private group too. From 70000 to 99999, never used
          twice. With O(accounts[].existing=join) that of the person's own account, from 1000 up, outside of
          that range.
        type: int
        required: true
      comment:
        description: The GECOS text that marks the account as this person's, an e-mail address for one.
        type: str
        required: true
      shell:
        description: The login shell. It must be in the host's C(/etc/shells).
        type: path
        default: /bin/bash
      existing:
        description:
          - V(refuse) makes an account, and touches nothing where one of that name exists that isn't ours.
          - V(join) takes the person's own account of that name and O(accounts[].uid), which must exist. The
            grants add groups that it lacks, sudo rules and a key file; their end takes exactly these back. It
            is never locked, changed or removed, O(accounts[].shell) and O(accounts[].home_on_removal) don't
            count, and O(accounts[].remove) only forgets it.
          - What the ledger has decides. An account that we made is never joined, one that was joined is never
            taken for ours, and such grants are refused.
        type: str
        choices: [refuse, join]
        default: refuse
      join_without_log:
        description:
          - With O(accounts[].existing=join), sshd's log says which sessions end with a grant. On a host that
            keeps none, V(refuse) refuses to join and V(end_all) ends all SSH sessions of the person.
        type: str
        choices: [refuse, end_all]
        default: refuse
      home_on_removal:
        description:
          - What becomes of the home when the account is removed. V(archive) makes a tar file of it in
            C(.daypass-archive) beside it, for root alone, with owners as numbers, and deletes it when that is
            complete; a home larger than 10 GiB, or without room for its archive, stays in that folder.
          - A home that is a link, a mount point or on a network, that belongs to somebody else or that
            another account shares is kept, with a warning.
        type: str
        choices: [archive, delete, keep]
        default: archive
      user_cleanup_days:
        description: Days after the last grant's end in which the account stays closed. Kept in the ledger;
          unset = never.
        type: int
      remove:
        description: Remove the account. It must have no grants left.
        type: bool
        default: false
      grants:
        description: The grants of this account.
        type: list
        elements: dict
        default: []
        suboptions:
          id:
            description: Id of the grant, 1 to 40 letters and digits, unique.
            type: str
            required: true
          state:
            description: V(present) gives access, V(absent) ends it.
            type: str
            choices: [present, absent]
            default: present
          principals:
            description: Names of the grant's certificates, C(daypass-<id>-<n>). Each gets one key line.
            type: list
            elements: str
          groups:
            description: Groups of C(/etc/group) that the account is in while the grant lasts. They must
              exist, unless O(accounts[].grants[].create_groups) has them.
            type: list
            elements: str
          create_groups:
            description:
              - Those among O(accounts[].grants[].groups) that are made where they are missing, with a gid
                from 70000 to 99999, and removed by the run in which the last grant that names them ends.
              - Names of the system's groups and of those with root's rights are refused.
            type: list
            elements: str
          warn_before:
            description: Seconds before the end at which the person is warned on his terminals, 0 for never.
            type: int
          sudo:
            description: Sudo rules. They never ask for a password, because these accounts have none.
            type: list
            elements: dict
            suboptions:
              run_as:
                description: The user to run as, or V(ALL).
                type: str
                default: root
              commands:
                description:
                  - List of commands with absolute paths, with arguments or without (any arguments then),
                    or the word V(ALL).
                type: raw
                required: true
          not_after:
            description: When access ends, UTC, as V(2026-11-22T11:00:00Z). Quote it, or YAML makes a date
              of it.
            type: str
          extensions:
            description:
              - What certificates of this grant may do, by the names that certificates use; V(permit-pty) when
                left out, nothing but commands without a terminal when empty.
              - The key line gives no more than this, whatever a certificate says, and a certificate no more
                than it says itself.
            type: list
            elements: str
            choices: [permit-pty, permit-port-forwarding, permit-agent-forwarding, permit-X11-forwarding]
          critical_options:
            description:
              - What logins with this grant are bound to, by the names that certificates use,
                V(source-address) (networks in CIDR form, separated by commas) and V(force-command). The key
                line demands it too.
              - A forced command must be the same text as in the certificate, or sshd lets nobody in.
              - Grants of one account that are bound otherwise are never in effect at the same time; the one
                that comes later is refused with C(constraints_differ).
            type: dict
  ca_keys:
    description: Public keys of the certificate authority, C(TYPE BASE64). More than one while the
      authority is changed.
    type: list
    elements: str
  exclusive:
    description: An account that the ledger names and O(accounts) doesn't counts as having no grants.
    type: bool
  host_id:
    description: The host's id in its ledger. May be left out only where the ledger has none.
    type: str
  orchestrator_id:
    description: The orchestrator's id in the ledger. May be left out only where the ledger has none.
    type: str
  sequence:
    description: Number that grows with each document for this host. A document that comes late opens nothing.
    type: int
  controller_time:
    description:
      - The controller's clock when the task was sent, in seconds since 1970. Set by the action plugin.
      - A difference over 30 seconds is a warning, over 5 minutes nothing is opened.
    type: float
attributes:
  check_mode:
    support: full
    description: Says what would be, from the same plan.
  diff_mode:
    support: full
    description: Gives the changes by account, from the same plan.
  platform:
    support: full
    platforms: posix
    description: Linux with shadow's useradd, OpenSSH 8.2 or newer, and Python 3.8 or newer.
extends_documentation_fragment: []
notes:
  - The document as a whole is refused, with nothing changed, where it isn't in order (C(document_invalid),
    C(name_invalid), C(name_reserved), C(uid_out_of_range), C(group_invalid), C(sudo_rule_invalid)), is for
    another host (C(host_id_mismatch), C(machine_id_mismatch) on a copy of one), comes from another
    orchestrator (C(orchestrator_mismatch)), has no number (C(sequence_missing)), has the number of another
    content (C(sequence_conflict)), or where another run keeps the lock for 30 seconds (C(lock_timeout)). Odd
    values are refused, never altered. A grant has no beginning; a document that gives one is refused.
  - Never managed are root, uids below 1000, the connector, logins that begin with C(daypass), those of the
    system and of well-known software (C(name_reserved)), and names that sudoers has as user or group
    (C(name_in_sudoers)).
  - An account isn't made where its name exists (C(account_exists)), where its number is held by a user or
    group of any source, lies in a range of C(/etc/subuid) or C(/etc/subgid), or was another person's
    (C(uid_taken), C(uid_subordinate), C(uid_retired)), where the shell isn't listed (C(shell_not_listed)),
    and where a group, sudo rule, crontab, at job, mail, lingering or home waits for the name
    (C(old_rights)). The same is looked at before a closed account opens again. Nothing of it is cleared away.
  - Groups from before keep their members. One that is missing (C(group_missing)) is only made where the
    grant says so, never one that sudoers names already (C(old_rights)) or that has an account's name; it is
    removed with its last member, and stays, with a warning, where somebody else is in it. One that
    comes from a directory (C(group_remote)), is root's or an account's own (C(name_reserved),
    C(group_private)) refuses the grant alone. Rights as good as root are told as warnings.
  - Open, an account has the password C(*), no ageing, and expires on the UTC day after its last grant's end;
    closed, it has C(!*) and is expired. Certificates get in by lines of
    C(/etc/ssh/daypass/keys/LOGIN) alone, which end with the grant where sshd is 9.1 or newer. It counts as
    open only when sshd says that each of our settings holds for it, else it is taken back
    (C(sshd_overridden), with directive, file and line).
  - An account that somebody took out of the group C(daypass) (or C(daypass-join)) is closed, and none of its
    grants opens again (C(membership_lost)); a new grant does.
  - A removal takes crontab, at jobs, mail, and files of the account in C(/tmp), C(/var/tmp) and C(/dev/shm)
    with it. The uid is never given to somebody else. Where C(userdel) only said that it did it, the account
    is told as failed.
  - Of an account that was joined, the answer holds digests of its own C(authorized_keys) at begin and end,
    and warns where they differ. A locked or expired one isn't joined (C(account_locked),
    C(account_expired), C(password_expired)).
  - Where SELinux is on, each file and folder that is made gets the context that the policy has for its path,
    by C(matchpathcon) and C(chcon). Caches of names (nscd, sssd) are told by the system's own tools.
  - Whoever has root's rights on the host can change ledger, program, timer and clock. What holds then is the
    end and scope of the certificate.
seealso:
  - module: daypass.ssh.accounts_info
  - module: daypass.ssh.trust
"""

EXAMPLES = r"""
- name: Let alice in until eleven
  become: true
  daypass.ssh.accounts:
    ca_keys:
      - "{{ lookup('ansible.builtin.file', 'user_ca.pub').split()[:2] | join(' ') }}"
    accounts:
      - name: alice
        uid: 70007
        comment: alice@example.com
        grants:
          - id: web20261122
            principals: [daypass-web20261122-1]
            groups: [www-data]
            sudo:
              - commands: ["/usr/bin/systemctl restart nginx"]
            not_after: "2026-11-22T11:00:00Z"

- name: End that grant now
  become: true
  daypass.ssh.accounts:
    accounts:
      - name: alice
        uid: 70007
        comment: alice@example.com
        grants:
          - {id: web20261122, state: absent}

- name: What the orchestrator sends
  become: true
  daypass.ssh.accounts:
    document: "{{ daypass_document }}"
"""

RETURN = r"""
answer:
  description: What became of the document.
  returned: always
  type: dict
  contains:
    status:
      description: V(converged), V(stale) (an older document, only its endings counted) or V(refused).
      type: str
    code:
      description: Why the document as a whole was refused, a stable name; null otherwise.
      type: str
    message:
      description: The same as a sentence.
      type: str
    hint:
      description: What to do about it.
      type: str
    sequence:
      description: The ledger's sequence after the run.
      type: int
    rebuilt:
      description: Why and from what the ledger was rebuilt before this run; null otherwise.
      type: str
    host_id:
      description: The host's id in its ledger.
      type: str
    program:
      description: The code that ran.
      type: dict
      contains:
        version:
          description: The first 16 hex digits of the digest of its sources.
          type: str
        installed:
          description: Whether the host has it now.
          type: bool
    machine_id:
      description: The host's machine-id.
      type: str
    orchestrator_id:
      description: The orchestrator that the host belongs to.
      type: str
    digest:
      description: SHA-256 of the document.
      type: str
    now:
      description: The host's clock, seconds since 1970.
      type: int
    drift_seconds:
      description: Host clock less controller clock; null where it wasn't measured.
      type: float
    next_deadline:
      description: When the first of all grants on this host ends.
      type: str
    warnings:
      description: >-
        What concerns the whole host, such as clocks that differ, or a sudo that doesn't end rules by itself
        (sudo-rs, sudo before 1.8.20), so that only the local deadline does.
      type: list
      elements: str
    accounts:
      description: >-
        By login, RV(answer.accounts.state) (V(absent), V(active), V(closed), V(removed), V(refused),
        V(failed)), the ids of the grants in effect, those of them that lack a change that the document
        wants, those refused with their codes, code and message, changes as lists of what, old and new,
        warnings, whether its rights are as good as root, what is left of a removal (code V(in_work) = goes on
        with the next run), and the next deadline. Without sudo on the host, grants with sudo rules are
        refused (V(sudo_missing)), others work. While the host's sudoers can't be read nothing opens
        (V(sudoers_broken)), and closings go on.
      type: dict
      contains:
        state:
          description: State of the account.
          type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.daypass.ssh.plugins.module_utils.contract.arguments import (
    ARGUMENTS,
    RULES,
    document_of,
)
from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.run.entry import run


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True, **RULES)
    try:
        opaque = document_of(module.params)
    except Refusal as refusal:
        module.fail_json(msg=refusal.sentence, code=refusal.code)
    result = run(System(), opaque, controller_time=module.params["controller_time"], check=module.check_mode)
    if result.pop("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
