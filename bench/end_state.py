"""What a host holds after a contender gave a person access, so that only equals are compared."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.site import SUDO_COMMAND, Site

LOGIN_SECONDS = 60


def read_end_state(site: Site, host: str, login: str, certificate: str) -> dict[str, object]:
    """The account on a host, with everything that is the person's own left out, and a login as proof."""
    questions: list[Sequence[str]] = [
        ["getent", "passwd", login],
        ["getent", "shadow", login],
        ["id", "-nG", login],
        ["stat", "-c", "%a %U:%G", f"/home/{login}"],
        ["stat", "-c", "%a %U:%G", f"/etc/ssh/daypass/keys/{login}"],
        ["cat", f"/etc/ssh/daypass/keys/{login}"],
        ["sudo", "-l", "-U", login],
    ]
    passwd, shadow, groups, home, key_file, key_line, sudo = (
        site.lab.exec(host, question).stdout.strip() for question in questions
    )
    passwd_fields, shadow_fields = passwd.split(":"), shadow.split(":")
    return {
        "private group": passwd_fields[2] == passwd_fields[3],
        "comment": passwd_fields[4] == f"{login}@example.com",
        "home": passwd_fields[5] == f"/home/{login}",
        "shell": passwd_fields[6],
        "no password": shadow_fields[1] in ("*", "!", "!*"),
        "expires on day": shadow_fields[7],
        "groups": sorted(groups.replace(login, "own").split()),
        "home folder": home.replace(login, "own"),
        "key file": key_file.replace(login, "own"),
        "key line": key_line.partition(",principals=")[0],
        "key lines": len(key_line.splitlines()),
        "sudo": sudo.rpartition("\n")[2].split("NOPASSWD:")[-1].strip(),
        "login and sudo": _log_in(site, host, login, certificate),
    }


def _log_in(site: Site, host: str, login: str, certificate: str) -> str:
    """What a person sees who logs in with the certificate and runs the sudo command."""
    path: Path = site.folder / f"{login}-cert.pub"
    path.write_text(f"{certificate}\n")
    words = ["sudo", "-n", SUDO_COMMAND, "-u"]
    argv = site.lab.ssh_argv(host, *words, user=login, key=site.user_key)
    argv[1:1] = ["-o", f"CertificateFile={path}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LOGIN_SECONDS, check=False)
    path.unlink()
    return done.stdout.strip() or f"exit code {done.returncode}: {done.stderr.strip()[-200:]}"


def difference(left: dict[str, object], right: dict[str, object]) -> dict[str, tuple[object, object]]:
    """What differs, by name."""
    return {name: (left[name], right[name]) for name in left if left[name] != right[name]}
