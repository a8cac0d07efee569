"""Shadow and allow-list in a browser: the console shows what would be written; going live needs the name."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from shared.domain.records.jobs import Operation
from shared.domain.records.records import SyncStatus
from tests.console.visitors.usable import assert_usable
from tests.console.visitors.visitor import Windows
from tests.scenario.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.visits("checks")
@pytest.mark.presses("checks/round-trip")
async def test_a_marked_record_is_written_in_dynamics_and_read_in_spotler(windows: Windows, trial: World) -> None:
    async with windows.visitor(trial) as administrator:
        await administrator.open("/checks")
        rows = administrator.page.locator("section[aria-labelledby=h-trip] tbody tr")
        before = await rows.count()  # a timer may have measured it, too
        await administrator.press("Measure now")

        assert "The mark has arrived after" in await administrator.text()
        assert await rows.count() > before
        assert "0 took longer than a minute." in await administrator.text()
        await administrator.open("")
        assert "written in Dynamics, read in Spotler" in await administrator.text()


@pytest.mark.visits("mode")
@pytest.mark.presses("mode/shadow", "mode/plan", "mode/live")
async def test_a_trial_writes_nothing_until_somebody_goes_live(windows: Windows, trial: World) -> None:
    async with windows.visitor(trial) as administrator:
        await administrator.open("/mode")
        await administrator.press("Stop writing: shadow")
        writes = await _writes(trial)
        person = await trial.save()
        job = await trial.ask(Operation.SYNC_CONTACT, person)
        await trial.delivered()
        await administrator.until("/mode", lambda text: "1 record was planned, 1 would be written" in text)
        await administrator.open("/mode")
        text = await administrator.text()
        assert "Created in Spotler." in text
        await assert_usable(administrator)
        assert await trial.spotler.contact(person.email) is None
        assert await trial.status_now(person) is None
        assert await _writes(trial) == writes
        await administrator.open("/runs")
        assert "Shadow: nothing is written on either side" in await administrator.page.locator(".strip").inner_text()
        assert (await trial.connector.call("POST", "/api/poll", {})).status_code == HTTPStatus.CONFLICT

        await administrator.open("/mode")
        await administrator.press("Plan everybody")
        assert "Everybody is being planned" in await administrator.text()
        await administrator.until("/mode", lambda text: "1 record was planned" not in text)
        await administrator.open("/mode")
        assert await _writes(trial) == writes
        await administrator.page.get_by_label("Type the name").fill("production")
        await administrator.press("Go live")
        assert "Nothing was changed" in await administrator.heading()
        await administrator.open("/mode")
        await administrator.page.get_by_label("Type the name").fill("default")
        await administrator.press("Go live")
        assert "Live. Every record is compared" in await administrator.text()
        await trial.in_spotler(person)
        assert job
        await administrator.until("/checks", lambda text: "No night was counted yet" not in text)
        await administrator.open("/checks")
        assert await administrator.page.get_by_role("img", name="Rate of differences in the last 1 nights").count() == 1
        await assert_usable(administrator)


@pytest.mark.visits("forecast/*")
@pytest.mark.presses("mode/allow-list", "forecast/*/begin")
async def test_with_an_allow_list_only_chosen_people_are_written_and_going_live_is_counted_first(
    windows: Windows, trial: World
) -> None:
    async with windows.visitor(trial) as administrator:
        ann, bob = await trial.save(), await trial.save()
        await trial.in_spotler(ann)
        await trial.in_spotler(bob)
        await administrator.open("/mode")
        await administrator.page.get_by_label("Addresses, or domains").fill("nonsense")
        await administrator.press("Write only these")
        assert "Nothing was changed" in await administrator.heading()
        await administrator.open("/mode")
        await administrator.page.get_by_label("Addresses, or domains").fill(ann.email)
        await administrator.press("Write only these")
        assert "Only these addresses are written" in await administrator.text()
        assert (
            "only these are written in Spotler: 1 address." in await administrator.page.locator(".strip").inner_text()
        )
        await assert_usable(administrator)

        await trial.permit(bob, "Newsletter", subscribed=False)
        await trial.change(ann, jobtitle="Captain")
        await trial.in_spotler(ann, lambda contact: contact["properties"].get("jobTitle") == "Captain")
        await trial.status(bob, SyncStatus.SUCCEEDED, "not-on-allow-list")
        assert _permissions(await trial.spotler.contact(bob.email)) == _permissions(await trial.in_spotler(ann))
        await administrator.open(f"/person/contact/{bob.id}")
        assert "allow-list does not have this person's address" in await administrator.text()

        await administrator.open("/mode")
        assert "Plan everybody first" in await administrator.text()
        live, master = {"mode": "live", "environment": "default"}, trial.connector.master
        refused = await trial.connector.call("POST", "/api/mode", live, key=master)
        assert refused.status_code == HTTPStatus.CONFLICT
        await administrator.press("Plan everybody")
        await administrator.page.locator("#forecast", has_text="Completed").wait_for()
        await administrator.open("/mode")
        assert "What going live will do" in await administrator.text()
        assert (await trial.connector.call("GET", "/api/forecasts/live")).json()["differing"] >= 1
        await administrator.page.get_by_label("Type the name").fill("default")
        await administrator.press("Go live")
        await trial.in_spotler(bob, lambda contact: not any(_permissions(contact)))
        assert (await trial.connector.call("GET", "/api/mode")).json()["mode"] == "live"


def _permissions(contact: Any) -> list[bool]:
    return [option["enabled"] for option in contact["properties"]["permissions"]]


async def _writes(world: World) -> dict[str, int]:
    """Requests to Spotler that write."""
    reads = ("GET", "list", "get", "read", "updated", "bounces", "token", "properties")
    return {
        name: count for name, count in (await world.spotler.requests()).items() if not any(one in name for one in reads)
    }
