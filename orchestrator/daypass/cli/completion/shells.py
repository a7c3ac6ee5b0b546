"""The shells: the script that each of them loads, what it sends along, and what it gets back.

A script sends the line up to the cursor and gets lines back: first what they are (`plain`, or `file` or `dir`
for the shell to complete itself), then a candidate each, with a tab and a description where the shell shows
one. Nothing of it is evaluated, and what goes wrong shows nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from click.shell_completion import CompletionItem, ShellComplete, split_arg_string

from daypass.cli import COMPLETE_VARIABLE

VARIABLE = COMPLETE_VARIABLE
LINE = "_DAYPASS_LINE"
BREAKS = "_DAYPASS_BREAKS"
CURSOR = "\N{REPLACEMENT CHARACTER}"  # added to the line and taken off: then the last word is the one typed

# COMP_POINT counts bytes, hence LC_ALL (bash(1), COMP_POINT). mapfile, since an unquoted list would be
# matched against file names.
BASH = """\
%(complete_func)s() {
    local LC_ALL=C line answer
    line=${COMP_LINE:0:COMP_POINT}
    mapfile -t answer < <(_DAYPASS_LINE=$line _DAYPASS_BREAKS=$COMP_WORDBREAKS \\
        %(complete_var)s=bash "$1" 2>/dev/null </dev/null)
    COMPREPLY=("${answer[@]:1}")
    case ${answer[0]-} in
        file) compopt -o filenames -o default ;;
        dir) compopt -o filenames -o dirnames ;;
    esac
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

# compadd quotes what it inserts (zshcompwid(1)); -d shows the descriptions without reading anything in them.
ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a answer values shown
    local one
    answer=("${(@f)$(_DAYPASS_LINE="${(j: :)words[1,CURRENT-1]} $PREFIX" \\
        %(complete_var)s=zsh "$words[1]" 2>/dev/null </dev/null)}")
    case $answer[1] in
        plain)
            for one in "${(@)answer[2,-1]}"; do
                values+=("${one%%%%$'\\t'*}")
                shown+=("${one/$'\\t'/  -- }")
            done
            compadd -l -V %(prog_name)s -d shown -a values ;;
        file) compset -P '--*='; _files ;;
        dir) compset -P '--*='; _files -/ ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = """\
function %(complete_func)s
    set -l answer (env _DAYPASS_LINE=(commandline -cp | string collect) \\
        %(complete_var)s=fish %(prog_name)s 2>/dev/null </dev/null)
    switch "$answer[1]"
        case plain
            test (count $answer) -gt 1; and printf '%%s\\n' $answer[2..-1]
        case file
            __fish_complete_path (commandline -ct)
        case dir
            __fish_complete_directories (commandline -ct)
    end
end
complete --command %(prog_name)s --no-files --keep-order --arguments '(%(complete_func)s)'
"""


class Shell(ShellComplete):
    """What the shells have in common."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one at the cursor, and what is typed of that one."""
        *words, last = split_arg_string(os.environ.get(LINE, "") + CURSOR)
        return words[1:], last.removesuffix(CURSOR)

    def format_completion(self, item: CompletionItem[str]) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)

    def complete(self) -> str:
        args, incomplete = self.get_completion_args()
        items = self.get_completions(args, incomplete)
        if items and items[0].type != "plain":
            return str(items[0].type)
        before = self.before(incomplete)
        formatted = (self.format_completion(_after(before, item)) for item in items)
        return "\n".join(["plain", *formatted])

    def before(self, incomplete: str) -> str:
        """What stands before the value in the word that the shell replaces: `--server=` of `--server=w`."""
        option, sign, _ = incomplete.partition("=")
        return option + sign if sign and option.startswith("--") else ""


def _after(before: str, item: CompletionItem[str]) -> CompletionItem[str]:
    return CompletionItem(f"{before}{item.value}", help=item.help)


class Bash(Shell):
    """bash replaces only what stands after the last of its word breaks: `pr` of `env=pr`."""

    name = "bash"
    source_template = BASH

    def before(self, incomplete: str) -> str:
        return ""

    def format_completion(self, item: CompletionItem[str]) -> str:
        _, incomplete = self.get_completion_args()
        value = incomplete.partition("=")[2] if super().before(incomplete) else incomplete
        return str(item.value)[_kept(value, os.environ.get(BREAKS, "")) :]


def _kept(value: str, breaks: str) -> int:
    """How many letters of what is typed bash leaves as they are."""
    return max((value.rfind(sign) + 1 for sign in breaks), default=0)


class Zsh(Shell):
    name = "zsh"
    source_template = ZSH


class Fish(Shell):
    name = "fish"
    source_template = FISH


SHELLS: Mapping[str, type[Shell]] = {shell.name: shell for shell in (Bash, Zsh, Fish)}
