"""The program for hosts: what is in it, what it is called by, and when it isn't run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ansible_collections.daypass.ssh.plugins.module_utils.contract.names import Refusal
from ansible_collections.daypass.ssh.plugins.module_utils.effects.system import System
from ansible_collections.daypass.ssh.plugins.module_utils.program import installing, packing, start
from ansible_collections.daypass.ssh.plugins.plugin_utils.program import CODE, COMMAND, SOURCES, render_input

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


def loads(program: Path) -> str:
    """What Python complains about when it imports all that a tick needs."""
    argv = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.append(sys.argv[1]); import daypass_host.run.tick",
    ]
    return subprocess.run([*argv, str(program)], capture_output=True, text=True, check=False).stderr


def rewritten(program: Path, changes: dict[str, bytes | None]) -> None:
    """The program with some members replaced, None = taken out."""
    with zipfile.ZipFile(io.BytesIO(program.read_bytes())) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(program, "w") as new:
        for name, content in {**members, **changes}.items():
            if content is not None:
                new.writestr(name, content)


def test_version_is_the_same_on_both_sides():
    """Controller and host count the same sources, however they were loaded."""
    files = {name: (SOURCES / f"{name.replace('.', '/')}.py").read_bytes() for name in CODE.modules}
    assert packing.own_sources() == files
    assert start.version_of(files) == CODE.version


def test_version_tells_apart_what_moves_between_names():
    """A text that moved from one module to the next is another program."""
    versions = {
        start.version_of(sources)
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
    assert {"run.entry", "run.tick", "run.converge", "program.installing"} <= set(CODE.modules)
    assert "contract.arguments" not in CODE.modules


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
    rewritten(program, {start.path_of(name): b"no python(" for name in CODE.modules})
    assert loads(program) == ""


def test_sources_run_where_the_bytecode_is_of_another_python(program: Path):
    """After an upgrade of Python the program goes on, from its sources."""
    with zipfile.ZipFile(program) as archive:
        compiled = [name for name in archive.namelist() if name.endswith(".pyc")]
    rewritten(program, {name: b"\x00\x00\r\n" + bytes(12) for name in compiled})
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
    [
        {"daypass_host/run/converge.py": b"raise SystemExit(3)"},
        {"daypass_host/run/converge.py": None},
        {"daypass_host/contract/names.py": b""},
    ],
    ids=["changed", "missing", "empty"],
)
def test_program_with_other_sources_is_not_run(program: Path, changes: dict[str, bytes | None]):
    """What counts is the content: a file that is called right and holds something else isn't used."""
    rewritten(program, changes)
    assert ask(program) == start.SOURCES_WANTED
    assert "answer" in ask(program, with_sources=True)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 4096, b"PK\x05\x06" + b"\xff" * 18])
def test_broken_file_is_not_run(program: Path, content: bytes):
    """Whatever lies there instead of an archive, the sources are asked for."""
    program.write_bytes(content)
    assert ask(program) == start.SOURCES_WANTED


def test_file_that_others_can_write_is_not_run(program: Path):
    """What somebody else could have changed between check and run is no program of ours."""
    program.chmod(0o620)
    assert ask(program) == start.SOURCES_WANTED


def test_link_is_not_run(program: Path):
    """A link may mean something else a moment later."""
    target = program.with_name("other")
    program.rename(target)
    program.symlink_to(target)
    assert ask(program) == start.SOURCES_WANTED


def test_fifo_is_not_waited_for(program: Path):
    """Nobody can hold a wave up by what lies there."""
    program.unlink()
    subprocess.run(["mkfifo", "-m", "600", str(program)], check=True)
    assert ask(program) == start.SOURCES_WANTED


def test_module_in_the_archive_cannot_stand_for_one_of_pythons(program: Path):
    """The archive comes last on the path: what was added beside our sources is never imported."""
    rewritten(program, {"subprocess.py": b"raise SystemExit(3)", "fcntl.py": b"raise SystemExit(3)"})
    assert "answer" in ask(program)


def test_program_that_is_replaced_under_a_run_goes_on(program: Path, tmp_path: Path):
    """A run that was started from the old file imports the rest of it, not of the new one."""
    script = (
        "import sys, os, zipimport; sys.path.append(sys.argv[1])\n"
        "from daypass_host.program import start\n"
        "path = start.open_program(sys.argv[2]); sys.path.remove(sys.argv[1])\n"
        "for name in [one for one in sys.modules if one.startswith('daypass_host')]: del sys.modules[name]\n"
        "sys.path.append(path); import daypass_host.contract.names\n"
        "open(sys.argv[2] + '.new', 'wb').write(b'x' * 100); os.rename(sys.argv[2] + '.new', sys.argv[2])\n"
        "import daypass_host.run.converge"
    )
    copy = tmp_path / "copy.pyz"
    copy.write_bytes(program.read_bytes())
    argv = [sys.executable, "-I", "-S", "-c", script, str(copy), str(program)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


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
    name = "daypass_host/contract/names"
    other = b"\0\0\r\n" + packing.bytecode(name + ".py", sources["contract.names"])[4:]
    rewritten(program, {name + ".pyc": other})
    assert packing.holds(program.read_bytes(), sources)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "daypass_host/contract/names.pyc": packing.bytecode(
                "daypass_host/contract/names.py", b"UID_MIN = 0\n"
            )
        },
        {"daypass_host/contract/names.py": b"UID_MIN = 0\n"},
        {"__main__.py": b"print('mine')\n"},
        {"daypass_host/contract/names.pyc": None},
        {"json/__init__.py": b""},
    ],
)
def test_program_with_anything_else_in_it_is_another(program: Path, changes: dict[str, bytes | None]):
    """Right sources beside other bytecode are no proof: Python takes the bytecode as it is."""
    rewritten(program, changes)
    assert not packing.holds(program.read_bytes(), packing.own_sources())
