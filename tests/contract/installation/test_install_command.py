"""`python -m shared install` as an administrator calls it, over a bare simulated organisation."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from shared.errors import ConfigurationError
from shared.local.commands.provisioning import install_command
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.installed import Installed
from tests.installed import organisation as snapshot_of


@pytest_asyncio.fixture
async def organisation(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[DataverseOrganisation]:
    """Open a bare organisation, or one in which as much is installed as the parameter says."""
    installed: Installed | None = getattr(request, "param", None)
    snapshot = installed and snapshot_of(installed)
    async with open_organisation(snapshot=snapshot) as opened:
        name_it(opened, tmp_path, monkeypatch)
        yield opened


def name_it(organisation: DataverseOrganisation, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings name the organisation."""
    for name, value in {
        "DATAVERSE_URL": organisation.url,
        "DATAVERSE_AUTHORITY": organisation.url,
        "DATAVERSE_TENANT_ID": "contoso",
        "DATAVERSE_CLIENT_ID": "sandbox",
        "DATAVERSE_CLIENT_SECRET": "sandbox",
        "LOCAL_FOLDER": str(folder),
    }.items():
        monkeypatch.setenv(name, value)


async def install(*words: str) -> int:
    """Call the command; return its exit code."""
    parser = argparse.ArgumentParser()
    install_command.add_options(parser)
    return await install_command.run(parser.parse_args(["--sign-in", "app", *words]))


async def rows(organisation: DataverseOrganisation) -> list[str]:
    return [row["uniquename"] for row in await organisation.rows("publishers", "uniquename")]


async def test_a_plan_names_what_is_missing_and_changes_nothing(
    organisation: DataverseOrganisation, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await rows(organisation)

    assert await install("--plan") == 0

    told = capsys.readouterr().out
    assert "create" in told
    assert "dh_spotlerinfo" in told
    assert await rows(organisation) == before


async def test_whoever_may_not_even_read_is_told_who_may_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_organisation(privileges={"sandbox": frozenset()}) as organisation:
        name_it(organisation, tmp_path, monkeypatch)

        with pytest.raises(ConfigurationError, match=r"may not read .* let a System Administrator run the command"):
            await install("--plan")


async def test_a_key_of_another_length_is_refused_before_the_first_write(
    organisation: DataverseOrganisation,
) -> None:
    before = await rows(organisation)

    with pytest.raises(ConfigurationError, match="has 3 characters, and a key of Service Bus has 44"):
        await install("--yes", "--service-bus", "ns.servicebus.windows.net", "--sas-key", "key")

    assert await rows(organisation) == before


async def test_a_check_fails_until_the_parts_are_there(
    organisation: DataverseOrganisation, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = ("--only", "publisher", "solution")
    assert await install("--check", *parts) == 1
    assert "missing" in capsys.readouterr().out

    assert await install("--yes", *parts) == 0
    assert await install("--check", *parts) == 0

    assert capsys.readouterr().out.endswith("Everything is as it should be.\n")
    assert await install("--plan", *parts) == 0
    assert capsys.readouterr().out == "2 to leave (as it should be)\n"
    assert await install("--uninstall", "--yes", *parts) == 0
    assert capsys.readouterr().out == "2 to leave (holds data; --delete-data removes it)\n"
    assert await install("--uninstall", "--delete-data", "--yes", *parts) == 0
    assert await install("--check", *parts) == 1


async def test_an_endpoint_without_a_key_is_refused_before_the_first_write(organisation: DataverseOrganisation) -> None:
    before = await rows(organisation)

    with pytest.raises(ConfigurationError, match="SERVICE_BUS_SEND_KEY"):
        await install("--yes", "--service-bus", "ns.servicebus.windows.net")

    assert await rows(organisation) == before


async def installed_with_a_key(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setenv("SERVICE_BUS_SEND_KEY", "k" * 43 + "=")
    return await install("--yes", "--at-once", "--service-bus", "ns.servicebus.windows.net", *words)


async def test_dataverse_checks_an_endpoint_that_was_written_and_no_other(
    organisation: DataverseOrganisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = "POST serviceendpoints"

    assert await installed_with_a_key(monkeypatch) == 0
    once = (await organisation.requests())[checks]
    assert once == 2  # it is created, then checked
    monkeypatch.delenv("SERVICE_BUS_SEND_KEY")
    assert await install("--yes", "--service-bus", "ns.servicebus.windows.net") == 0
    assert (await organisation.requests())[checks] == once


@pytest.mark.parametrize("organisation", [Installed.EVERYTHING], indirect=True)
async def test_an_endpoint_that_dataverse_cannot_use_is_told_with_its_cure(
    organisation: DataverseOrganisation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await organisation.refuse("TriggerServiceEndpointCheck")

    assert await installed_with_a_key(monkeypatch) == 1

    told = capsys.readouterr().out
    assert "cannot use the service endpoint Spotler Connector" in told
    for named in ("ns.servicebus.windows.net", "dataverse-events", "Send", "SERVICE_BUS_SEND_KEY", "--only steps"):
        assert named in told
    assert "k" * 43 not in told


@pytest.mark.parametrize(
    "words", [("--only", "workflow"), ("--only", "translations"), ("--without", "tables"), ("--plan", "--check")]
)
async def test_parts_that_the_command_does_not_make_are_no_options(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        await install(*words)


@pytest.mark.usefixtures("organisation")
@pytest.mark.parametrize(
    ("words", "left_out", "planned"),
    [
        (("forms",), {"form", "tab"}, {"view", "chart", "command", "dashboard", "app"}),
        (("app",), {"dashboard", "app"}, {"view", "chart", "form", "command"}),
        (("buttons",), {"command"}, {"view", "chart", "form", "dashboard", "app"}),
        (("forms", "app"), {"view", "chart", "form", "tab", "dashboard", "app"}, {"command"}),
    ],
)
async def test_parts_of_the_pages_can_be_left_out(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], left_out: set[str], planned: set[str]
) -> None:
    assert await install("--plan", "--without", *words) == 0

    kinds = {line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith(("create", "change"))}
    assert not kinds & left_out
    assert planned <= kinds


@pytest.mark.parametrize("organisation", [Installed.WITHOUT_PAGES], indirect=True)
async def test_originals_of_forms_are_kept_and_forms_can_be_skipped(
    organisation: DataverseOrganisation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kept"
    skipped = ("--skip-form", "Information", "Campaign", "Email", "Enhanced Email")
    parts = ("--only", "publisher", "solution", "web-resource", "forms")

    assert await install("--yes", "--originals", str(folder), *parts, *skipped) == 0

    assert capsys.readouterr().out.count("publish ") == 1
    forms = await organisation.rows("systemforms", "formid", "name", "formxml", filter="type eq 2")
    with_tab = {row["formid"]: row["name"] for row in forms if 'name="dh_spotler"' in row["formxml"]}
    assert set(with_tab.values()) == {"Contact", "Lead", "Account"}
    originals = {path.stem.partition("-")[2]: path.read_text(encoding="utf-8") for path in folder.glob("*/*.xml")}
    assert originals.keys() == with_tab.keys()
    assert not any("dh_spotler" in text for text in originals.values())
    assert await install("--check", *parts, *skipped) == 0
    assert await install("--check", *parts) == 1


async def test_data_is_deleted_by_an_uninstallation_alone(organisation: DataverseOrganisation) -> None:
    with pytest.raises(ConfigurationError, match="--uninstall"):
        await install("--delete-data", "--organisation", organisation.url)
