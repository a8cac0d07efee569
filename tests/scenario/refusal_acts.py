"""What people do whose refusals must hold, on both sides, and where the outcome shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import yaml

from shared.adapters.dataverse.records.tables import PERMISSIONS
from shared.adapters.spotler.rest.oauth import OneLeggedOAuth1
from shared.composition.connections import SystemClock
from shared.domain.records.records import PersonTable, SyncStatus
from tests.programs.times import LONGEST_WAIT
from tests.scenario.two_way import mapping_text, permission_rows, poll, stored
from tests.scenario.world import Person, World, permissions

NONE: set[str] = set()
STAYS_OUT = (SyncStatus.OPT_OUT, "opted-out")
Withdraw = Callable[[World, Person], Awaitable[dict[str, Any]]]
"""Withdraws the newsletter of a contact, or returns the columns of its record that do when they are saved."""

AN_ACT_LATER = 11.0
"""Seconds after its creation at which a change of a row is an act of somebody, and no part of an import."""


async def erase(world: World, external_id: str) -> None:
    """Erase a contact in Spotler itself: `PUT /contact/anonymize`, of which the connector hears nothing."""
    settings = world.connector.settings
    auth = OneLeggedOAuth1(settings["SPOTLER_KEY"], settings["SPOTLER_SECRET"], clock=SystemClock())
    url = f"{settings['SPOTLER_URL'].rstrip('/')}/contact/anonymize/{external_id}"
    async with httpx.AsyncClient(auth=auth, timeout=LONGEST_WAIT) as http:
        answer = await http.put(url, headers={"Accept": "application/json"})
    assert answer.is_success or answer.status_code == httpx.codes.GONE, answer.text


async def erase_contact_of(world: World, person: Person) -> dict[str, Any]:
    """Erase the contact of a record in Spotler itself, and return what it was."""
    contact = await world.in_spotler(person)
    await erase(world, contact["externalId"])
    assert await world.spotler.contact(person.email) is None
    return contact


async def opt_out(world: World, who: Person | str) -> None:
    """Unsubscribe from everything, as the link in a mailing does."""
    await world.spotler.post(f"contact/opt-out?email={who if isinstance(who, str) else who.email}")


async def opted_out(world: World, *names: str) -> Person:
    """Save somebody with permissions who then opts out in Spotler, and let the poll see it."""
    person = await subscribed(world, *names)
    await opt_out(world, person)
    await poll(world)
    await world.status(person, *STAYS_OUT)
    return person


async def subscribed(world: World, *names: str, **columns: Any) -> Person:
    """Save somebody with permissions, and let both sides agree on them."""
    person = await world.save(**columns)
    for name in names:
        await world.permit(person, name)
    await world.settled()
    await poll(world)
    await given(world, person, *names)
    return person


async def entered_again(world: World, person: Person, table: PersonTable = PersonTable.CONTACT) -> Person:
    """Save the same person as a new record that says yes, as an import or a colleague does."""
    again = await world.save(table, emailaddress1=person.email)
    await world.permit(again, "Newsletter")
    await world.settled()
    return again


async def sign_up(world: World, email: str, *bits: int) -> None:
    """Complete a sign-up form of Spotler that subscribes to permissions (by bit)."""
    options = [{"bit": bit, "enabled": True} for bit in bits]
    await world.spotler.post("form", {"properties": {"email": email, **({"permissions": options} if bits else {})}})


async def resync(world: World, person: Person) -> None:
    """Ask for one record by id, as an administrator does, and wait until it is done."""
    answer = await world.connector.call("POST", "/api/resync", {"table": person.table, "id": person.id})
    assert answer.is_success, answer.text
    await world.settled()


async def given(world: World, who: Person | str, *names: str) -> dict[str, Any]:
    """Wait until exactly these permissions are on in Spotler, and return the contact."""
    return await world.in_spotler(who, lambda contact: permissions(contact) == set(names))


async def stays_out(world: World, person: Person) -> None:
    """The record says Opt-out and Do Not Allow, and its Spotler contact, if there is one, cannot be mailed."""
    status = await world.status(person, *STAYS_OUT)
    assert "opted out in Spotler" in status.text
    assert await stored(world, person, "donotbulkemail") is True
    contact = await world.spotler.contact(person.email)
    assert contact is None or contact["inactivity"] is not None


async def is_back(world: World, person: Person, *names: str) -> None:
    """The record says Succeeded and Allow, and its Spotler contact can be mailed and has these permissions."""
    await world.status(person, SyncStatus.SUCCEEDED)
    contact = await given(world, person, *names)
    assert contact["inactivity"] is None
    assert contact["externalId"]
    assert await stored(world, person, "donotbulkemail") is False
    assert {name for name, on in (await permission_rows(world, person)).items() if on} == set(names)


async def addresses(world: World, email: str) -> int:
    """Count the Spotler contacts that have an address."""
    return len([one for one in await world.spotler.contacts() if one["properties"].get("email") == email])


@asynccontextmanager
async def mapping_of(world: World, text: str) -> AsyncIterator[None]:
    """Run the connector with a mapping, accepting what its check warns of; with the one from before afterwards."""
    before = (await world.connector.call("GET", "/api/mapping?format=yaml", key=world.connector.master)).content
    await _apply(world, text.encode())
    yield
    await world.settled()
    await _apply(world, before)


async def _apply(world: World, text: bytes) -> None:
    findings = (await world.connector.call("POST", "/api/mapping/check", text, key=world.connector.master)).json()
    warned = ",".join(sorted({one["code"] for one in findings["findings"] if one["severity"] == "warning"}))
    path = f"/api/mapping?by=test{f'&accept={warned}' if warned else ''}"
    answer = await world.connector.call("PUT", path, text, key=world.connector.master)
    assert answer.status_code == 200, answer.text
    await world.connector.restart()


def without_permissions() -> str:
    """Return the default mapping without its row of permissions."""
    document: Mapping[str, Any] = yaml.safe_load(mapping_text())
    return yaml.safe_dump({**document, "rows": [row for row in document["rows"] if row["spotler"] != "permissions"]})


async def merge_unheard(world: World, survivor: Person, subordinate: Person, **taken_over: Any) -> None:
    """Merge two contacts; the connector hears nothing of it, so that a test says which one it looks at first."""

    def reference(person: Person) -> dict[str, str]:
        return {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": person.id}

    body = {
        "Target": reference(survivor),
        "Subordinate": reference(subordinate),
        "UpdateContent": {**reference(survivor), **taken_over},
        "PerformParentingChecks": False,
    }
    unheard = {"MSCRM.BypassBusinessLogicExecution": "CustomAsync"}
    answer = await world.dynamics._http.post("Merge", json=body, headers=unheard)  # as `slip` does
    answer.raise_for_status()


# -------------------------------------------------------------------------------------------------- ways to withdraw


async def _row(world: World, person: Person) -> str:
    query = f"$select=dh_spotlerpermissionid&$filter=_dh_customerid_value eq {person.id} and dh_name eq 'Newsletter'"
    (row,) = (await world.dynamics.read(f"{PERMISSIONS}?{query}"))["value"]
    return str(row["dh_spotlerpermissionid"])


async def by_bulk_email(_world: World, _person: Person) -> dict[str, Any]:
    return {"donotbulkemail": True}


async def by_a_row_that_says_no(world: World, person: Person) -> dict[str, Any]:
    await world.dynamics.change(PERMISSIONS, await _row(world, person), {"dh_subscribed": False})
    return {}


async def by_a_deleted_row(world: World, person: Person) -> dict[str, Any]:
    await world.dynamics.delete(PERMISSIONS, await _row(world, person))
    return {}


WAYS = [by_bulk_email, by_a_row_that_says_no, by_a_deleted_row]
