"""Runs on a lab host: kill converge at every effect, let the next run come, compare with an unkilled pair.

Standard input: {"start": [step, …], "break": [file to empty then, …], "killed": step, "next": [step, …],
"people": {login: uid}, "expect": "same" (as unkilled) or "closed" (nothing is left open), "inside_step": kill
inside changing programs at every n-th file system change, 0 = not}. Prints {"kills", "failures": [text, …],
"seconds"}.

A step is a document, or {"take_over": {"host_id", "orchestrator_id"}}: onboarding by another orchestrator,
without the login that proves it.

Right after each kill nobody has more than before the run, or, once anything new is there, than is wanted.
"""

# Written as the code for hosts is, which does without pathlib.
# ruff: noqa: PTH103, PTH108, PTH112, PTH119, PTH207, PTH208, PT018
from __future__ import annotations

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import cheaper
import driver
import syscall_kill
from daypass_host.contract import names
from daypass_host.effects import children, system
from daypass_host.facts import account_files
from daypass_host.onboarding import trust, way_back
from daypass_host.plan import shortening
from daypass_host.record import ledger_file
from daypass_host.removal import homes

SNAPSHOT = "/opt/daypass-test/snapshot"
FILES = [f"/etc/{name}" for name in ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")]
FILES += [names.SUDOERS_PATH, names.LEDGER_PATH, names.LEDGER_COPY_PATH, names.UNRECORDED_PATH]


class Killed(driver.Told):
    """Dies before, after or inside one effect; `inside` counts the file system changes of that program."""

    def _run(self, argv, stdin, timeout_seconds, held=None):
        inside = self.kill and self.kill["when"] == "inside"
        if inside and len(self.effects) - 1 == self.kill["effect"]:
            self._die_inside(argv)
        return super()._run(argv, stdin, timeout_seconds, held)

    def _die_inside(self, argv):
        if syscall_kill.run_and_kill(argv, children.ENVIRONMENT, self.kill["change"]):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(driver.NOT_REACHED)  # the program has fewer changes than that


def take_over(told: driver.Told, ids: dict) -> dict:
    """What the onboarding role does around its proof, on a host of another or without a ledger."""
    wanted = trust.Wanted(
        **ids,
        machine_id=None,
        connector="apono",
        canary="dp-canary",
        way_back_seconds=60,
        take_over=True,
        local_deadline="if_possible",
    )
    with told.lock(way_back.LOCK, 5):
        trust.install(told, wanted, trust.prepare(told, wanted), os.urandom(8).hex())
    with told.lock(way_back.LOCK, 5):
        trust.confirm(told, "apono")
    return {"failed": False}


def run(step: str | dict, kill: dict | None = None) -> tuple[dict | None, int, list]:
    """One step in a child: (answer, exit code, effects); no answer from a killed one."""

    def work() -> tuple:
        told = Killed(kill, None)
        if isinstance(step, dict):
            return take_over(told, step["take_over"]), told.effects
        return driver.converge(told, step, now=told.clock()), told.effects

    given, code = driver.in_a_child(work)
    answer, effects = given or (None, [])
    return answer, code, effects


def state(login: str, uid: int) -> dict:
    """What is there, in words that two equal ends have in common."""
    system_ = system.System()
    passwd = account_files.parse_passwd(system_.read("/etc/passwd")).get(login)
    shadow = account_files.parse_shadow(system_.read("/etc/shadow"), [login]).get(login)
    groups = account_files.parse_group(system_.read("/etc/group"))
    kept = _ledger()
    entry = kept and kept.accounts.get(login)
    home = system_.status(f"/home/{login}")
    return {
        "passwd": passwd and list(passwd),
        "shadow": shadow and [shadow.password, shadow.expire, shadow.most, shadow.inactive],
        "groups": sorted(name for name, group in groups.items() if login in group.members),
        "private": login in groups,
        "keys": (system_.read(f"{names.KEYS_FOLDER}/{login}") or b"").decode(),
        "sudo": (system_.read(names.SUDOERS_PATH) or b"").decode(),
        "own_sudo": _own((system_.read(names.SUDOERS_PATH) or b"").decode(), login),
        "home": home and [home.st_uid, oct(home.st_mode), sorted(os.listdir(f"/home/{login}"))],
        "archives": sorted(name[name.index("Z") + 1 :] for name in archived(login)),
        "ledger": entry
        and [entry.pending, {key: one.live for key, one in entry.grants.items()}, entry.groups],
        "retired": kept and [one.uid for one in kept.retired],
        "made_groups": kept and [kept.made_groups, kept.retired_gids],
        "all_groups": sorted((group.name, group.gid) for group in groups.values()),
        "subordinate": login in (system_.read("/etc/subuid") or b"").decode(),
    }


def archived(login: str) -> list:
    """Names in the archive folder that belong to the login."""
    folder = f"/home/{homes.ARCHIVE_NAME}"
    return [name for name in system.System().names(folder) if name.startswith(f"{login}-")]


def _own(text: str, login: str) -> list:
    return [line for line in text.splitlines() if line.startswith(login + " ")]


def _ledger():
    """The ledger, None where the host has none that can be read now."""
    try:
        return ledger_file.read_ledger(system.System())
    except names.Refusal:
        return None


def all_states(people: dict) -> dict:
    """The state of each of these people."""
    return {login: state(login, uid) for login, uid in people.items()}


def nothing_open(found: dict) -> bool:
    """No way in and no right left, account or not."""
    shut = found["shadow"] is None or found["shadow"][:2] == ["!*", 1]
    unlisted = set(found["groups"]) <= {names.GROUP_CREATED}
    idle = not found["ledger"] or not (found["ledger"][1] or found["ledger"][0])
    return shut and unlisted and idle and not found["keys"] and not found["sudo"]


def rights(found: dict) -> dict:
    """What a person can do, and until when: key line, rule or group -> end ("" for none)."""
    shadow = found["shadow"]
    given = {f"group {name}": "" for name in found["groups"] if name != names.GROUP_CREATED}
    for line in [*found["keys"].splitlines(), *found["own_sudo"]]:
        match = shortening.END.search(line)
        end = (match.group(1) or match.group(2)) if match else shortening.NEVER
        body = line if match is None else line[: match.start()] + line[match.end() :]
        given[body] = max(end, given.get(body, ""))
    return given if shadow is None or shadow[0] != "*" else {**given, "open": ""}


def more(given: dict, limit: dict) -> list:
    """What somebody has beyond the limit, a later end too."""
    return [what for what, end in given.items() if what not in limit or end > limit[what]]


def too_much(left: dict, before: dict, wanted: dict) -> list:
    """Who has more than before the run although something new was given, or more than is wanted."""
    given = {login: rights(found) for login, found in left.items()}
    if not any(more(given[login], rights(before[login])) for login in left):
        return []
    beyond = {login: more(given[login], rights(wanted[login])) for login in left}
    return [f"{login} has {found}" for login, found in beyond.items() if found]


def incomplete(left: dict, before: dict, wanted: dict) -> list:
    """Who has a new key line already while the rest isn't there: access began before it was complete."""
    found = []
    for login, state_ in left.items():
        given, known = rights(state_), rights(before[login])
        new = any(what not in known and "cert-authority" in what for what in given)
        if new and more(rights(wanted[login]), given):
            found.append(f"{login} was open before complete: {state_}")
    return found


def save() -> cheaper.Kept:
    """Remember the host's state."""
    shutil.rmtree(SNAPSHOT, ignore_errors=True)
    os.makedirs(SNAPSHOT)
    subprocess.run(["cp", "-a", names.KEYS_FOLDER, "/home", SNAPSHOT], check=True)
    return cheaper.Kept(FILES)


def restore(kept: cheaper.Kept) -> None:
    """Give the host's state back."""
    for path in [*glob.glob("/etc/*.lock"), *glob.glob(f"{names.LEDGER_PATH}.corrupt-*")]:
        os.unlink(path)
    kept.give_back()
    for folder in (names.KEYS_FOLDER, "/home"):
        for name in os.listdir(folder):
            path = f"{folder}/{name}"
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        if os.listdir(f"{SNAPSHOT}/{os.path.basename(folder)}"):
            subprocess.run(["cp", "-a", f"{SNAPSHOT}/{os.path.basename(folder)}/.", folder], check=True)


def points(effects: list, inside_step: int):
    """All kills to try: before each effect, after the last, and inside each program until it has no more."""
    yield {"effect": len(effects) - 1, "when": "after"}
    for number, (kind, _detail) in enumerate(effects):
        yield {"effect": number, "when": "before"}
        change = 0
        while kind == "change" and inside_step:
            kill = {"effect": number, "when": "inside", "change": change}
            yield kill
            if kill.get("over"):
                break
            change += inside_step


def main() -> None:
    wish = json.load(sys.stdin)
    cheaper.begin()
    way_back.start_timer = lambda system, run_id, seconds: None  # the tests of the way back see it fire
    people, began = wish["people"], time.monotonic()
    for document in wish["start"]:
        answer, _code, _effects = run(document)
        assert answer and not answer["failed"], answer
    before = all_states(people)
    for path in wish.get("break", ()):
        os.truncate(path, 0)
    kept = save()
    answer, _code, effects = run(wish["killed"])
    assert answer and not answer["failed"], answer
    wanted = all_states(people)
    for document in wish["next"]:
        run(document)
    expected = all_states(people)
    failures, kills = [], 0
    for kill in points(effects, wish["inside_step"]):
        restore(kept)
        _answer, code, _effects = run(wish["killed"], kill)
        if code == driver.NOT_REACHED:
            kill["over"] = True
            continue
        if code != driver.KILLED:
            failures.append(f"{kill} never came")
            continue
        kills += 1
        where = f"{kill} ({effects[kill['effect']][1][:60]})"
        left = all_states(people)
        found = too_much(left, before, wanted) + incomplete(left, before, wanted)
        for document in wish["next"]:
            answer, _code, _effects = run(document)
        if answer is None or answer["failed"]:
            found.append(f"the next run failed: {answer and answer['answer']['accounts']}")
        found += differences(all_states(people), expected, wish["expect"])
        failures += [f"{where}: {one}" for one in found]
    restore(kept)
    print(json.dumps({"kills": kills, "failures": failures, "seconds": time.monotonic() - began}))


def differences(found: dict, expected: dict, expect: str) -> list:
    """What isn't as it would be without a kill."""
    if expect == "closed":
        return [f"{login} is still open: {one}" for login, one in found.items() if not nothing_open(one)]
    pairs = [(login, key) for login in found for key in found[login]]
    return [
        f"{login}: {key} is {found[login][key]}, not {expected[login][key]}"
        for login, key in pairs
        if found[login][key] != expected[login][key]
    ]


if __name__ == "__main__":
    main()
