"""Images of Debian servers, built from packages without a registry and kept by podman."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from lab import apt_sources, machine, podman, state
from lab.errors import LabError
from lab.recipes import Recipe, recipe

FILES = Path(__file__).parent / "image"
REPOSITORY = "localhost/daypass-lab"

Report = Callable[[str], None]

KEEP_HOURS = 24
"""An earlier image of a recipe stays that long: another checkout on this machine may still need it."""


def reference(name: str) -> str:
    """podman's name of the image, with a digest of everything that it is made from but the packages' age."""
    wanted = recipe(name)
    digest = hashlib.sha256(repr((wanted.release, wanted.packages)).encode())
    for path in (*sorted(path for path in FILES.iterdir() if path.is_file()), *_hooks(wanted)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{REPOSITORY}:{name}-{digest.hexdigest()[:12]}"


def _hooks(wanted: Recipe) -> list[Path]:
    return [FILES / "hooks" / name for name in wanted.hooks]


def ensure(name: str, report: Report) -> str:
    """Build the image unless podman has it; return its reference.

    Raises:
        LabError: `unknown_image`, `build_failed`, `no_mirror`, `podman_failed`.
    """
    wanted = reference(name)
    if _exists(wanted):
        return wanted
    with state.lock(f"image-{name}"):
        if not _exists(wanted):
            _build(recipe(name), wanted, report)
    return wanted


def _exists(image_reference: str) -> bool:
    return podman.run("image", "exists", image_reference, check=False).returncode == 0


def _build(wanted: Recipe, image_reference: str, report: Report) -> None:
    """Make the root file system with mmdebstrap and import it; one tar file lies between the two."""
    place = state.root() / "build"
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    _remove_leftovers(place, wanted)
    with tempfile.TemporaryDirectory(prefix=scratch_prefix(wanted.name), dir=place) as scratch:
        archive = Path(scratch) / "root.tar"
        report(f"building image {wanted.name} (Debian {wanted.release}), about a minute")
        _bootstrap(wanted, archive, place / f"{wanted.name}.log", report)
        report(f"importing image {wanted.name}")
        podman.run("import", "--quiet", str(archive), image_reference, timeout_seconds=600)
    _remove_older(wanted, image_reference)
    report(f"image {wanted.name} is ready")


def scratch_prefix(name: str) -> str:
    """How folders begin that an image is built in; none of another one's begins so."""
    return f"{name}.build-"


def _remove_leftovers(place: Path, wanted: Recipe) -> None:
    """Delete what builds that were killed left behind, never across a mount that may still be in it."""
    left = [str(path) for path in place.glob(f"{scratch_prefix(wanted.name)}*")]
    if left:
        remove = machine.privileged(["rm", "-rf", "--one-file-system", "--", *left])
        subprocess.run(remove, capture_output=True, check=False)


def _bootstrap(wanted: Recipe, archive: Path, log: Path, report: Report) -> None:
    """Run mmdebstrap; its messages go to the log, the important ones to the caller."""
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    sources = archive.with_name("sources.list")
    sources.write_text(apt_sources.sources(wanted.release))
    with log.open("w") as said, sources.open() as stdin:
        build = subprocess.Popen(
            machine.privileged(_words(wanted, archive)),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
        )
        with build:
            for line in build.stdout or ():
                said.write(line)
                if line.startswith("I: ") and "tempdir" not in line and "hook" not in line:
                    report(f"{wanted.name}: {line[3:].strip()}")
    if build.returncode != 0:
        tail = " / ".join(log.read_text().splitlines()[-5:])
        raise LabError("build_failed", f"mmdebstrap failed: {tail}", f"the whole log is {log}")


def _words(wanted: Recipe, archive: Path) -> list[str]:
    """The mmdebstrap command of a recipe; it reads sources.list lines from its standard input."""
    words = ["env", f"TMPDIR={archive.parent}", *_proxies()]
    words += ["mmdebstrap", "--mode=root", "--variant=minbase"]
    words += [f"--include={','.join(wanted.packages)}"]
    words += [f"--aptopt={line}" for line in apt_sources.settings()]
    words += [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "locale", "man")]
    words += [f"--customize-hook={script}" for script in (FILES / "finish", *_hooks(wanted))]
    return [*words, wanted.release, str(archive), "-"]


def _proxies() -> list[str]:
    """The caller's proxy settings, which sudo would drop, as words for env(1)."""
    names = ("http_proxy", "https_proxy", "no_proxy")
    return [f"{name}={os.environ[name]}" for name in names if name in os.environ]


def _remove_older(wanted: Recipe, image_reference: str) -> None:
    """Delete images of earlier recipes; podman refuses those that a container still uses."""
    filters = [f"reference={REPOSITORY}", f"until={KEEP_HOURS}h"]
    words = [word for text in filters for word in ("--filter", text)]
    for other in podman.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", *words).stdout.split():
        if other.rpartition("-")[0] == f"{REPOSITORY}:{wanted.name}" and other != image_reference:
            podman.run("image", "rm", other, check=False)
