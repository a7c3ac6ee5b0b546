"""A wave that gives one new person access, against Ansible's ping and against stock modules, side by side.

One round is ping, Daypass, stock: each ratio is of neighbours in time, and its median counts. What else the
machine does then hits both sides.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence

from bench import contenders, end_state, report
from bench.people import Person
from bench.site import Site, prepare
from daypass.wiring.opening import Daypass

PING_RATIO_MOST = 0.75  # the issues' demands
STOCK_RATIO_LEAST = 3.5
SAMPLED = 3


def run(arguments: Sequence[str]) -> bool:
    """Measure; whether both demands are met."""
    parser = argparse.ArgumentParser(prog="python -m bench waves", description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--forks", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--without-stock", action="store_true", help="leave the slow contender out")
    options = parser.parse_args(arguments)
    site = prepare(options.hosts, options.forks)
    with site.opened() as daypass:
        contenders.ping(site, daypass)  # caches are warm for everybody,
        contenders.grant(site, daypass)  # and every host has the program of today
        rounds: list[dict[str, float]] = []
        people: list[Person] = []
        for number in range(options.rounds):
            rounds.append(_round(site, daypass, people, with_stock=not options.without_stock))
            print(f"round {number + 1}: {rounds[-1]}", flush=True)
        differences = _compare(site, daypass, people) if people else {}
    return _report(site, rounds, differences)


def _round(site: Site, daypass: Daypass, people: list[Person], *, with_stock: bool) -> dict[str, float]:
    seconds = {"ping": contenders.ping(site, daypass)}
    granted = contenders.grant(site, daypass)
    seconds |= {"grant": granted.seconds, "wave": granted.wave_seconds}
    if with_stock:
        seconds["stock"] = contenders.stock(site, daypass, people)
    return {name: round(value, 2) for name, value in seconds.items()}


def _compare(site: Site, daypass: Daypass, people: list[Person]) -> dict[str, object]:
    """What differs between both ways on some hosts; an empty value is an equal end state."""
    granted = contenders.grant(site, daypass)
    person = people[-1]
    step = max(1, len(site.hosts) // SAMPLED)
    found: dict[str, object] = {}
    for host in site.hosts[::step][:SAMPLED]:
        ours = end_state.read_end_state(site, host, granted.login, granted.certificate)
        theirs = end_state.read_end_state(site, host, person.login, person.certificate)
        found[host] = end_state.difference(ours, theirs)
        if ours["login and sudo"] != "0":
            raise contenders.ContenderFailed(f"{host}: {ours}")
    return found


def _compared(rounds: list[dict[str, float]]) -> tuple[list[dict[str, str]], dict[str, float]]:
    """Rows of the table, and each ratio's median by its name."""
    rows, ratios = [], {}
    for theirs, ours in itertools.product(("ping", "stock"), ("wave", "grant")):
        if theirs in rounds[0]:
            a, b = [one[ours] for one in rounds], [one[theirs] for one in rounds]
            upwards = theirs == "ping"
            pairs = [x / y if upwards else y / x for x, y in zip(a, b, strict=True)]
            name = f"{ours} / {theirs}" if upwards else f"{theirs} / {ours}"
            ratios[name] = report.middle(pairs)
            rows.append(
                {
                    "ratio": name,
                    "median": f"{ratios[name]:.2f}",
                    "lowest": f"{min(pairs):.2f}",
                    "highest": f"{max(pairs):.2f}",
                    "wanted": f"<= {PING_RATIO_MOST}" if upwards else f">= {STOCK_RATIO_LEAST}",
                    "Daypass s": f"{report.middle(a):.1f}",
                    "other s": f"{report.middle(b):.1f}",
                }
            )
    return rows, ratios


def _report(site: Site, rounds: list[dict[str, float]], differences: dict[str, object]) -> bool:
    rows, ratios = _compared(rounds)
    title = f"One new person on {len(site.hosts)} light hosts, {site.forks} forks, {len(rounds)} rounds"
    report.show(title, rows)
    if differences:
        print(f"end state on sampled hosts, differences: {differences}")
    reached = ratios["wave / ping"] <= PING_RATIO_MOST
    reached = reached and ratios.get("stock / wave", STOCK_RATIO_LEAST) >= STOCK_RATIO_LEAST
    path = report.save(
        "waves",
        {
            "hosts": len(site.hosts),
            "forks": site.forks,
            "ssh": "the wave's hermetic options (execution/ssh_options.py); stock: ControlPersist besides",
            "rounds": rounds,
            "ratios": ratios,
            "end_state_differences": differences,
            "reached": reached,
        },
    )
    print(f"{'reached' if reached else 'MISSED'}; {path}")
    return reached
