"""Runs on a lab host: sequences of documents, each from an empty ledger, and what the host gives after each.

Standard input: {"people": {login: uid}, "ids": what `driver.prepare` takes, "sequences": [[{"document",
"now", "kill": null or as the driver takes it}, …], …]}. Prints {"seconds", "results": [[{"dead", "code",
"people": {login: {"keys", "sudo", "groups", "day"}}}, …], …]}.
"""

from __future__ import annotations

import json
import sys
import time

import driver
from daypass_host.contract import names
from daypass_host.effects import system
from daypass_host.facts import account_files
from daypass_host.sessions import processes


def run(step: dict) -> dict:
    """One converge in a child: whether it was killed, and the code of its refusal."""

    def work() -> str | None:
        told = driver.Told(step["kill"], step["now"])
        answer = driver.converge(told, step["document"], now=told.clock())["answer"]
        codes = [answer["code"], *(one["code"] for one in answer["accounts"].values())]
        return next(filter(None, codes), None)

    refusal, code = driver.in_a_child(work)
    return {"dead": code == driver.KILLED, "code": refusal}


def look(people: dict) -> dict:
    """What the host's own files give each of them."""
    host = system.System()
    shadow = account_files.parse_shadow(host.read("/etc/shadow"), people)
    groups = account_files.parse_group(host.read("/etc/group"))
    rules = (host.read(names.SUDOERS_PATH) or b"").decode()
    return {
        login: {
            "keys": (host.read(f"{names.KEYS_FOLDER}/{login}") or b"").decode(),
            "sudo": rules,
            "groups": [one.name for one in groups.values() if login in one.members],
            "day": shadow[login].expire if login in shadow and shadow[login].password == "*" else 1,
        }
        for login in people
    }


def main() -> None:
    wish = json.load(sys.stdin)
    processes.SWEEP_AFTER_SECONDS = 0.02  # what is proven here is what is given, not patience
    began, results = time.monotonic(), []
    for sequence in wish["sequences"]:
        driver.prepare({**wish["ids"], "forget": list(wish["people"])})
        results.append([{**run(step), "people": look(wish["people"])} for step in sequence])
    print(json.dumps({"seconds": time.monotonic() - began, "results": results}))


if __name__ == "__main__":
    main()
