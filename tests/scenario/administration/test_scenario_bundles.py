"""A configuration is carried from one environment to another as files, and a rollback takes it back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from shared.adapters.dataverse.web_api.credentials import ClientSecret
from shared.administration.mapping_service import MappingChange
from shared.deployment.command_line.az import AzAnswer
from shared.deployment.command_line.azure import Azure
from shared.errors import ConfigurationError
from shared.local.bundles import folder
from shared.local.bundles.deployed_app import DeployedApp
from shared.local.bundles.promotion import Promotion, promote
from shared.local.sandbox.command import PEOPLE_CLIENT, PEOPLE_SECRET
from tests.programs.processes import run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.world import World, open_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

_JOB_TITLE = "  - spotler: jobTitle\n    contact: jobtitle\n    lead: jobtitle\n\n"
_DEFAULTS = "spotlerpermissionsenabledbydefault: '[All]'\n"


@dataclass
class AppSettings:
    """The az command line, as far as the settings and keys of one app go."""

    master: str
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> AzAnswer:
        match arguments[1:4]:
            case ("keys", "list", _):
                return AzAnswer(0, json.dumps({"masterKey": self.master}), "")
            case ("config", "appsettings", "list"):
                return AzAnswer(
                    0, json.dumps([{"name": name, "value": value} for name, value in self.settings.items()]), ""
                )
            case ("config", "appsettings", "set"):
                self.settings |= json.loads(Path(arguments[-1].removeprefix("@")).read_text())
            case ("config", "appsettings", "delete"):
                for name in arguments[arguments.index("--setting-names") + 1 :]:
                    del self.settings[name]
            case _:
                return AzAnswer(1, "", f"az knows no {arguments}")
        return AzAnswer(0, "", "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with open_world(tmp_path_factory.mktemp("bundles")) as opened:
        await opened.connector.start()
        yield opened


async def typed(world: World, *words: str) -> tuple[int, str]:
    ended = await run(words, {**SYSTEM, **world.connector.settings, "LOG_LEVEL": "ERROR"})
    return ended.code, ended.output + ended.complaint


async def live(world: World) -> str:
    return (await world.connector.call("GET", "/api/mapping")).text


async def test_a_bundle_is_exported_reviewed_imported_and_rolled_back(world: World, tmp_path: Path) -> None:
    bundle = str(tmp_path / "bundle")
    before = await live(world)
    code, told = await typed(world, "bundle", "export", bundle)
    assert code == 0, told
    assert await typed(world, "bundle", "diff", bundle) == (0, "Nothing differs.\n")
    mapping = tmp_path / "bundle" / "mapping.yaml"
    mapping.write_text(mapping.read_text().replace(_JOB_TITLE, ""))
    (tmp_path / "bundle" / "settings.yaml").write_text("RECONCILE: 'false'\n")

    code, shown = await typed(world, "bundle", "diff", bundle)
    assert code == 1
    assert "-  - spotler: jobTitle" in shown
    assert "+RECONCILE: 'false'" in shown

    code, told = await typed(world, "bundle", "import", bundle, "--yes", "--by", "partner", "--comment", "from test")
    assert code == 0, told
    assert "a rollback to version 1 goes back" in told
    assert "RECONCILE=false" in told
    assert await live(world) == mapping.read_text()
    history = (await world.connector.call("GET", "/api/mapping/history")).json()["versions"]
    assert (history[0]["by"], history[0]["comment"]) == ("partner", "from test")

    assert (await typed(world, "mapping", "rollback", "1"))[0] == 0
    assert await live(world) == before


async def test_a_mapping_that_does_not_fit_the_target_changes_nothing(world: World, tmp_path: Path) -> None:
    await typed(world, "bundle", "export", str(tmp_path))
    before = await live(world)
    (tmp_path / "mapping.yaml").write_text(before.replace("contact: jobtitle", "contact: no_such_column"))

    code, told = await typed(world, "bundle", "import", str(tmp_path), "--yes")

    assert code == 1
    assert "no_such_column" in told
    assert await live(world) == before


async def test_a_deployed_app_takes_a_bundle_over_its_own_routes(world: World, tmp_path: Path) -> None:
    where = world.addresses.as_environment()
    az = AppSettings(world.connector.master, {"DATAVERSE_URL": where["DATAVERSE_URL"], "RECONCILE_DAYS": "30"})
    credential = ClientSecret(where["DATAVERSE_TENANT_ID"], PEOPLE_CLIENT, PEOPLE_SECRET)
    target = DeployedApp(
        Azure(az, say=lambda _text: None), "a-group", "func-1", world.connector.url,
        credential=credential, authority=where["DATAVERSE_AUTHORITY"],
    )  # fmt: skip
    current = await target.bundle()
    assert current.settings == {"RECONCILE_DAYS": "30"}
    folder.write(current, tmp_path)
    (tmp_path / "mapping.yaml").write_text(current.mapping.replace(_JOB_TITLE, ""))
    (tmp_path / "settings.yaml").write_text("ON_DELETE: blank\n")
    (tmp_path / "defaults.yaml").write_text(_DEFAULTS)
    said: list[str] = []

    ended = await promote(folder.read(tmp_path), current, target, MappingChange(by="partner"), said.append)

    assert ended is Promotion.DONE, said
    assert az.settings == {"DATAVERSE_URL": where["DATAVERSE_URL"], "ON_DELETE": "blank"}
    after = await target.bundle()
    assert (after.mapping, after.defaults) == (await live(world), {"spotlerpermissionsenabledbydefault": "[All]"})
    assert "jobTitle" not in after.mapping
    assert after.history[0].by == "partner"


async def test_a_bundle_that_was_compared_with_a_version_that_is_not_live_any_more_is_refused(
    world: World, tmp_path: Path
) -> None:
    az = AppSettings(world.connector.master)
    target = DeployedApp(Azure(az, say=lambda _text: None), "a-group", "func-1", world.connector.url)

    with pytest.raises(ConfigurationError, match=r"412.*version"):
        await target.apply_mapping(await live(world), MappingChange(by="partner", base=99))
