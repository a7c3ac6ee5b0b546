"""Commands as a person would type them: shown, run, their real output printed and checked."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

COMMAND_SECONDS = 360
"""Longer than a wave may take (`waves.deadline_seconds`), so a stuck server is reported by Daypass itself."""

POLL_SECONDS = 0.2


class StepFailed(Exception):
    """A command didn't show what it must: the step, the command, and what was expected of it."""

    def __init__(self, step: str, command: str, sentence: str) -> None:
        super().__init__(f"step {step!r}: {command}: {sentence}")
        self.step = step
        self.command = command
        self.sentence = sentence


@dataclass(frozen=True)
class Expected:
    """What a command must show to be believed.

    Attributes:
        code: Its exit code.
        text: Pieces that must stand in its output.
        silent: Its output must be empty.
    """

    code: int = 0
    text: tuple[str, ...] = ()
    silent: bool = False

    def missing(self, code: int, output: str) -> str | None:
        """The first thing that isn't as expected, as a sentence; None when all is."""
        if code != self.code:
            return f"exit code {code}, expected {self.code}"
        if self.silent and output.strip():
            return "printed something, expected nothing"
        lacking = [piece for piece in self.text if piece not in output]
        return f"{lacking[0]!r} is not in its output" if lacking else None


class Shown:
    """One demonstration on the way: its folder, its environment, and the step that it is at."""

    def __init__(self, folder: Path, environ: Mapping[str, str], stream: TextIO = sys.stdout) -> None:
        self._folder = folder
        self._environ = dict(environ)
        self._stream = stream
        self._bold = stream.isatty()
        self._began = time.monotonic()
        self._background: list[subprocess.Popen[str]] = []
        self.steps = 0
        self.step = ""

    def heading(self, text: str, remark: str = "") -> None:
        """Begin a step."""
        self.steps += 1
        self.step = text
        seconds = time.monotonic() - self._began
        self._print(f"\n── {self.steps}. {text} ── {seconds:.0f} s", bold=True)
        if remark:
            self._print(f"# {remark}")

    def run(self, *argv: str, expected: Expected | None = None) -> str:
        """Show a command, run it, print what it prints; return that.

        Raises:
            StepFailed: It did not end as expected.
        """
        self._show(argv)
        code, output = self._call(argv)
        self._print(output.rstrip("\n")) if output.strip() else None
        self._check(argv, expected or Expected(), code, output)
        return output

    def run_until(self, *argv: str, expected: Expected, seconds: float) -> str:
        """Show a command once, and repeat it until it shows what it must; the last output is printed."""
        self._show(argv)
        deadline = time.monotonic() + seconds
        code, output = self._call(argv)
        while expected.missing(code, output) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            code, output = self._call(argv)
        self._print(output.rstrip("\n")) if output.strip() else None
        self._check(argv, expected, code, output)
        return output

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Show a command and leave it running; `end` sees to it."""
        self._show(argv, " &")
        process = subprocess.Popen(
            argv,
            cwd=self._folder,
            env=self._environ,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._background.append(process)
        return process

    def wait(self, process: subprocess.Popen[str], seconds: float) -> None:
        """Wait for a command in the background to be ended by the other side; print its last words.

        Raises:
            StepFailed: It still runs, or it ended as if nothing had happened.
        """
        argv = process.args if isinstance(process.args, tuple) else ("the command",)
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise self._failed(argv, f"still runs after {seconds:.0f} s") from None
        self._print(f"[1]+  Exit {process.returncode}  {shlex.join(argv[-2:])}\n{output.rstrip()}".rstrip())
        if process.returncode == 0:
            raise self._failed(argv, "ended by itself, expected to be cut off")

    def text(self, text: str) -> None:
        """A line of the story itself."""
        self._print(text)

    def end(self) -> float:
        """End what runs in the background; the seconds since the beginning."""
        for process in self._background:
            if process.poll() is None:
                process.kill()
                process.communicate()
        return time.monotonic() - self._began

    def _call(self, argv: Sequence[str]) -> tuple[int, str]:
        try:
            done = subprocess.run(
                argv,
                cwd=self._folder,
                env=self._environ,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise self._failed(argv, f"no end after {COMMAND_SECONDS} s") from None
        except OSError as error:
            raise self._failed(argv, f"{error.strerror}") from None
        lines = (line.rstrip() for line in done.stdout.splitlines())
        return done.returncode, "".join(f"{line}\n" for line in lines)

    def _check(self, argv: Sequence[str], expected: Expected, code: int, output: str) -> None:
        missing = expected.missing(code, output)
        if missing:
            raise self._failed(argv, missing)

    def _failed(self, argv: Sequence[str], sentence: str) -> StepFailed:
        return StepFailed(self.step, shlex.join(argv), sentence)

    def _show(self, argv: Sequence[str], end: str = "") -> None:
        self._print(f"$ {shlex.join(argv)}{end}", bold=True)

    def _print(self, text: str, *, bold: bool = False) -> None:
        self._stream.write(f"\x1b[1m{text}\x1b[0m\n" if bold and self._bold else f"{text}\n")
        self._stream.flush()


def environment(paths: Sequence[Path]) -> dict[str, str]:
    """The caller's environment without settings of Daypass, Ansible and ssh; these folders first in PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DAYPASS_", "ANSIBLE_", "SSH_", "COLUMNS"))
    }
    found = os.pathsep.join(str(path) for path in paths)
    return {**kept, "PATH": f"{found}{os.pathsep}{kept.get('PATH', os.defpath)}", "LC_ALL": "C.UTF-8"}
