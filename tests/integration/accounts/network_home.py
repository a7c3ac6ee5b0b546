"""A network file system with one folder in it, mounted on a host: `network_home.py PID PATH NAME UID`.

The host's own root may not open /dev/fuse, so this runs outside of it: opens the device, enters the host's
mount namespace, mounts there as `fuse.sshfs`, and answers the few questions that a look at a folder asks
(linux/fuse.h, FUSE 7.31). Says `mounted`, serves until its standard input ends, then `asked: …`: the numbers
of all operations that came. Nothing but looking is served; whatever would change something fails.
"""

from __future__ import annotations

import ctypes
import os
import select
import stat
import struct
import sys

CLONE_NEWNS = 0x20000
MNT_DETACH = 2
ENOENT, ENOSYS = 2, 38
LOOKUP, FORGET, GETATTR, STATFS, INIT, OPENDIR, READDIR, RELEASEDIR = 1, 2, 3, 17, 26, 27, 28, 29
ACCESS, INTERRUPT, BATCH_FORGET = 34, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT, HOME = 1, 2
BUFFER = 1 << 20

libc = ctypes.CDLL(None, use_errno=True)


def check(code: int) -> None:
    """Raise what the call left in errno."""
    if code != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def attributes(node: int, uid: int) -> bytes:
    """struct fuse_attr of a folder: root's, or the person's."""
    owner = uid if node == HOME else 0
    times = (0,) * 3 + (0,) * 3
    return struct.pack("<6Q10I", node, 0, 0, *times, stat.S_IFDIR | 0o755, 2, owner, owner, 0, 4096, 0)


def reply(operation: int, node: int, body: bytes, name: bytes, uid: int) -> bytes | int:
    """The answer's body, or an error number."""
    if operation == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, *(0,) * 8)
    if operation == LOOKUP:
        entry = struct.pack("<4Q2I", HOME, 0, 0, 0, 0, 0)
        return entry + attributes(HOME, uid) if body.rstrip(b"\0") == name else ENOENT
    if operation == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(node, uid)
    if operation == OPENDIR:
        return struct.pack("<QII", 0, 0, 0)
    if operation == STATFS:
        return struct.pack("<5Q10I", *(0,) * 5, 4096, 255, 4096, *(0,) * 7)
    return b"" if operation in (READDIR, RELEASEDIR, ACCESS) else ENOSYS


def serve(device: int, name: bytes, uid: int) -> list[int]:
    """Answer until standard input ends; every operation that came."""
    asked = []
    while True:
        ready, _, _ = select.select([device, sys.stdin], [], [])
        if device not in ready:
            return asked
        request = os.read(device, BUFFER)
        operation, unique, node = struct.unpack_from("<IQQ", request, 4)
        asked.append(operation)
        if operation in UNANSWERED:
            continue
        answer = reply(operation, node, request[40:], name, uid)
        error, data = (-answer, b"") if isinstance(answer, int) else (0, answer)
        os.write(device, struct.pack("<IiQ", 16 + len(data), error, unique) + data)


def main() -> None:
    pid, path, name, uid = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    check(libc.setns(namespace, CLONE_NEWNS))
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,subtype=sshfs"
    check(libc.mount(b"far:/homes", path.encode(), b"fuse", 0, options.encode()))
    print("mounted", flush=True)
    try:
        asked = serve(device, os.fsencode(name), int(uid))
    finally:
        libc.umount2(path.encode(), MNT_DETACH)
    print("asked:", *sorted(set(asked)), flush=True)


if __name__ == "__main__":
    main()
