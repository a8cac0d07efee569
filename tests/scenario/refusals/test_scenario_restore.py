"""After a restore from an older backup nobody is mailed who refused since then, though the evidence is erased."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from tests.programs.processes import run
from tests.scenario.connector_process import SYSTEM
from tests.scenario.refusal_acts import NONE, given, subscribed
from tests.scenario.two_way import open_both_ways
from tests.scenario.world import World

LIVE = {"mode": "live", "environment": "default"}


async def command(world: World, *words: str) -> str:
    """Run `python -m shared state …` with the connector's settings; return what it says."""
    ended = await run(("state", *words), {**SYSTEM, **world.connector.settings})
    assert ended.code == 0, ended
    return ended.output


async def test_a_refusal_since_the_backup_holds_though_record_and_contact_are_gone(tmp_path: Path) -> None:
    backup = str(tmp_path / "backup.jsonl")
    async with open_both_ways(tmp_path, rows=()) as world:
        person = await subscribed(world, "Newsletter")
        await command(world, "export", backup)
        await world.change(person, donotbulkemail=True)
        await world.settled()
        await world.delete(person)
        await world.settled()
        assert await world.spotler.contact(person.email) is None

        await world.connector.stop()
        await world.store.close()
        for file in world.folder.glob("state.db*"):
            file.unlink()
        await command(world, "import", backup)
        await world.connector.start()
        refused = await world.connector.call("POST", "/api/mode", LIVE, key=world.connector.master)
        assert (refused.status_code, "state recover" in refused.text) == (HTTPStatus.CONFLICT, True)
        assert "1 without a contact" in await command(world, "recover")
        await world.connector.restart()
        answer = await world.connector.call("POST", "/api/mode", LIVE, key=world.connector.master)
        assert answer.is_success, answer.text
        await world.settled()

        again = await world.save(emailaddress1=person.email)
        await world.permit(again, "Newsletter")
        await world.settled()

        await given(world, again, *NONE)
