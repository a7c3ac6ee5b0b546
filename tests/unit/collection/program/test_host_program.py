"""The program for hosts: what is in it, what it is called by, and when it isn't run."""

from __future__ import annotations

import io
import json
import marshal
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.program import installing, packing, start
from ansible_collections.daypass.ssh.plugins.plugin_utils.program import (
    CODE,
    COMMAND,
    SOURCES,
    Code,
    render_input,
)

REQUEST = {"operation": "accounts", "document": "bm9uc2Vuc2U=", "controller_time": 1.0, "check": True}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The program as a host gets it."""
    path = tmp_path / "daypass-host.pyz"
    path.write_bytes(packing.build(packing.own_sources()))
    path.chmod(0o600)
    return path


def ask(program: Path, *, with_sources: bool = False) -> dict[str, object]:
    """What a request prints where the program lies at this path."""
    code = CODE._replace(start=CODE.start.replace(start.PROGRAM_PATH, str(program)))
    stdin = render_input(REQUEST, with_sources=with_sources, code=code)
    done = subprocess.run([sys.executable, *COMMAND], input=stdin, capture_output=True, check=True)
    line = done.stdout.decode().rpartition(start.MARK)[2]
    return dict(json.loads(line))


def sources_of(code: Code = CODE) -> dict[str, bytes]:
    """The sources that are sent, by name."""
    return {name: bytes(text) for name, text in start.parted(zlib.decompress(code.packed())).items()}


def loads(program: Path, then: str = "") -> str:
    """What Python complains about when it imports all that a tick needs, and does something then."""
    script = (
        "import sys; from module_utils.program.start import *; found = read_program(sys.argv[2])\n"
        f"entered('run.tick', 'main', found[0], code_in(found[1])); {then}"
    )
    # As on a host: nothing of this file's package is loaded yet.
    script = f"import sys; sys.path.append(sys.argv[1]); {script}"
    argv = [sys.executable, "-I", "-S", "-c", script, str(SOURCES.parent), str(program)]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stderr


def rewritten(program: Path, changes: dict[str, bytes | None]) -> None:
    """The program with some members replaced, None = taken out."""
    members = members_of(program)
    with zipfile.ZipFile(program, "w") as new:
        for name, content in {**members, **changes}.items():
            if content is not None:
                new.writestr(name, content)


def members_of(program: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(program.read_bytes())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_sources(program: Path, changes: Mapping[str, bytes | None]) -> bytes:
    """The member that holds the sources, with some replaced, None = taken out."""
    sources = {**start.parted(members_of(program)[start.SOURCES]), **changes}
    return start.joined({name: source for name, source in sources.items() if source is not None})


def with_code(program: Path, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The member that holds the bytecode, with a change to its parts."""
    bytecode = members_of(program)[start.BYTECODE]
    code = {name: bytes(part) for name, part in start.code_in(bytecode).items()}
    change(code)
    return bytecode[:4] + start.joined(code)


def test_version_is_the_same_on_both_sides():
    """Controller and host count the same sources, however they were loaded."""
    files = {name: (SOURCES / f"{name.replace('.', '/')}.py").read_bytes() for name in sources_of()}
    assert packing.own_sources() == files
    assert start.version_of(start.joined(files)) == CODE.version


def test_version_tells_apart_what_moves_between_names():
    """A text that moved from one module to the next is another program."""
    versions = {
        start.version_of(start.joined(sources))
        for sources in (
            {"a": b"xy", "b": b""},
            {"a": b"x", "b": b"y"},
            {"a": b"", "b": b"xy"},
            {"ab": b"xy"},
            {"a": b"b 0\nxy", "b": b""},
        )
    }
    assert len(versions) == 5


def test_imports_are_found_wherever_they_stand():
    """A module that is imported late, over lines, from another folder or by another name belongs to it."""
    source = (
        "from .a import x\nfrom . import b, c as other\nfrom ..there import (\n    d,  # why\n    e,\n)\n"
    )
    source += "def f():\n    from . import g\n    from ..there.h import (\n        y,\n    )\nimport json\n"
    found = packing.imported(source, "here")
    assert found == ["here.a", "here.b", "here.c", "there.d", "there.e", "here.g", "there.h"]


def test_program_holds_what_its_word_runs():
    """The tick is part of it, and what the sending side alone needs isn't."""
    assert {"run.entry", "run.tick", "run.converge", "program.installing"} <= sources_of().keys()
    assert "contract.arguments" not in sources_of()


def test_equal_sources_give_equal_files():
    """Built again by the same Python in another process it is the same file, byte by byte."""
    script = (
        "import sys, hashlib; sys.path.append(sys.argv[1])\n"
        "from module_utils.program import packing\n"
        "sys.stdout.write(hashlib.sha256(packing.build(packing.own_sources())).hexdigest())"
    )
    argv = [sys.executable, "-I", "-S", "-c", script, str(SOURCES.parent)]
    digests = {subprocess.run(argv, capture_output=True, check=True).stdout for _ in range(2)}
    assert len(digests) == 1


def test_bytecode_runs_in_place_of_the_sources(program: Path):
    """Python compiles nothing: with sources that are no Python at all it still runs."""
    rewritten(program, {start.SOURCES: with_sources(program, dict.fromkeys(sources_of(), b"no python("))})
    assert loads(program) == ""


def test_sources_run_where_the_bytecode_is_of_another_python(program: Path):
    """After an upgrade of Python the program goes on, from its sources."""
    others = b"\x00\x00\r\n" + bytes(12)
    rewritten(program, {start.BYTECODE: others, "__main__.pyc": others})
    assert loads(program) == ""
    assert "answer" in ask(program)


def test_unknown_word_is_a_usage_error(program: Path):
    """Units with a typing error must not look as if they worked."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), "tock"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (2, b"usage: daypass-host.pyz tick\n")


def test_program_in_the_right_version_does_the_request_without_sources(program: Path):
    """The second wave sends a request and nothing else."""
    result = ask(program)
    assert result["answer"]["code"] == "document_invalid"
    assert len(render_input(REQUEST, with_sources=False)) < 10_000


@pytest.mark.parametrize(
    "changes",
    [{"run.converge": b"raise SystemExit(3)"}, {"run.converge": None}, {"contract.names": b""}],
    ids=["changed", "missing", "empty"],
)
def test_program_with_other_sources_is_not_run(program: Path, changes: dict[str, bytes | None]):
    """What counts is the content: a file that is called right and holds something else isn't used."""
    rewritten(program, {start.SOURCES: with_sources(program, changes)})
    assert ask(program) == json.loads(start.SOURCES_WANTED)
    assert "answer" in ask(program, with_sources=True)


@pytest.mark.parametrize("member", [start.SOURCES, start.BYTECODE])
def test_program_without_a_part_is_not_run(program: Path, member: str):
    """Sources alone would be compiled at each tick; bytecode alone nobody could compare."""
    rewritten(program, {member: None})
    assert ask(program) == json.loads(start.SOURCES_WANTED)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 4096, b"PK\x05\x06" + b"\xff" * 18])
def test_broken_file_is_not_run(program: Path, content: bytes):
    """Whatever lies there instead of an archive, the sources are asked for."""
    program.write_bytes(content)
    assert ask(program) == json.loads(start.SOURCES_WANTED)


def test_file_that_others_can_write_is_not_run(program: Path):
    """What somebody else could have changed between check and run is no program of ours."""
    program.chmod(0o620)
    assert ask(program) == json.loads(start.SOURCES_WANTED)


def test_link_is_not_run(program: Path):
    """A link may mean something else a moment later."""
    target = program.with_name("other")
    program.rename(target)
    program.symlink_to(target)
    assert ask(program) == json.loads(start.SOURCES_WANTED)


def test_fifo_is_not_waited_for(program: Path):
    """Nobody can hold a wave up by what lies there."""
    program.unlink()
    subprocess.run(["mkfifo", "-m", "600", str(program)], check=True)
    assert ask(program) == json.loads(start.SOURCES_WANTED)


def test_module_in_the_archive_cannot_stand_for_one_of_pythons(program: Path):
    """What was added beside our sources, or to their bytecode, is never imported."""
    added = dict.fromkeys(("subprocess.py", "fcntl.py", "daypass_host/__init__.py"), b"raise SystemExit(3)")
    stop = marshal.dumps(compile("raise SystemExit(3)", "x", "exec"))
    code = with_code(program, lambda code: code.update({"subprocess": stop, "fcntl": stop}))
    rewritten(program, {**added, start.BYTECODE: code})
    assert "answer" in ask(program)


def test_program_that_is_replaced_under_a_run_goes_on(program: Path):
    """A run that was started from the old file imports the rest of it, not of the new one."""
    replace = "import os; open(sys.argv[2] + '.new', 'wb').write(b'x' * 100)\n"
    replace += "os.rename(sys.argv[2] + '.new', sys.argv[2])\nimport daypass_host.program.packing"
    assert loads(program, then=replace) == ""
    assert program.read_bytes() == b"x" * 100


def test_run_loads_nothing_that_takes_long_to_load(program: Path):
    """A short run is mostly imports: typing and OpenSSL alone took a quarter of one without a change."""
    look = "sys.exit(str({'typing', '_hashlib', 'zipfile', 'tempfile'} & sys.modules.keys()))"
    assert loads(program, then=look) == "set()\n"


class Folder(System):
    """A host whose /usr/local is a folder of the test's, or can't be written."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.written: list[tuple[str, str, int]] = []

    def make_folder(self, path: str, mode: int) -> None:
        self.written.append(("folder", path, mode))

    def write(self, path: str, content: bytes, mode: int, *_more: object) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.written.append(("file", path, mode))


def test_program_is_written_where_another_is_there():
    """A folder of root's that all may enter, a file for root alone."""
    system = Folder()
    program = installing.install(system, installing.Program("0" * 64, installed=False))
    assert program.installed
    assert system.written[-2:] == [
        ("folder", "/usr/local/lib/daypass", 0o755),
        ("file", "/usr/local/lib/daypass/daypass-host.pyz", 0o600),
    ]


def test_program_that_is_right_stays_untouched():
    """No wave writes what is there already."""
    system = Folder()
    installing.install(system, installing.Program("0" * 64, installed=True))
    assert system.written == []


def test_program_that_cannot_be_written_is_a_reason():
    """The caller opens nothing then, and goes on closing."""
    with pytest.raises(Refusal) as refused:
        installing.install(Folder(full=True), installing.Program("0" * 64, installed=False))
    assert refused.value.code == "program_unwritable"


def test_program_is_whole_however_its_bytecode_was_written(program: Path):
    """The same code is written in more than one way; another Python's isn't looked at."""
    sources = packing.own_sources()
    assert packing.holds(program.read_bytes(), sources)
    rewritten(program, {start.BYTECODE: b"\0\0\r\n", "__main__.pyc": b"\0\0\r\n"})
    assert packing.holds(program.read_bytes(), sources)


def other_names(code: dict[str, bytes]) -> None:
    code["contract.names"] = marshal.dumps(compile(b"UID_MIN = 0\n", "x", "exec"))


ALTERED: list[Callable[[Path], dict[str, bytes | None]]] = [
    lambda program: {start.BYTECODE: with_code(program, other_names)},
    lambda program: {start.BYTECODE: with_code(program, lambda code: code.pop("contract.names"))},
    lambda program: {start.BYTECODE: with_code(program, lambda code: code.update({"json": b""}))},
    lambda program: {start.SOURCES: with_sources(program, {"contract.names": b"UID_MIN = 0\n"})},
    lambda _program: {"__main__.py": b"print('mine')\n"},
    lambda program: {"__main__.pyc": members_of(program)["__main__.pyc"][:16] + marshal.dumps(None)},
    lambda _program: {"__main__.pyc": None},
    lambda _program: {"json/__init__.py": b""},
]


@pytest.mark.parametrize("change", ALTERED)
def test_program_with_anything_else_in_it_is_another(
    program: Path, change: Callable[[Path], dict[str, bytes | None]]
):
    """Right sources beside other bytecode are no proof: Python takes the bytecode as it is."""
    rewritten(program, change(program))
    assert not packing.holds(program.read_bytes(), packing.own_sources())


def test_run_that_changes_nothing_loads_little_of_python(program: Path):
    """Each of these takes longer than the facts of many accounts; `-X importtime` shows who loads one."""
    script = (
        f"import sys; sys.path.append({str(SOURCES.parent)!r})\n"
        f"from module_utils.program.start import *; found = read_program({str(program)!r})\n"
        "entered('run.entry', 'main', found[0], code_in(found[1]))\n"
        "from daypass_host.run import converge; from daypass_host.program import installing\n"
        "from daypass_host.plan import root_equivalent; print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True
    )
    dear = {"re", "enum", "json", "subprocess", "threading", "signal", "contextlib", "functools", "typing"}
    dear |= {"base64", "collections", "importlib.util", "selectors", "hashlib", "dataclasses", "tempfile"}
    assert dear & set(done.stdout.split()) == set()
