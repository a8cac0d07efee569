"""`python -m shared install --export-solution`: the installed solution as a file (C-34)."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import fromstring

import pytest
import pytest_asyncio

from shared.errors import ConfigurationError
from shared.installation.solution_file import next_version
from shared.local.dataverse_sandbox.organisation.organization import fixed_id
from shared.local.dataverse_sandbox.organisation.privileges import privileges_of
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.installation.test_install_command import install, name_it
from tests.installed import Installed, installed_schema
from tests.installed import organisation as snapshot_of
from tests.microsoft_schemas import compile_schema, faults


@pytest_asyncio.fixture
async def organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DataverseOrganisation]:
    """An organisation in which everything is installed."""
    async with open_organisation() as opened:
        name_it(opened, tmp_path, monkeypatch)
        yield opened


async def test_the_file_has_what_is_installed_and_each_export_has_the_next_version(
    organisation: DataverseOrganisation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "solution.zip"

    assert await install("--export-solution", str(file), "--managed") == 0
    [script] = await organisation.rows("webresourceset", "webresourceid", filter="name eq 'dh_spotlerjob.js'")
    await organisation.client.update("webresourceset", UUID(script["webresourceid"]), {"displayname": "Mine"})
    assert await install("--export-solution", str(tmp_path)) == 0

    assert capsys.readouterr().out.splitlines() == [
        f"The solution file is {file}.",
        "The file has web-resource dh_spotlerjob.js as it is here: displayname.",
        f"The solution file is {tmp_path / 'SpotlerConnector_1_0_0_2.zip'}.",
    ]
    archive = zipfile.ZipFile(file)
    manifest = fromstring(archive.read("solution.xml"))
    told = [manifest.findtext(f"SolutionManifest/{name}") for name in ("UniqueName", "Version", "Managed")]
    assert told == ["SpotlerConnector", "1.0.0.1", "1"]
    customisations = archive.read("customizations.xml").decode()
    for part in ("dh_SpotlerJob", "Spotler User", "dh_spotlerjob.js", "Spotler Monitoring", "dh_SpotlerHub"):
        assert part in customisations
    assert not [
        part for part in ("servicebus", "SdkMessageProcessingStep>", "dh_spotler_tab") if part in customisations
    ]
    assert await install("--check", "--only", "solution") == 0  # a raised version is no drift


@pytest.mark.usefixtures("organisation")
async def test_microsofts_schema_accepts_the_customisations_of_the_file(tmp_path: Path) -> None:
    schema = compile_schema("CustomizationsSolution", tmp_path)
    await install("--export-solution", str(tmp_path / "a.zip"))
    text = zipfile.ZipFile(tmp_path / "a.zip").read("customizations.xml").decode()

    assert faults(schema, text) == []
    assert not schema.is_valid(text.replace("<OptionSetType>bit<", "<OptionSetType>none<"))


MANAGED = {"uniquename": "SpotlerConnector", "friendlyname": "Spotler Connector", "version": "1.0", "ismanaged": True}
EVERYTHING = frozenset(one for each in installed_schema().tables.values() for one in privileges_of(each))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"bare": True}, "is not installed here: run `python -m shared install` first"),
        ({"bare": True, "rows": [MANAGED]}, "as a managed one, which Dataverse does not export"),
        ({"snapshot": snapshot_of(Installed.WITHOUT_PAGES)}, "The web-resource dh_.* more would be missing"),
        ({"privileges": {"sandbox": EVERYTHING}}, "lacks prvExportCustomization: let a System Administrator"),
    ],
    ids=["nothing", "managed", "without-pages", "without-privilege"],
)
async def test_what_cannot_be_exported_is_refused_with_what_to_do_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], told: str
) -> None:
    publisher = ("publisher", fixed_id("publisher", "default"))
    rows = [("solution", row | {"publisherid": publisher}) for row in state.get("rows", ())]
    async with open_organisation(**state | {"rows": rows}) as opened:
        name_it(opened, tmp_path, monkeypatch)
        with pytest.raises(ConfigurationError, match=told):
            await install("--export-solution", str(tmp_path / "a.zip"))

        assert {request for request in opened.sent if not request.startswith("GET ")} <= {"POST $batch"}


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    ("words", "told"),
    [(("--managed",), "belongs to --export-solution"), (("--export-solution", "no/folder/a.zip"), "does not exist")],
)
async def test_options_that_do_not_fit_are_refused(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        await install(*words)


@pytest.mark.parametrize(
    ("found", "least", "following"),
    [
        ("1.0.0.0", "1.0.0.0", "1.0.0.1"),
        ("1.0.0.9", "1.0.0.0", "1.0.0.10"),
        ("1.0", "1.2.0.0", "1.2.0.1"),
        ("2.0.0.4", "1.2.0.0", "2.0.0.5"),
    ],
)
def test_the_next_version_is_higher_than_the_one_that_is_installed(found: str, least: str, following: str) -> None:
    assert next_version(found, least) == following
