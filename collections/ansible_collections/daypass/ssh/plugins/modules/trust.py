# Copyright: the Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: trust
short_description: Have a host's sshd trust certificates of managed accounts
version_added: 0.1.0
description:
  - Installs the sshd drop-in, the marking groups and the ledger that M(daypass.ssh.accounts) needs.
  - Everything is checked on a copy of the whole sshd configuration first. Nothing is changed on a host where
    it couldn't work; the answer names the directive, file and line that is in the way.
  - Before the first change the host arms a timer that takes everything back by itself. It is disarmed by
    O(state=confirmed) alone, which is for the controller to call once a new login was proven. The role
    P(daypass.ssh.onboard#role) does all of it.
  - Takes all of it away again with O(state=absent) and, once a new login was proven, O(state=cleared); the
    role P(daypass.ssh.offboard#role) does both.
author:
  - The Daypass authors (@daypass)
options:
  state:
    description:
      - V(present) checks, arms the way back and installs; a host that is as it should be stays untouched.
      - V(confirmed) disarms the way back; it fails when the host took the drop-in back already.
      - V(rolled_back) takes back at once what isn't confirmed yet, and nothing else.
      - V(absent) removes the accounts that the ledger still names, their homes by their policy, arms the way
        back, and takes the drop-in out. Nothing more happens while an account can't be removed.
      - V(cleared) disarms the way back, then takes timers, files, groups and the ledger away; it fails when
        the host put the drop-in back already. Groups and folders that onboarding found stay.
    type: str
    choices: [present, confirmed, rolled_back, absent, cleared]
    default: present
  host_id:
    description:
      - Id of the host, 32 hex digits, made by the orchestrator. Kept in the ledger; documents for another
        host are refused. Left out where playbooks work without an orchestrator.
    type: str
  orchestrator_id:
    description: Id of the orchestrator, 32 hex digits; goes with O(host_id).
    type: str
  machine_id:
    description: The machine-id that this server had at its last onboarding; another one is refused.
    type: str
  connector:
    description:
      - The SSH user that Ansible logs in with. He and root are outside of the drop-in, whatever their groups.
    type: str
    required: true
  canary:
    description: Login of the account that proves the onboarding; it goes too on the way back.
    type: str
    default: dp-canary
  way_back_seconds:
    description: Seconds after which the host takes an unconfirmed onboarding back, 10 to 3600.
    type: int
    default: 60
  take_over:
    description:
      - Accept a host that belongs to another orchestrator, a clone that brought a ledger along, or another
        machine under the name of an earlier one.
      - The accounts in the ledger stay known and belong to the new owner then.
    type: bool
    default: false
  local_deadline:
    description:
      - V(required) refuses a host that couldn't end access by itself, because it has neither systemd nor a
        running cron. V(if_possible) takes it; access then ends with the next run from the controller, and
        each run of M(daypass.ssh.accounts) warns of that.
    type: str
    choices: [required, if_possible]
    default: required
  keep_homes:
    description: With O(state=absent), every home stays where it is, whatever the account's own policy.
    type: bool
    default: false
attributes:
  check_mode:
    description: All checks are made, nothing is changed or armed.
    support: full
  diff_mode:
    description: Shows the drop-in and what else is missing, before and after.
    support: full
  platform:
    description: Linux with OpenSSH 8.2 or newer and the shadow tools.
    support: full
    platforms: linux
seealso:
  - module: daypass.ssh.accounts
  - module: daypass.ssh.login
"""

EXAMPLES = r"""
- name: Install the drop-in with a way back
  daypass.ssh.trust:
    state: present
    connector: "{{ ansible_user }}"
  become: true

- name: A new login works
  daypass.ssh.login:

- name: Keep it
  daypass.ssh.trust:
    state: confirmed
    connector: "{{ ansible_user }}"
  become: true

- name: Show what an off-boarding would take away
  daypass.ssh.trust:
    state: absent
    connector: "{{ ansible_user }}"
  become: true
  check_mode: true
"""

RETURN = r"""
trust:
  description: What is known of the host; returned on failure too.
  type: dict
  returned: always
  contains:
    state:
      description: >-
        V(present) (not proven yet), V(confirmed), V(rolled_back), V(absent) (not proven yet), V(cleared),
        V(unchanged) or V(refused).
      type: str
    onboarded:
      description: Whether the host has a ledger that can be read.
      type: bool
    host_id:
      description: From the ledger.
      type: str
    orchestrator_id:
      description: From the ledger.
      type: str
    machine_id:
      description: From the ledger.
      type: str
    sequence:
      description: Of the last document, 0 when none came yet.
      type: int
    sshd_version:
      description: The oldest listening sshd, as major and minor number.
      type: str
      sample: "9.2"
    way_back_armed:
      description: Whether the host takes the onboarding back by itself unless it is confirmed.
      type: bool
    missing:
      description: What had to be made.
      type: list
      elements: str
    removing:
      description: What goes, or is gone, with O(state=absent). Accounts, files and groups, in this order.
      type: list
      elements: str
    code:
      description: Stable name of the reason, null when all is well.
      type: str
    message:
      description: The reason, with directive, file and line where sshd's configuration is in the way.
      type: str
    hint:
      description: What to do next.
      type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import (
    HEX_ID,
    SSHD_DROPIN,
    STATE_FOLDER,
    Refusal,
    check_login,
)
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import CommandFailed, System
from ansible_collections.daypass.ssh.plugins.module_utils.onboarding import leaving, trust, way_back
from ansible_collections.daypass.ssh.plugins.module_utils.record.ledger_file import read_ledger
from ansible_collections.daypass.ssh.plugins.module_utils.sshd import dropin

STATES = ["present", "confirmed", "rolled_back", "absent", "cleared"]
ARGUMENTS = {
    "state": {"type": "str", "choices": STATES, "default": "present"},
    "host_id": {"type": "str"},
    "orchestrator_id": {"type": "str"},
    "machine_id": {"type": "str"},
    "connector": {"type": "str", "required": True},
    "canary": {"type": "str", "default": "dp-canary"},
    "way_back_seconds": {"type": "int", "default": 60},
    "take_over": {"type": "bool", "default": False},
    "local_deadline": {"type": "str", "choices": ["required", "if_possible"], "default": "required"},
    "keep_homes": {"type": "bool", "default": False},
}
WAY_BACK_SECONDS = (10, 3600)  # less than a login takes on a slow host, more than anybody waits


def main():
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        supports_check_mode=True,
        required_together=[["host_id", "orchestrator_id"]],
    )
    system = System()
    try:
        wanted = wanted_from(module.params)
        if module.params["state"] in ("absent", "cleared"):
            keep_homes = module.params["keep_homes"]
            result = leave(system, module.params["state"], wanted, keep_homes, module.check_mode)
        else:
            result = run(system, module.params["state"], wanted, module.check_mode)
    except Refusal as refusal:
        module.fail_json(msg=sentence(refusal), trust=refused(system, refusal))
    except (CommandFailed, OSError) as error:
        module.fail_json(msg=str(error), trust=refused(system, Refusal("command_failed", str(error))))
    module.exit_json(**result)


def wanted_from(params):
    """Check what came from outside."""
    for name in ("host_id", "orchestrator_id", "machine_id"):
        if params[name] is not None and not HEX_ID.fullmatch(params[name]):
            raise Refusal("document_invalid", "%s is not 32 hex digits" % name)
    if not dropin.CONNECTOR.fullmatch(params["connector"]):
        raise Refusal("connector_invalid", "the connector user's name may hold letters, digits, _ . - only")
    check_login(params["canary"])
    least, most = WAY_BACK_SECONDS
    if not least <= params["way_back_seconds"] <= most:
        raise Refusal("way_back_invalid", "way_back_seconds may be %d to %d" % WAY_BACK_SECONDS)
    names = trust.Wanted._fields
    return trust.Wanted(**{name: params[name] for name in names})


def run(system, state, wanted, check):
    """Carry out one state; the way back's lock is held as long as anything may change."""
    if state == "present" and check:
        prepared = trust.prepare(system, wanted)
        return answer_of(
            system, "present" if prepared.missing else "confirmed", prepared, bool(prepared.missing)
        )
    if check:
        return answer_of(system, "unchanged", None, False)
    system.make_folder(STATE_FOLDER, 0o700)
    with system.lock(way_back.LOCK, way_back.LOCK_WAIT_SECONDS):
        if state == "present":
            prepared = trust.prepare(system, wanted)
            changed = trust.install(system, wanted, prepared, os.urandom(8).hex())
            return answer_of(system, "present" if changed else "confirmed", prepared, changed)
        if state == "confirmed":
            # Disarming is the end of what `present` changed and reported; the host's trust is the same.
            trust.confirm(system, wanted.connector)
            return answer_of(system, "confirmed", None, False)
        changed = trust.take_back(system)
        return answer_of(system, "rolled_back" if changed else "unchanged", None, changed)


def leave(system, state, wanted, keep_homes, check):
    """Off-boarding's two states; a host that has nothing of ours gets nothing, not even a lock."""
    if leaving.is_clear(system):
        return answer_of(system, "cleared", None, False)
    if check:
        found = leaving.prepare(system, wanted, keep_homes) if state == "absent" else None
        return gone(system, "unchanged", found, found is not None)
    system.make_folder(STATE_FOLDER, 0o700)
    with system.lock(way_back.LOCK, way_back.LOCK_WAIT_SECONDS):
        if state == "cleared":
            return gone(system, "cleared", None, leaving.clear(system))
        before = leaving.withdraw(system, wanted, os.urandom(8).hex(), keep_homes)
        return gone(system, "absent", before, True)


def gone(system, state, found, changed):
    """The result of an off-boarding: what was there is the diff's left side."""
    result = answer_of(system, state, None, changed)
    if found is not None:
        result["trust"]["removing"] = list(found.removing)
        result["diff"] = {"before": "".join("%s\n" % name for name in found.removing), "after": ""}
    return result


def answer_of(system, state, prepared, changed):
    """The module's result."""
    answer = dict(facts(system), state=state, code=None, message=None, hint=None, missing=[])
    result = {"changed": changed, "trust": answer}
    if prepared is not None:
        answer["missing"] = list(prepared.missing)
        before = (prepared.dropin_before or b"").decode("utf-8", "replace")
        result["diff"] = {
            "before_header": SSHD_DROPIN,
            "after_header": SSHD_DROPIN,
            "before": before + "".join("missing: %s\n" % name for name in prepared.missing),
            "after": prepared.dropin,
        }
    return result


def facts(system):
    """What the ledger says of the host, as far as it can be read."""
    try:
        ledger, armed = read_ledger(system), system.exists(way_back.MARKER)
    except Refusal:
        ledger, armed = None, system.exists(way_back.MARKER)
    version = "" if ledger is None else ".".join(str(number) for number in ledger.sshd_version)
    return {
        "onboarded": ledger is not None,
        "host_id": ledger and ledger.host_id,
        "orchestrator_id": ledger and ledger.orchestrator_id,
        "machine_id": ledger and ledger.machine_id,
        "sequence": ledger.sequence if ledger else 0,
        "sshd_version": version,
        "way_back_armed": armed,
    }


def refused(system, refusal):
    """The answer with the reason."""
    reason = {"code": refusal.code, "message": refusal.sentence, "hint": refusal.hint}
    return dict(facts(system), state="refused", missing=[], **reason)


def sentence(refusal):
    """Message and hint in one line."""
    return "%s (%s)" % (refusal.sentence, refusal.hint) if refusal.hint else refusal.sentence


if __name__ == "__main__":
    main()
