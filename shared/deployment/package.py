"""The package of the code: a zip of what the app needs, the same bytes for the same files."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from shared.deployment.dependencies import Dependencies, install
from shared.errors import ConfigurationError

RUNTIME = "3.12"
"""The Python version of the function app (`infra/modules/app.bicep`)."""

NEEDED = ("function_app.py", "host.json", "requirements.txt")
"""Files without which the app does not start; they stand at the root of the zip."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name: the same files give the same bytes
_READABLE = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that was written. `digest` is the SHA-256 of its bytes; `compiled` counts the files of byte code."""

    path: Path
    digest: str
    files: int
    compiled: int


def build_package(
    root: Path, target: Path, *, runtime: str = RUNTIME, dependencies: Dependencies = Dependencies.LEFT_TO_AZURE
) -> Package:
    """Write the zip of the project at `root`.

    Byte code is compiled by an interpreter of the version `runtime`, if this machine has one: the package is read-only
    where it runs, so nothing could be compiled there. ConfigurationError if a file is missing that the app needs.
    """
    if missing := [name for name in NEEDED if not (root / name).is_file()]:
        raise ConfigurationError(f"{', '.join(missing)} is missing in {root}: run the command in the project's folder")
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        for name in deployed_files(root):
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, stage / name)
        if dependencies is Dependencies.PACKED:
            install(root / "requirements.txt", stage, runtime)
        compiler = interpreter(runtime)
        if compiler is not None:
            _compile(compiler, stage)
        contents = {
            path.relative_to(stage).as_posix(): path.read_bytes() for path in stage.rglob("*") if path.is_file()
        }
    _write(target, contents)
    compiled = sum(name.endswith(".pyc") for name in contents)
    return Package(target, hashlib.sha256(target.read_bytes()).hexdigest(), len(contents), compiled)


def deployed_files(root: Path) -> Iterator[PurePosixPath]:
    """Yield the files that a deployment uploads, relative to the root: all that `.funcignore` does not exclude."""
    spec = GitIgnoreSpec.from_lines((root / ".funcignore").read_text(encoding="utf-8").splitlines())
    for folder, folders, files in os.walk(root):
        place = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders[:] = sorted(name for name in folders if not spec.match_file(f"{place / name}/"))
        yield from (place / name for name in sorted(files) if not spec.match_file(str(place / name)))


def interpreter(version: str) -> Path | None:
    """Return an interpreter of a version such as 3.12; None if this machine has none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    found = shutil.which(f"python{version}")
    return Path(found) if found and _works(found) else None


@cache
def _works(program: str) -> bool:
    """Tell whether a program of the PATH is an interpreter: it may stand for one that was never installed."""
    return subprocess.run([program, "-I", "-S", "-c", ""], check=False, capture_output=True).returncode == 0  # noqa: S603  # an interpreter of the PATH


def _compile(compiler: Path, stage: Path) -> None:
    """Compile everything under `stage`; the byte code is not compared with its source when it is loaded."""
    options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(stage)]
    ran = subprocess.run(  # noqa: S603  # an interpreter of the PATH, over our own files
        [compiler, "-m", "compileall", *options, str(stage)], check=False, capture_output=True, text=True
    )
    if ran.returncode:
        raise ConfigurationError(f"{compiler} cannot compile the code: {(ran.stdout + ran.stderr).strip()[-500:]}")


def _write(target: Path, contents: Mapping[str, bytes]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.compress_type = _READABLE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, contents[name])
