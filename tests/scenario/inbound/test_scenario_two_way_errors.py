"""What goes wrong on the way home: each with the status and the reason that a user sees, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.domain.records.records import PersonTable, SyncStatus
from tests.examples import thinned
from tests.scenario.privacy import MARK
from tests.scenario.two_way import BOTH, ROWS, edit, nothing_more, open_both_ways, poll, stored
from tests.scenario.world import Person, World, eventually, permissions

pytestmark = pytest.mark.asyncio(loop_scope="module")

NICKNAME = "profileField1"
LAST_NAME = {"spotler": "lastName", "contact": "lastname", "lead": "lastname", "direction": BOTH}
EMAIL = {"spotler": "email", **dict.fromkeys(PersonTable, "emailaddress1"), "direction": BOTH}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Duplicate detection applies, claims end soon, and the night of the reconciliation never comes by itself."""
    options = {"DUPLICATE_DETECTION": "true", "CLAIM_SECONDS": "2", "LOCAL_LOCK_SECONDS": "3"}
    folder, rules = tmp_path_factory.mktemp("errors"), {"contact": [["new_nickname"]]}
    async with open_both_ways(folder, rows=(*ROWS, LAST_NAME, EMAIL), duplicate_rules=rules, **options) as opened:
        for _ in range(2):
            await opened.dynamics.bring_in("contacts", {"firstname": "Dubbel", "lastname": MARK})
        yield opened


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"lastName": ""}, "Spotler's lastName: lastname expects a value: the column is required"),
        ({NICKNAME: MARK * 6}, "Spotler's profileField1: new_nickname expects at most 40 characters"),
        ({"colour": f"{MARK} blauw"}, "Spotler's colour: new_colour expects the label of an option"),
        ({"vip": f"{MARK} misschien"}, "Spotler's vip: new_vip expects true, ja or 1, or false, nee or 0"),
        ({"guide": f"Dubbel {MARK}"}, "Spotler's guide: new_guide expects a name that exactly one row has"),
        ({"guide": f"Niemand {MARK}"}, "Spotler's guide: new_guide expects a name that exactly one row has"),
    ],
)
async def test_a_value_that_does_not_fit_is_left_out_and_told_and_the_others_come_home(
    both: World, written: dict[str, Any], told: str
) -> None:
    person = await both.synchronised()
    await edit(both, person, story=f"{MARK} verhaal", **written)

    await poll(both)

    assert await stored(both, person, "new_story") == f"{MARK} verhaal"
    assert await stored(both, person, "lastname") == f"Achter{MARK}"
    status = await both.status_now(person)
    assert status is not None
    assert status.status is SyncStatus.SUCCEEDED
    assert f"Left out: {told}." in status.text
    assert MARK not in status.text
    await nothing_more(both)

    await edit(both, person, **{**dict.fromkeys(written, ""), "lastName": f"Nieuw{MARK}"})
    await poll(both)

    assert await stored(both, person, "lastname") == f"Nieuw{MARK}"
    assert "Left out" not in (await both.status_now(person)).text


async def test_an_address_that_comes_home_is_that_of_the_same_contact(both: World) -> None:
    person = await both.synchronised()
    address = both.address()
    before = await both.in_spotler(person)
    await edit(both, person, email=address)

    await poll(both)

    assert await stored(both, person, "emailaddress1") == address
    await nothing_more(both)
    await both.change(person, jobtitle=f"{MARK}baas")
    after = await both.in_spotler(address, lambda contact: contact["properties"]["jobTitle"] == f"{MARK}baas")
    assert after["encryptedId"] == before["encryptedId"]


async def test_a_duplicate_that_dataverse_detects_is_refused_with_the_cure(both: World) -> None:
    first = await both.synchronised(new_nickname=f"{MARK}je")
    second = await both.synchronised()
    await edit(both, second, **{NICKNAME: f"{MARK}je"})

    await poll(both)

    status = await both.status(second, SyncStatus.FAILED, "refused-by-dataverse")
    assert "Dataverse refused what had changed in Spotler" in status.text
    assert await stored(both, second, "new_nickname") is None
    await nothing_more(both)

    await both.change(first, new_nickname=f"{MARK}tje")
    await edit(both, second, **{NICKNAME: f"{MARK}je"})
    await poll(both)

    assert await stored(both, second, "new_nickname") == f"{MARK}je"
    await both.status(second, SyncStatus.SUCCEEDED)


async def test_a_record_that_somebody_saves_at_the_same_moment_keeps_that_and_gets_the_rest(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, story=f"{MARK} verhaal")
    slow = {"min_latency": 0.2, "max_latency": 0.2}
    await both.dynamics.cause("faults", slow)

    polling = asyncio.create_task(both.connector.call("POST", "/api/poll", {}))
    await asyncio.gather(*(both.slip(person, jobtitle=f"{MARK} {number}") for number in range(4)))
    await polling
    await both.dynamics.cause("faults", {})
    await both.settled()

    assert await stored(both, person, "new_story") == f"{MARK} verhaal"
    assert await stored(both, person, "jobtitle") in {f"{MARK} {number}" for number in range(4)}
    await nothing_more(both)


async def test_dataverse_down_during_the_poll_makes_the_way_home_wait_and_nothing_is_lost(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, story=f"{MARK} verhaal")
    await both.dynamics.cause(
        "faults", {"rules": [{"kind": "unavailable", "retry_after": 1, "match": "batch|contacts"}]}
    )

    await both.connector.call("POST", "/api/poll", {})
    assert await stored_after_recovery(both, person, "new_story") == f"{MARK} verhaal"
    await nothing_more(both)


async def stored_after_recovery(world: World, person: Person, column: str) -> Any:
    """Let Dataverse answer again, and wait until what was postponed has been done."""
    await world.dynamics.cause("faults", {})
    await world.settled()
    return await stored(world, person, column)


async def test_spotler_down_during_the_poll_is_said_and_the_next_poll_finds_everything(both: World) -> None:
    person = await both.synchronised()
    await edit(both, person, story=f"{MARK} verhaal")
    await both.spotler.post("faults", {"kind": "unavailable", "operation": "contact.updates", "times": 50})

    answer = await both.connector.call("POST", "/api/poll", {})

    assert answer.status_code == 503
    assert answer.json()["error"]
    assert await stored(both, person, "new_story") is None
    await both.spotler.recover()
    await poll(both)
    assert await stored(both, person, "new_story") == f"{MARK} verhaal"
    await nothing_more(both)


@pytest.mark.parametrize("moment", thinned([r"POST \$batch", r"GET contacts"]))
async def test_a_poll_that_is_killed_is_repeated_and_nothing_is_lost_or_done_twice(both: World, moment: str) -> None:
    person = await both.synchronised()
    await both.permit(person, "Newsletter")
    await both.in_spotler(person, lambda contact: permissions(contact) == {"Newsletter"})
    await both.settled()
    await asyncio.sleep(1)  # Dataverse tells whole seconds, and the dead worker leaves it open who moved
    await edit(both, person, story=f"{MARK} verhaal", permissions=[{"bit": 1, "enabled": False}])
    await both.dynamics.cause("faults", {"rules": [{"kind": "timeout_after", "match": moment, "times": 1}]})

    polling = asyncio.create_task(both.connector.call("POST", "/api/poll", {}))
    await asyncio.sleep(0.3)  # somewhere in the middle
    await both.connector.kill()
    await asyncio.gather(polling, return_exceptions=True)
    await both.dynamics.cause("faults", {})
    await both.connector.start()
    await asyncio.sleep(2)  # the claim of the dead worker ends
    await poll(both)

    assert await stored(both, person, "new_story") == f"{MARK} verhaal"
    assert permissions(await both.in_spotler(person)) == set()
    assert await both.claims() == []
    await nothing_more(both)


# ---------------------------------------------------------------------------------------------------------- at night


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def night(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world in which a test makes it night."""
    rows = ({"spotler": "organisation", "contact": "parentcustomerid(account).name"},)
    folder = tmp_path_factory.mktemp("night")
    async with open_both_ways(folder, rows=rows) as opened:
        yield opened


async def test_c_05_the_nightly_comparison_finds_changes_without_a_message_also_of_a_related_row(night: World) -> None:
    account = await night.dynamics.create("accounts", {"name": f"{MARK} oud"})
    bind = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    person, missed, gone = [await night.synchronised(**bind) for _ in range(3)]
    await night.settled()

    await night.dynamics.change("accounts", account, {"name": f"{MARK} nieuw"})
    await night.slip(missed, address1_city=f"{MARK}oord")
    await night.dynamics.slip_away("contacts", gone.id)

    await night.connector.restart(RECONCILE_SCHEDULE="*/4 * * * * *")
    await night.in_spotler(person, lambda contact: contact["properties"]["organisation"] == f"{MARK} nieuw")
    await night.in_spotler(missed, lambda contact: contact["properties"]["city"] == f"{MARK}oord")
    await night.forgotten(gone)

    async def told() -> dict[str, Any] | None:
        health = (await night.connector.call("GET", "/api/health")).json()["reconciliation"]
        contacts: dict[str, Any] = health.get("contact", {})
        return contacts if contacts.get("finished") else None

    contacts = await eventually(told, "a night in health")
    assert set(contacts) == {"begun", "finished", "lookedAt", "differed", "missing", "gone", "held"}
    assert contacts["lookedAt"] == 2
