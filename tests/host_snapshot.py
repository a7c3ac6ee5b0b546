"""Everything on a host that an off-boarding must leave as it was, as lines of text to compare."""

from __future__ import annotations

from lab import api

# Left out: what changes by itself (logs, caches, random seeds, sessions' run folders, what Debian's timers
# copy at midnight), the shadow tools' own backup copies and counters of the last login, and folders' times.
PROGRAM = r"""
import grp, hashlib, os, pwd, stat, subprocess, sys
OUT = ("/proc", "/sys", "/dev", "/run", "/var/log", "/var/cache", "/var/backups",
       "/var/lib/systemd/random-seed", "/var/lib/systemd/timesync", "/root/.ansible",
       "/home/apono/.ansible", "/var/lib/private",
       "/var/lib/systemd/linger", "/var/lib/systemd/timers", "/tmp/systemd-private",
       "/var/tmp/systemd-private")
BACKUPS = {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-"}
def lines():
    for folder, folders, files in os.walk("/"):
        folders[:] = sorted(n for n in folders if not os.path.join(folder, n).startswith(OUT))
        for name in sorted(folders + files):
            path = os.path.join(folder, name)
            if path.startswith(OUT) or path in BACKUPS or "__pycache__" in path:
                continue
            try:
                status = os.lstat(path)
            except OSError:
                continue
            text = f"{path} {stat.filemode(status.st_mode)} {status.st_uid}:{status.st_gid}"
            if stat.S_ISREG(status.st_mode) and path.startswith(("/etc", "/var", "/usr/local", "/home")):
                with open(path, "rb") as file:
                    text += " " + hashlib.sha256(file.read()).hexdigest()
            elif stat.S_ISLNK(status.st_mode):
                text += " -> " + os.readlink(path)
            yield text
    for name in sorted(os.listdir("/run")):
        if "daypass" in name:
            yield f"/run/{name}"
    for login in ("root", "apono", "nobody", "ghost"):
        where = f"user={login},host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22"
        done = subprocess.run(["/usr/sbin/sshd", "-T", "-C", where], capture_output=True, text=True)
        yield from (f"sshd {login}: {line}" for line in done.stdout.splitlines())
    if os.path.isdir("/run/systemd/system"):
        for words in (["list-unit-files"], ["list-units", "--all"]):
            argv = ["systemctl", *words, "--no-legend", "--no-pager", "--plain", "daypass*"]
            shown = subprocess.run(argv, capture_output=True, text=True).stdout
            yield from (f"unit {line.split()[0]}" for line in shown.splitlines())
sys.stdout.write("\n".join(lines()))
"""


def snapshot(lab: api.Lab, host: str) -> set[str]:
    """The host now; two of them are compared as sets."""
    return set(lab.exec(host, ["python3", "-I", "-c", PROGRAM]).stdout.splitlines())


def difference(before: set[str], after: set[str]) -> list[str]:
    """What came and what went, for a message that says it."""
    return [f"+ {line}" for line in sorted(after - before)] + [f"- {line}" for line in sorted(before - after)]
