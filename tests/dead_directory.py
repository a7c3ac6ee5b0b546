"""A name service module of a directory that is down, or that never answers, made with the C compiler."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = r"""
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <unistd.h>
#define DEAD(name, kind, what) enum nss_status _nss_NAME_##name( \
    what, struct kind *entry, char *room, size_t size, int *code) { ANSWER; }
DEAD(getpwnam_r, passwd, const char *key)
DEAD(getpwuid_r, passwd, uid_t key)
DEAD(getgrnam_r, group, const char *key)
DEAD(getgrgid_r, group, gid_t key)
"""
ANSWERS = {"dpdead": "*code = EAGAIN; return NSS_STATUS_UNAVAIL", "dphang": "for (;;) pause()"}


def build(folder: Path, name: str) -> Path:
    """The module of the source `dpdead` (it says that it is away) or `dphang` (it says nothing)."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler makes the name service module of a directory that is down")
    source, module = folder / f"{name}.c", folder / f"libnss_{name}.so.2"
    source.write_text(SOURCE.replace("NAME", name).replace("ANSWER", ANSWERS[name]))
    words = [compiler, "-shared", "-fPIC", "-o", str(module), str(source)]
    subprocess.run(words, check=True, capture_output=True)
    return module
