"""Runs on a lab host: start a program and kill it just before its n-th change of the file system.

By ptrace(2), so that a kill inside useradd hits every point once, and none by luck. x86-64 only.
"""

# Programs are started without a shell on purpose.
# ruff: noqa: S606
from __future__ import annotations

import ctypes
import os
import signal
import sys

PTRACE_TRACEME, PTRACE_GETREGS, PTRACE_SYSCALL = 0, 12, 24
# rename, mkdir, link, unlink, chown, fchown, lchown, unlinkat, renameat, linkat, fchownat, renameat2
# (unistd_64.h)
CHANGES = frozenset([82, 83, 86, 87, 92, 93, 94, 260, 263, 264, 265, 316])
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class Registers(ctypes.Structure):
    """struct user_regs_struct of x86-64."""

    _fields_ = [
        (name, ctypes.c_ulonglong)
        for name in "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs flags rsp ss "
        "fs_base gs_base ds es fs gs".split()
    ]


def run_and_kill(argv: list[str], environment: dict[str, str], number: int) -> bool:
    """Run the program; kill it before change `number` (0 = the first). False when it ended before."""
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        LIBC.ptrace(PTRACE_TRACEME, 0, None, None)
        os.execvpe(argv[0], argv, environment)
    os.waitpid(pid, 0)
    registers, entering, seen = Registers(), True, 0
    while True:
        LIBC.ptrace(PTRACE_SYSCALL, pid, None, None)
        _pid, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status) or os.WIFSIGNALED(status):
            return False
        if os.WSTOPSIG(status) != signal.SIGTRAP:
            continue
        if entering:
            LIBC.ptrace(PTRACE_GETREGS, pid, None, ctypes.byref(registers))
            if registers.orig_rax in CHANGES:
                if seen == number:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    return True
                seen += 1
        entering = not entering


if __name__ == "__main__":
    print(
        run_and_kill(sys.argv[2:], dict(os.environ, PATH="/usr/sbin:/usr/bin:/sbin:/bin"), int(sys.argv[1]))
    )
