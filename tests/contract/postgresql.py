"""A private PostgreSQL server for the tests: own folder, unix socket alone, gone with the session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = Path("/usr/lib/postgresql")  # where Debian puts its versions
UNPRIVILEGED = "postgres"  # the server refuses to run as root; the Debian package makes this user
START_SECONDS = 300


def binaries() -> Path | None:
    """The folder of the newest installed server, None without one."""
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """Start a server; its URL without a database name."""
    with tempfile.TemporaryDirectory(
        prefix="dp-pg-", dir="/tmp"
    ) as name:  # short: a socket's path has 107 bytes
        folder = Path(name)
        server_user = UNPRIVILEGED if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(folder, server_user)
        as_user = {"user": server_user, "extra_groups": []} if os.geteuid() == 0 else {}

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), *arguments]
            log = folder / "commands.log"
            with log.open("a") as output:
                done = subprocess.run(
                    command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=folder, check=False,
                    env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, **as_user,
                )  # fmt: skip
            assert done.returncode == 0, log.read_text()

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "daypass", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        log = str(folder / "server.log")
        run("pg_ctl", "-D", data, "-l", log, "-w", "-t", str(START_SECONDS), "-o", options, "start")
        try:
            yield f"postgresql://daypass@/{{name}}?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
