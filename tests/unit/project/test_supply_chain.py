"""A deployment has the locked packages: the lock, the bill of materials, and the files that are not uploaded."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from uuid import UUID

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.scripts import ROOT, script

lockfile = script("lockfile")
sbom = script("sbom")
deployed = script("deployed")

LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = lockfile.read_lock(LOCK)
PYTHONS = ["3.11", "3.12", "3.13"]
HASH = "sha256:" + "0a" * 32
ONE = f"""\
# comment
httpx==0.28.1 \\
    --hash={HASH} \\
    --hash={HASH}
    # via
    #   -r requirements.in
    #   other
"""


def wanted() -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in lockfile.WANTED.read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


# ------------------------------------------------------------------------------------------------------------ the lock


def test_a_pin_has_a_version_hashes_and_the_packages_that_need_it() -> None:
    (pin,) = lockfile.read_lock(ONE)

    assert (str(pin), pin.hashes, pin.wanted_by) == ("httpx==0.28.1", [HASH, HASH], [lockfile.DIRECT, "other"])


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://packages.example/simple",
        "--extra-index-url https://packages.example/simple",
        "--trusted-host packages.example",
        "-r other.txt",
        "-e .",
        "httpx",
        "httpx>=0.28 \\",
        "httpx==0.28.1",
        "httpx @ https://packages.example/httpx.whl \\",
        "httpx==0.28.1 \\\n    --hash=md5:0a",
        f"httpx==0.28.1 \\\n    --hash={HASH} \\",
        "./httpx.whl",
    ],
)
def test_nothing_but_pins_with_hashes_is_a_lock(line: str) -> None:
    for text in (f"{line}\n", f"{ONE}{line}\n", f"{line}\n{ONE}"):
        with pytest.raises(lockfile.LockError, match="line "):
            lockfile.read_lock(text)


def test_an_empty_lock_is_none() -> None:
    with pytest.raises(lockfile.LockError, match="empty"):
        lockfile.read_lock("# comment\n")


def test_the_lock_names_no_host() -> None:
    assert re.findall(r"\w+://|^\s*-(?!-hash=sha256:)\S+", LOCK, re.MULTILINE) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_once_for_each_python(python: str) -> None:
    pins = [pin for pin in PINS if pin.is_installed_on(python)]
    versions = {pin.name: pin.version for pin in pins}

    assert len(versions) == len(pins)
    for requirement in wanted():
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), (
            f"{requirement}: make lock"
        )


def test_the_lock_has_nothing_that_is_not_needed_any_more() -> None:
    names = {canonicalize_name(requirement.name) for requirement in wanted()}

    assert {pin.name for pin in PINS if lockfile.DIRECT in pin.wanted_by} == names
    needed = {pin.name for pin in PINS}
    assert {name for pin in PINS for name in pin.wanted_by} <= needed | {lockfile.DIRECT}
    assert all(pin.wanted_by for pin in PINS)


def test_openpyxl_is_deployed_with_the_parser_that_expands_no_entities() -> None:
    assert "defusedxml" in {pin.name for pin in PINS}


def test_every_environment_is_made_with_the_hashes_and_versions_of_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in makefile.splitlines() if "requirements.txt" in line and "pip install" in line]

    assert installs
    assert all("--require-hashes -r requirements.txt" in line and "--group" not in line for line in installs)
    (made,) = [line for line in makefile.splitlines() if line.lstrip("\t@").startswith("sed -n")]
    shell = made.lstrip("\t@").replace("$$", "$").partition(" >")[0]
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, check=True, capture_output=True, text=True)
    assert [Requirement(line) for line in done.stdout.splitlines()] == [Requirement(str(pin)) for pin in PINS]


def test_make_help_lists_the_commands_of_the_supply_chain() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)

    assert {"lock", "audit", "sbom", "deployed"} <= {line.split()[1] for line in done.stdout.splitlines() if line}


# ------------------------------------------------------------------------------------------------ the bill of materials


def complaint(bill: str) -> object:
    """What CycloneDX's own schema has against a bill of materials; None if it is valid."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415  # takes more than a second to load

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill)


@pytest.mark.slow
@pytest.mark.parametrize("python", PYTHONS)
def test_the_bill_of_materials_is_valid_and_has_what_that_python_installs(python: str) -> None:
    text = sbom.bill_of_materials(PINS, python, "a")

    assert complaint(text) is None
    document = json.loads(text)
    listed = {(one["name"], one["version"], one["purl"]) for one in document["components"]}
    expected = [pin for pin in PINS if pin.is_installed_on(python)]
    assert listed == {(pin.name, pin.version, f"pkg:pypi/{pin.name}@{pin.version}") for pin in expected}


def test_the_bill_of_materials_has_hashes_and_dependencies() -> None:
    document = json.loads(sbom.bill_of_materials(PINS, "3.12", "a"))
    components = {one["name"]: one for one in document["components"]}
    needs = {one["ref"]: one.get("dependsOn", []) for one in document["dependencies"]}

    (files,) = components["openpyxl"]["externalReferences"]
    (pin,) = [pin for pin in PINS if pin.name == "openpyxl"]
    assert {f"sha256:{one['content']}" for one in files["hashes"]} == set(pin.hashes)
    assert needs[components["openpyxl"]["bom-ref"]] == [components["et-xmlfile"]["bom-ref"]]
    direct = {components[canonicalize_name(requirement.name)]["bom-ref"] for requirement in wanted()}
    assert set(needs[document["metadata"]["component"]["bom-ref"]]) == direct


def test_one_lock_has_one_serial_number_and_another_lock_another() -> None:
    serials = [
        UUID(json.loads(sbom.bill_of_materials(PINS, "3.12", of))["serialNumber"].removeprefix("urn:uuid:"))
        for of in ("a", "a", "b")
    ]

    assert serials[0] == serials[1] != serials[2]


def test_make_sbom_writes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "sbom.cdx.json"
    monkeypatch.setattr("sys.argv", ["sbom.py", "--output", str(written)])

    assert sbom.main() == 0
    document = json.loads(written.read_text(encoding="utf-8"))
    properties = {one["name"]: one["value"] for one in document["metadata"]["component"]["properties"]}
    assert properties["python"] == lockfile.DEPLOYED_PYTHON


# --------------------------------------------------------------------------------------------- what is tested deployed


def test_an_installation_that_fails_is_excused_only_where_no_index_can_be_reached(tmp_path: Path) -> None:
    commands = [["true"], ["sh", "-c", "echo timeout >&2; exit 2"], ["touch", str(tmp_path / "next")]]

    assert deployed.make_environment(commands, lambda: True) == (deployed.Made.REFUSED, "timeout")
    assert deployed.make_environment(commands, lambda: False) == (deployed.Made.UNREACHED, "timeout")
    assert list(tmp_path.iterdir()) == []


def test_packages_are_installed_by_their_hashes_and_pytest_apart_from_them() -> None:
    make, packages, tools = deployed.installation(Path("somewhere"), Path("pins.txt"))

    assert "venv" in make
    assert "--require-hashes" in packages
    assert "--group" not in packages
    assert "pins.txt" in tools


def test_a_suite_that_did_not_run_prints_a_banner_and_fails_the_build() -> None:
    unreached, refused = deployed.Made.UNREACHED, deployed.Made.REFUSED

    assert [deployed.report(unreached, "", is_build=build)[0] for build in (False, True)] == [0, 1]
    assert [deployed.report(refused, "", is_build=build)[0] for build in (False, True)] == [1, 1]
    assert "DID NOT RUN" in "".join(deployed.report(unreached, "", is_build=False)[1])


# ---------------------------------------------------------------------------------------------- what stays on a machine

SECRETS = ["client.pfx", "client.p12", "certs/client.pem", "client.key", ".env", ".env.production"]
EXPORTS = ["consent.csv", "mapping.xlsx", "shared/left-out.csv", "exports/people.json"]
LEFTOVERS = [
    ".venv/bin/python",
    ".venv-deployed/bin/python",
    ".local/state.db",
    ".mypy_cache/x",
    ".ruff_cache/x",
    ".pytest_cache/x",
    ".hypothesis/x",
    ".import_linter_cache/x",
    "shared/__pycache__/app.cpython-312.pyc",
    "local.settings.json",
    "sbom.cdx.json",
]


@pytest.mark.parametrize("name", [*SECRETS, *EXPORTS, *LEFTOVERS])
def test_secrets_exports_and_leftovers_are_neither_committed_nor_uploaded(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text(encoding="utf-8"), encoding="utf-8")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    ignored = (ROOT / ".funcignore").read_text(encoding="utf-8")

    assert subprocess.run(["git", "check-ignore", "--quiet", name], cwd=tmp_path, check=False).returncode == 0
    assert list(deployed.deployed_files(tmp_path, ignored)) == []


def test_files_that_the_app_needs_are_uploaded() -> None:
    names = {name.as_posix() for name in deployed.deployed_files(ROOT, (ROOT / ".funcignore").read_text("utf-8"))}

    assert {"function_app.py", "host.json", "requirements.txt", "shared/domain/mapping/default.yaml"} <= names
    assert not [
        name
        for name in names
        if name.startswith(
            ("shared/local/", "shared/deployment/", "shared/installation/", "tests/", "docs/", ".ci/", ".git")
        )
    ]
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "shared").rglob("*.py")
        if not {"local", "deployment", "installation"} & set(path.relative_to(ROOT / "shared").parts[:1])
    }
    assert modules <= names
