"""Runs on a host: a program again and again with the same input, each time as a process of its own.

Standard input: {"argv": […], "input": text, "rounds": n}. Prints a list of {"wall", "cpu": seconds, "out",
"err": text}; `cpu` counts the program and all that it ran.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time


def run(argv: list[str], stdin: bytes) -> dict[str, object]:
    """One run, from before it is started until it is gone."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin)
        source.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(argv, stdin=source, stdout=out, stderr=err)
        _pid, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = status
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode())
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "out": texts[0], "err": texts[1]}


if __name__ == "__main__":
    wish = json.load(sys.stdin)
    print(json.dumps([run(wish["argv"], wish["input"].encode()) for _ in range(wish["rounds"])]))
