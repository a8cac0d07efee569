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


@pytest_asyncio.fixture
async def organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation(bare=True) as opened:
        for name, value in {
            "DATAVERSE_URL": opened.url,
            "DATAVERSE_AUTHORITY": opened.url,
            "DATAVERSE_TENANT_ID": "contoso",
            "DATAVERSE_CLIENT_ID": "sandbox",
            "DATAVERSE_CLIENT_SECRET": "sandbox",
            "LOCAL_FOLDER": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        yield opened


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


async def test_a_check_fails_until_the_parts_are_there(
    organisation: DataverseOrganisation, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = ("--only", "publisher", "solution")
    assert await install("--check", *parts) == 1
    assert "missing" in capsys.readouterr().out

    assert await install("--yes", *parts) == 0
    assert await install("--check", *parts) == 0

    assert capsys.readouterr().out.endswith("Everything is as it should be.\n")
    assert await install("--uninstall", "--delete-data", "--yes", *parts) == 0
    assert await install("--check", *parts) == 1


async def test_an_endpoint_without_a_key_is_refused_before_the_first_write(organisation: DataverseOrganisation) -> None:
    before = await rows(organisation)

    with pytest.raises(ConfigurationError, match="SERVICE_BUS_SEND_KEY"):
        await install("--yes", "--service-bus", "ns.servicebus.windows.net")

    assert await rows(organisation) == before


@pytest.mark.parametrize("words", [("--only", "view"), ("--without", "forms"), ("--plan", "--check")])
async def test_parts_that_the_command_does_not_make_are_no_options(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit):
        await install(*words)


async def test_data_is_deleted_by_an_uninstallation_alone(organisation: DataverseOrganisation) -> None:
    with pytest.raises(ConfigurationError, match="--uninstall"):
        await install("--delete-data", "--organisation", organisation.url)
