"""Real shells, in which a test types the beginning of a line and has it completed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pexpect

PATIENCE_SECONDS = 60  # for a shell on a busy machine; a condition is waited for, never the time
BIN = Path(sys.executable).parent  # where `daypass` is
# What each shell reads at its start, before the line that `daypass completion --help` says.
SET_UP = {
    "bash": r"""
PS1='> '
bind 'set bell-style none'
bind 'set enable-bracketed-paste off'
bind '"\C-xm": insert-completions'
""",
    # zshcompsys(1), _all_matches: every match is put into the line
    "zsh": r"""
PS1='> '
unsetopt zle_bracketed_paste prompt_cr prompt_sp beep
autoload -Uz compinit && compinit -u -D
bindkey -e
zle -C all-matches complete-word _generic
bindkey '^Xm' all-matches
zstyle ':completion:all-matches::::' completer _all_matches _complete
zstyle ':completion:all-matches:*' old-matches true
zstyle ':completion:all-matches:*' insert true
""",
    "fish": "",
}
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish"}
START = {"bash": ["--noprofile", "-i"], "zsh": ["-i"]}
WORD = re.compile(r"<([^<>\r\n]*)>")


class TypedShell:
    """A shell with a home of its own, in which completion was installed as the help says.

    Args:
        home: An empty folder; also where commands are typed.
    """

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home
        self.environ = {
            "HOME": str(home),
            "PATH": f"{BIN}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }
        rc = home / RC[name]
        rc.parent.mkdir(parents=True, exist_ok=True)
        (home / ".config/fish/completions").mkdir(parents=True, exist_ok=True)
        rc.write_text(SET_UP[name])
        self._run(["bash", "-c", self.line_of_help()])

    def line_of_help(self) -> str:
        """The line that `daypass completion --help` says for this shell."""
        text = self._run([str(BIN / "daypass"), "completion", "--help"])
        [line] = [one for one in text.splitlines() if f"completion {self.name}" in one]
        return line.strip().split("  ")[0]

    def completed(self, typed: str) -> list[str]:
        """The words of the line when everything that fits was put into it, as the shell itself reads them."""
        return self._of_fish(typed) if self.name == "fish" else self._at_terminal(typed)

    def close(self) -> None:
        if "_terminal" in self.__dict__:
            self._terminal.close(force=True)

    def _of_fish(self, typed: str) -> list[str]:
        *before, _ = f"{typed}|".split()
        shown = self._run([str(shutil.which("fish")), "-c", "complete -C $argv[1]", typed])
        return [*before, *(line.split("\t")[0] for line in shown.splitlines())]

    def _at_terminal(self, typed: str) -> list[str]:
        self._terminal.send(f"{typed}\x18m")  # C-x m: every candidate is put into the line
        self._terminal.send("\x01printf '<%s>\\n' \x05 'en''d'\r")  # and this before and behind it
        self._terminal.expect("<end>\r\n")
        printed = self._terminal.before or ""
        return WORD.findall(printed[printed.rindex("\n<daypass>") :])

    @cached_property
    def _terminal(self) -> pexpect.spawn[str]:
        terminal = pexpect.spawn(
            str(shutil.which(self.name)), START[self.name], cwd=str(self.home), env=self.environ,
            dimensions=(50, 2000), timeout=PATIENCE_SECONDS, encoding="utf-8",
        )  # fmt: skip
        terminal.sendline("echo rea''dy")
        terminal.expect("ready\r\n")
        return terminal

    def _run(self, words: list[str]) -> str:
        done = subprocess.run(
            words, cwd=self.home, env=self.environ, capture_output=True, text=True, check=True,
            timeout=PATIENCE_SECONDS,
        )  # fmt: skip
        assert done.stderr == ""
        return done.stdout
