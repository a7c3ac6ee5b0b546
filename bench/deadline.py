"""How soon access is gone: from the deadline to the last process, from `daypass revoke` to a refused login.

Deadlines are the host's own: nothing comes in from here while they pass. Each run has a new person with a
session and a detached process; a program on the host looks for them every 20 ms. The runs are on several
hosts in turn, with some seconds between them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench import report
from bench.people import next_number
from bench.site import GROUP, Site, prepare
from daypass.domain.outcomes import OutcomeKind
from daypass.wiring.opening import Daypass
from daypass.workflow.granting import GrantRequest, give
from daypass.workflow.revoking import take_back

LAB = "bench-deadline"
WATCHER = Path(__file__).with_name("last_process.py")
SYSTEMD_SECONDS_MOST = 2.0  # the demands: the median with systemd, every run with cron
CRON_SECONDS_MOST = 65.0
SESSION_SECONDS = 900
WATCH_AHEAD_SECONDS = 3
LOGIN_SECONDS = 30
SHORTEST = timedelta(seconds=60)  # that a direct grant may be
GRANTING_SECONDS = 45  # all of a batch have begun before its first deadline
CRON_APART = timedelta(seconds=17)  # not a divisor of the minute that cron counts in


@dataclass(frozen=True)
class Guest:
    """A person with access to one host, and a session there."""

    login: str
    host: str
    grant_id: str
    uid: int
    not_after: float
    argv: tuple[str, ...]
    session: subprocess.Popen[bytes]


def run(arguments: Sequence[str]) -> bool:
    """Measure; whether the demands are met."""
    parser = argparse.ArgumentParser(prog="python -m bench deadline", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="deadlines with systemd, and revocations")
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--cron-runs", type=int, default=5)
    options = parser.parse_args(arguments)
    full = prepare(options.hosts, options.hosts, "end", lab_name=LAB, light=False)
    cron = prepare(1, options.hosts, "cron", lab_name=LAB, image="debian12-cron")
    with full.opened() as daypass:
        systemd_seconds = _deadlines(full, daypass, options.runs)
        cron_seconds = _cron_deadlines(cron, daypass, options.cron_runs)
        revoke_seconds = [_revocation(full, daypass, number) for number in range(options.runs)]
    return _report(systemd_seconds, cron_seconds, revoke_seconds)


def _deadlines(site: Site, daypass: Daypass, runs: int) -> list[float]:
    """Batches of grants one after the other, on the hosts in turn: their ends lie as far apart."""
    found: list[float] = []
    while len(found) < runs:
        guests: list[tuple[Guest, subprocess.Popen[bytes]]] = []
        begun = time.monotonic()
        while len(found) + len(guests) < runs and time.monotonic() - begun < GRANTING_SECONDS:
            host = site.hosts[len(guests) % len(site.hosts)]
            guest = _guest(site, daypass, host, SHORTEST)
            guests.append((guest, _watcher(site, guest)))
        found += _lateness(guests)
        print(f"deadlines with systemd: {found}", flush=True)
    return found


def _cron_deadlines(site: Site, daypass: Daypass, runs: int) -> list[float]:
    if not runs:
        return []
    lengths = [SHORTEST + CRON_APART * number for number in range(runs)]
    guests = [_guest(site, daypass, site.hosts[0], length) for length in lengths]
    found = _lateness([(guest, _watcher(site, guest)) for guest in guests])
    print(f"deadlines with cron: {found}", flush=True)
    return found


def _guest(site: Site, daypass: Daypass, host: str, length: timedelta) -> Guest:
    """Give somebody new access, and have him log in and leave a process behind."""
    login = f"guest{next_number(site)}"
    request = GrantRequest(
        login=login,
        servers=(host,),
        tags=(),
        groups=(GROUP,),
        length=length,
        public_key=site.user_key.with_suffix(".pub").read_text(),
        comment=f"{login}@example.com",
    )
    answer = give(daypass.seams, request, daypass.now())
    outcome = answer.outcomes[host]
    if outcome.kind is not OutcomeKind.APPLIED:
        raise SystemExit(f"{host}: {outcome}")
    certificate = site.folder / f"{login}-cert.pub"
    certificate.write_text(f"{answer.certificate.text}\n")
    argv = site.lab.ssh_argv(host, user=login, key=site.user_key)
    argv[1:1] = ["-o", f"CertificateFile={certificate}"]
    stay = f"sleep {SESSION_SECONDS}"
    command = f"setsid -f {stay} >/dev/null 2>&1 </dev/null; echo up; exec {stay}"
    session = subprocess.Popen([*argv, command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    if session.stdout is None or session.stdout.readline() != b"up\n":
        raise SystemExit(f"{login} doesn't get in to {host}")
    uid = int(site.lab.exec(host, ["id", "-u", login]).stdout)
    end = answer.grant.window.not_after.timestamp()
    return Guest(login, host, answer.grant.id, uid, end, tuple(argv), session)


def _watcher(site: Site, guest: Guest) -> subprocess.Popen[bytes]:
    """Looks for the guest's processes on the host, from shortly before his deadline."""
    span = [str(guest.not_after - WATCH_AHEAD_SECONDS), str(guest.not_after + 2 * CRON_SECONDS_MOST)]
    words = ["python3", "-c", WATCHER.read_text(), *span, str(guest.uid)]
    return subprocess.Popen(site.lab.exec_argv(guest.host, words), stdout=subprocess.PIPE)


def _lateness(guests: Sequence[tuple[Guest, subprocess.Popen[bytes]]]) -> list[float]:
    """Seconds from each guest's deadline to the end of his last process."""
    late = []
    for guest, watcher in guests:
        moment = json.loads(watcher.communicate()[0])[str(guest.uid)]
        guest.session.wait(LOGIN_SECONDS)
        if moment is None or moment < guest.not_after - 1:
            raise SystemExit(f"{guest.login} was gone before the deadline of {guest.host}: {moment}")
        late.append(round(moment - guest.not_after, 2))
    return late


def _revocation(site: Site, daypass: Daypass, number: int) -> float:
    """Seconds from the use case behind `daypass revoke` to the start of the first login that is refused."""
    guest = _guest(site, daypass, site.hosts[number % len(site.hosts)], timedelta(hours=1))
    began = time.monotonic()
    prober = _Prober(guest.argv)
    take_back(daypass.seams, guest.grant_id, daypass.now())
    seconds = prober.refused_at() - began
    guest.session.wait(LOGIN_SECONDS)
    print(f"revocation {number + 1}: {seconds:.2f}", flush=True)
    return round(seconds, 2)


class _Prober:
    """Logs in again and again beside the revocation, in a shell of its own, until it is refused."""

    def __init__(self, argv: Sequence[str]) -> None:
        script = 'while :; do date +%s.%N; "$@" true </dev/null >/dev/null 2>&1 || break; done'
        words = ["sh", "-c", script, "probe", *argv]
        self._offset = time.monotonic() - time.time()
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)

    def refused_at(self) -> float:
        """When the first refused attempt began, by the monotonic clock."""
        out, _none = self._process.communicate(timeout=LOGIN_SECONDS)
        return float(out.split()[-1]) + self._offset


def _report(systemd: list[float], cron: list[float], revoked: list[float]) -> bool:
    rows = []
    for name, values, wanted in (
        ("deadline to last process gone, systemd", systemd, f"median < {SYSTEMD_SECONDS_MOST:g}"),
        ("deadline to last process gone, cron", cron, f"all < {CRON_SECONDS_MOST:g}"),
        ("revoke to login refused", revoked, ""),
    ):
        if values:
            rows.append(
                {
                    "seconds from": name,
                    "runs": len(values),
                    "median": f"{report.middle(values):.2f}",
                    "lowest": f"{min(values):.2f}",
                    "highest": f"{max(values):.2f}",
                    "wanted": wanted,
                }
            )
    report.show("How soon access is gone", rows)
    reached = report.middle(systemd) < SYSTEMD_SECONDS_MOST and max(cron, default=0.0) < CRON_SECONDS_MOST
    result = {"systemd": systemd, "cron": cron, "revoke": revoked, "reached": reached}
    print(f"{'reached' if reached else 'MISSED'}; {report.save('deadline', result)}")
    return reached
