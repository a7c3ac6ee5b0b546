"""A program named `ssh` that goes nowhere: it notes how it was started and says what it was told to say."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SCRIPT = """#!{python} -I
import json, os, sys
folder = {folder!r}
turn = len(os.listdir(folder + "/started"))
with open(f"{{folder}}/started/{{turn:03}}", "w", encoding="utf-8") as file:
    json.dump([sys.argv[1:], "" if sys.stdin.isatty() else sys.stdin.read()], file)
with open(folder + "/answers.json", encoding="utf-8") as file:
    answers = json.load(file)
output, said, code = answers[min(turn, len(answers) - 1)]
os.write(1, output.encode("utf-8", "surrogateescape"))
os.write(2, said.encode("utf-8", "surrogateescape"))
sys.exit(code)
"""


class FakeSsh:
    """Answers in turn, the last one again and again.

    Attributes:
        bin: The folder to put first into PATH.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "fake-ssh"
        self.bin = self._folder / "bin"
        for one in (self.bin, self._folder / "started"):
            one.mkdir(parents=True)
        program = self.bin / "ssh"
        program.write_text(SCRIPT.format(python=sys.executable, folder=str(self._folder)))
        program.chmod(0o755)
        self.answers()

    def answers(self, *answers: tuple[str, str, int]) -> None:
        """Standard output, standard error, exit code; for each connection from now on one."""
        for one in (self._folder / "started").iterdir():
            one.unlink()
        (self._folder / "answers.json").write_text(json.dumps(answers or [("", "", 0)]))

    @property
    def started(self) -> list[tuple[list[str], str]]:
        """Arguments and standard input of each start."""
        found: list[Any] = [
            json.loads(one.read_text()) for one in sorted((self._folder / "started").iterdir())
        ]
        return [(argv, stdin) for argv, stdin in found]

    @property
    def words(self) -> list[str]:
        """What the gate would have been sent, each time."""
        return [argv[argv.index("--") + 1] if "--" in argv else "" for argv, _ in self.started]
