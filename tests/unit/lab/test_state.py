"""The lab's folder: files that several write at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import state


def test_file_that_several_threads_write_at_once_is_whole(tmp_path: Path):
    """Hosts are started side by side, and the first of them writes podman's settings."""
    path, begin = tmp_path / "settings", threading.Barrier(8)

    def write(number: int) -> None:
        begin.wait()
        for _ in range(20):
            state.write(path, str(number) * 10_000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    text = path.read_text()
    assert text == text[0] * 10_000
    assert list(tmp_path.iterdir()) == [path]
