"""The package holds what the app needs, compiled, and the same bytes each time."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from shared.deployment.package import Package, build_package, deployed_files, interpreter
from shared.errors import ConfigurationError

PROJECT = Path(__file__).parents[3]
OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    return build_package(PROJECT, tmp_path_factory.mktemp("package") / "app.zip", runtime=OURS)


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(package.path) as archive:
        return archive.namelist()


def small_project(folder: Path) -> Path:
    folder.mkdir()
    (folder / ".funcignore").write_text("secret*\n.funcignore\n")
    for name in ("function_app.py", "host.json", "requirements.txt", "secret.env"):
        (folder / name).write_text("")
    return folder


def test_the_root_has_what_azure_looks_for(package: Package) -> None:
    assert {"function_app.py", "host.json", "requirements.txt"} <= set(names(package))


@pytest.mark.parametrize(
    "part", ["tests", "infra", "docs", "shared/local", "shared/deployment", ".git", ".venv", "local.settings", "README"]
)
def test_what_the_app_does_not_need_stays_behind(package: Package, part: str) -> None:
    assert [name for name in names(package) if name.startswith(part)] == []


def test_every_module_has_its_byte_code(package: Package) -> None:
    sources = [name for name in names(package) if name.endswith(".py")]

    assert package.compiled == len(sources) > 100
    assert package.files == len(names(package))


def test_the_byte_code_is_used_where_the_files_have_other_times(package: Package, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.path) as archive:
        archive.extractall(tmp_path)  # the times of unpacking
    code = "import shared.errors as m, sys; print(m.__cached__, m.__spec__.has_location)"
    (tmp_path / "shared" / "errors.py").write_text("raise RuntimeError('the source was compiled again')")
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stderr


def test_no_path_of_this_machine_is_in_it(package: Package) -> None:
    with zipfile.ZipFile(package.path) as archive:
        code = archive.read(next(name for name in archive.namelist() if name.endswith(".pyc")))

    assert tempfile.gettempdir().encode() not in code
    assert str(PROJECT).encode() not in code


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    first = build_package(project, tmp_path / "one.zip", runtime=OURS)
    (project / "host.json").touch()
    second = build_package(project, tmp_path / "two.zip", runtime=OURS)

    assert first.digest == second.digest
    (project / "host.json").write_text("{}")
    assert build_package(project, tmp_path / "three.zip", runtime=OURS).digest != first.digest


def test_funcignore_decides_what_is_uploaded(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")

    assert [str(name) for name in deployed_files(project)] == ["function_app.py", "host.json", "requirements.txt"]


def test_without_an_interpreter_of_the_runtime_there_is_no_byte_code(tmp_path: Path) -> None:
    assert interpreter("2.0") is None
    assert build_package(small_project(tmp_path / "project"), tmp_path / "app.zip", runtime="2.0").compiled == 0


def test_code_that_cannot_be_compiled_is_not_packed(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    (project / "function_app.py").write_text("def (")

    with pytest.raises(ConfigurationError, match=r"cannot compile.*function_app\.py"):
        build_package(project, tmp_path / "app.zip", runtime=OURS)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"function_app\.py, host\.json.* missing"):
        build_package(tmp_path, tmp_path / "app.zip")
