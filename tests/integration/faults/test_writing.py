"""How files are written on a real host: each as one step, private until it is whole, with its context."""

from __future__ import annotations

import json
from pathlib import PurePosixPath as Path
from typing import Any

import pytest

from tests.integration.accounts.managed_host import FOLDER, account
from tests.integration.faults.breaking import UIDS, BreakingHost, one

# Converges to each document on standard input, and notes what is done to files: [word, path, more].
NOTING = f"""
import json, os, sys
sys.path.insert(0, {FOLDER!r})
import driver
seen, paths = [], {{}}
def noting(name):
    real = getattr(os, name)
    def call(*words, **more):
        result = real(*words, **more)
        if name == "open":
            paths[result] = words[0]
        seen.append([name, paths.get(words[0], words[0]), words[1] if len(words) > 1 else None])
        return result
    setattr(os, name, call)
for name in ("open", "fchmod", "fsync", "rename"):
    noting(name)
os.umask(int(sys.argv[1], 8))
told = driver.Told(None, None)
for document in json.load(sys.stdin):
    driver.converge(told, document, now=told.clock(), program=driver.installing.look())
print(json.dumps({{"seen": seen, "effects": told.effects}}))
"""
WRITTEN = {
    *("/var/lib/daypass/ledger.json", "/var/lib/daypass/ledger.copy", "/etc/ssh/daypass/keys/alice"),
    *("/etc/sudoers.d/daypass", "/usr/local/lib/daypass/daypass-host.pyz"),
}
LOCK = "/var/lib/daypass/lock"
# A mount of its own in the place of the kernel's selinuxfs, and stand-ins that note what they are asked.
SELINUX = """
mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && echo 1 > /sys/fs/selinux/enforce
cat > /root/fake-selinux-tool <<'END'
#!/bin/sh
echo "${0##*/} $*" >> /run/selinux-asked
[ "${0##*/}" != matchpathcon ] || echo "context_of:$2"
END
chmod 755 /root/fake-selinux-tool
ln -s /root/fake-selinux-tool /usr/sbin/matchpathcon
ln -s /root/fake-selinux-tool /usr/sbin/chcon
"""
NO_SELINUX = "rm -f /root/fake-selinux-tool /usr/sbin/matchpathcon /usr/sbin/chcon /run/selinux-asked"


def noted(host: BreakingHost, documents: list[str], umask: str = "077", before: str = "") -> dict[str, Any]:
    """What the run did; `before` happens in a mount namespace of its own."""
    host.run("rm", "-rf", "/usr/local/lib/daypass", LOCK)
    script = f'exec unshare -m sh -ec \'{before}exec python3 -c "$0" {umask}\' "$0"'
    words = ["sh", "-ec", script.replace(before, before.replace("'", "'\\''")), NOTING]
    done = host.lab.exec(host.host, words, input=json.dumps(documents), privileged=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def life(host: BreakingHost) -> list[str]:
    """Opened, closed, removed with its home archived."""
    wishes = (one("G1"), {}), ([], {}), ([], {"remove": True})
    return [host.document(account("alice", UIDS["alice"], *grants, **more)) for grants, more in wishes]


@pytest.mark.parametrize("umask", ["000", "077"])
def test_files_are_replaced_as_one_step_with_their_mode_whatever_the_umask(host: BreakingHost, umask: str):
    """A new one beside it that nobody reads as ours, its mode, the disk, then its name, then the folder."""
    found = noted(host, life(host)[:1], umask)
    seen = [tuple(step[:2]) for step in found["seen"]]
    renamed = {to: path for word, path, to in found["seen"] if word == "rename"}
    assert renamed.keys() >= WRITTEN
    for path, temporary in renamed.items():
        folder, name = str(Path(temporary).parent), Path(temporary).name
        assert (folder, name[0], name.endswith(".conf")) == (str(Path(path).parent), ".", False)
        end = seen.index(("rename", temporary))
        assert [word for word, what in seen[:end] if what == temporary][:3] == ["open", "fchmod", "fsync"]
        assert ("fsync", folder) in seen[end:]
    modes = host.run("stat", "-c", "%a %n", *sorted(WRITTEN), LOCK).splitlines()
    found_modes = {path: mode for mode, path in (line.split(" ") for line in modes)}
    assert {mode for path, mode in found_modes.items() if path.startswith("/var/lib")} == {"600"}
    assert found_modes["/etc/ssh/daypass/keys/alice"] == "640"
    assert found_modes["/etc/sudoers.d/daypass"] == "440"


def test_every_file_and_folder_gets_its_context_where_selinux_is_on(host: BreakingHost):
    """Stand-ins for SELinux and its tools: each is asked for the path's context, and sets it before the
    rename; an archive that grows, and a folder, have it from the beginning."""
    try:
        effects = noted(host, life(host), before=SELINUX)["effects"]
        asked = host.run("cat", "/run/selinux-asked").splitlines()
    finally:
        host.sh(NO_SELINUX)
        host.sh("rm -rf /home/.daypass-archive")
    written = [path for kind, path in effects if kind == "write"]
    parts = [path for kind, path in effects if kind == "open_part"]
    folders = [path for kind, path in effects if kind == "make_folder"]
    assert (set(written) >= WRITTEN, len(parts)) == (True, 1)
    assert set(folders) >= {"/usr/local/lib/daypass", "/home/.daypass-archive"}
    pairs = [(path, str(Path(path).with_name(f".{Path(path).name}.tmp"))) for path in written]
    expected = [
        word
        for path, place in (*pairs, *((place, place) for place in (*parts, *folders)))
        for word in (f"matchpathcon -n {path}", f"chcon context_of:{path} {place}")
    ]
    assert sorted(asked) == sorted(expected)
