"""Where Azure installs nothing, the package has its dependencies in it: the locked ones, for Linux."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from shared.deployment.dependencies import FOLDER, Dependencies
from shared.deployment.package import build_package
from shared.errors import ConfigurationError

PLATFORM = "manylinux_2_17_x86_64.manylinux2014_x86_64"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose one dependency is on an index that is a folder."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    wheel = make_wheel(index, f"cp312-cp312-{PLATFORM}")
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".funcignore").write_text(".funcignore\n")
    for name in ("function_app.py", "host.json"):
        (folder / name).write_text("")
    (folder / "requirements.txt").write_text(
        f"small==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    )
    return folder


def make_wheel(folder: Path, tag: str) -> Path:
    files = {
        "small.py": "VALUE = 1\n",
        "small-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: small\nVersion: 1.0\n",
        "small-1.0.dist-info/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n",
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()) for name, text in files.items()}
    record = "".join(f"{name},sha256={one.decode().rstrip('=')},\n" for name, one in digests.items())
    files["small-1.0.dist-info/RECORD"] = f"{record}small-1.0.dist-info/RECORD,,\n"
    path = folder / f"small-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_the_package_of_the_plan_premium_has_the_wheels_for_linux_and_the_runtime(
    project: Path, tmp_path: Path
) -> None:
    package = build_package(project, tmp_path / "app.zip", runtime="3.12", dependencies=Dependencies.PACKED)

    with zipfile.ZipFile(package.path) as archive:
        assert f"{FOLDER}/small.py" in archive.namelist()


def test_azure_installs_the_dependencies_itself_on_flex(project: Path, tmp_path: Path) -> None:
    package = build_package(project, tmp_path / "app.zip", runtime="3.12")

    with zipfile.ZipFile(package.path) as archive:
        assert not [name for name in archive.namelist() if name.startswith(".python_packages")]


def test_a_wheel_that_is_not_the_locked_one_is_refused(project: Path, tmp_path: Path) -> None:
    (project / "requirements.txt").write_text(f"small==1.0 --hash=sha256:{'0' * 64}\n")

    with pytest.raises(ConfigurationError, match="pip cannot install"):
        build_package(project, tmp_path / "app.zip", runtime="3.12", dependencies=Dependencies.PACKED)


def test_a_package_without_a_wheel_for_the_runtime_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="small"):
        build_package(project, tmp_path / "app.zip", runtime="3.13", dependencies=Dependencies.PACKED)
