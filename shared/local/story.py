"""The story that `make run` tells: one person's life in Dynamics, and what Spotler holds after each step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from shared import app
from shared.local.host.host import FunctionsHost
from shared.local.sandbox.command import Addresses
from shared.local.users import PATIENCE, DynamicsUser, SpotlerUser
from shared.ports import QueueName

_EMAIL = "noor.devries@example.nl"
_JOB_DONE = {2, 480000001}
_SYNC_CONTACT = 480000006


@dataclass(slots=True)
class Story:
    """Tells and measures."""

    dynamics: DynamicsUser
    spotler: SpotlerUser
    host: FunctionsHost
    latencies: list[float] = field(default_factory=list)

    async def tell(self) -> None:
        """Play the whole story; TimeoutError if a step does not show."""
        print("\nA sales person works in Dynamics, a marketer looks at Spotler.\n")
        person = await self._created()
        await self._changed(person)
        await self._chose(person)
        await self._opted_out(person)
        await self._asked_by_a_job(person)
        await self._deleted(person)
        await self._everybody()

    async def _created(self) -> str:
        begin = time.perf_counter()
        person = await self.dynamics.create(
            "contacts",
            {
                "firstname": "Noor",
                "middlename": "de",
                "lastname": "Vries",
                "emailaddress1": _EMAIL,
                "gendercode": 2,
                "birthdate": "1988-04-27",
                "mobilephone": "06 18596225",
                "address1_postalcode": "3511ab",
                "address1_city": "Utrecht",
            },
        )
        for name in ("Newsletter", "Offers"):
            await self.dynamics.create(
                "dh_spotlerpermissions",
                {
                    "dh_name": name,
                    "dh_subscribed": name == "Newsletter",
                    "dh_CustomerId_contact@odata.bind": f"/contacts({person})",
                },
            )
        await self.spotler.wait_for(_EMAIL, lambda contact: _permission(contact, "Newsletter") is True)
        self._show("Noor de Vries is saved as a contact, subscribed to the newsletter", begin)
        contact = await self.spotler.contact(_EMAIL)
        properties = contact["properties"] if contact else {}
        shown = ("firstName", "infix", "lastName", "gender", "birthday", "mobileNumber", "postalCode", "city")
        print(f"           Spotler: {', '.join(f'{name} {properties[name]}' for name in shown if name in properties)}")
        return person

    async def _changed(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.change("contacts", person, {"address1_city": "Gouda", "jobtitle": "Directeur"})
        await self.spotler.wait_for(_EMAIL, lambda contact: _property(contact, "city") == "Gouda")
        self._show("She moves to Gouda", begin)

    async def _chose(self, person: str) -> None:
        """She ticks other boxes on her profile page in Spotler; a poll brings that home."""
        contact = await self.spotler.contact(_EMAIL)
        bits = {option["description"]: option["bit"] for option in _property(contact, "permissions")}
        ticks = [{"bit": bits["Newsletter"], "enabled": False}, {"bit": bits["Offers"], "enabled": True}]
        await self.spotler.post(f"contact/edit?email={_EMAIL}", {"properties": {"permissions": ticks}})
        begin = time.perf_counter()
        async with httpx.AsyncClient(base_url=self.host.url, timeout=30) as http:
            answer = await http.post("/api/poll", json={}, headers={"x-functions-key": self.host.keys.default})
            answer.raise_for_status()
        rows = await self.dynamics.read(f"dh_spotlerpermissions?$filter=_dh_customerid_value eq {person}")
        said = {row["dh_name"]: "yes" if row["dh_subscribed"] else "no" for row in rows["value"]}
        self._show("In Spotler she gives up the newsletter and asks for offers; a poll brings that home", begin)
        told = ", ".join(f"{name} {word}" for name, word in sorted(said.items()))
        print(f"           Her permissions in Dynamics: {told}")

    async def _opted_out(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.change("contacts", person, {"donotbulkemail": True})
        await self.spotler.wait_for(_EMAIL, lambda contact: _permission(contact, "Offers") is False)
        self._show("She wants no bulk mail any more: every permission is off in Spotler", begin)

    async def _asked_by_a_job(self, person: str) -> None:
        begin = time.perf_counter()
        job = await self.dynamics.create(
            "dh_spotlerjobs",
            {
                "dh_name": "Sync Noor",
                "dh_operation": _SYNC_CONTACT,
                "dh_CustomerId_contact@odata.bind": f"/contacts({person})",
            },
        )
        row = await self._until_done(job)
        self._show("A flow creates a Spotler Job, Sync Contact", begin)
        print(f"           Job: result code {row['dh_resultcode']}, {row['dh_resulttext']!r}")
        info = await self.dynamics.read(f"contacts({person})?$select=contactid&$expand=dh_SpotlerInfo")
        status = info["dh_SpotlerInfo"]
        label = status.get("statuscode@OData.Community.Display.V1.FormattedValue", status["statuscode"])
        print(f"           Her Spotler Status in Dynamics: {label}, {status['dh_reason']!r}")

    async def _until_done(self, job: str) -> Mapping[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                row = await self.dynamics.read(f"dh_spotlerjobs({job})")
                if row["statuscode"] in _JOB_DONE:
                    return row
                await asyncio.sleep(0.01)

    async def _deleted(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.delete("contacts", person)
        await self.spotler.wait_for(_EMAIL, lambda contact: contact is None)
        self._show("Her record is deleted: Spotler has forgotten her", begin)

    async def _everybody(self) -> None:
        """The initial synchronisation of all who were there already, by one HTTP call per table."""
        begin = time.perf_counter()
        before = await self.dynamics.counters(), await self.spotler.requests()
        async with httpx.AsyncClient(base_url=self.host.url, timeout=30) as http:
            for table in ("account", "contact", "lead"):
                answer = await http.post(
                    "/api/resync", json={"table": table}, headers={"x-functions-key": self.host.keys.default}
                )
                if answer.status_code != HTTPStatus.CONFLICT:  # a table that is not in SYNC_TABLES
                    answer.raise_for_status()
        await self._quiet()
        after = await self.dynamics.counters(), await self.spotler.requests()
        crm = after[0].get("client connector", 0) - before[0].get("client connector", 0)
        platform = sum(after[1].values()) - sum(before[1].values())
        count = len(await self.spotler.contacts())
        seconds = time.perf_counter() - begin
        print(
            f"\n{seconds * 1000:6.0f} ms  Everybody who was in Dynamics already: {count} contacts in Spotler, "
            f"with {crm} requests to Dataverse and {platform} to Spotler"
        )
        await self._unfit()

    async def _unfit(self) -> None:
        query = "dh_spotlerinfos?$select=dh_reasoncode&$filter=statuscode eq 480000001"
        reasons: dict[str, int] = {}
        for row in (await self.dynamics.read(query))["value"]:
            reasons[row["dh_reasoncode"]] = reasons.get(row["dh_reasoncode"], 0) + 1
        told = ", ".join(f"{count} with {reason}" for reason, count in sorted(reasons.items()))
        print(f"           Not passed on, and marked so in Dynamics: {told or 'nobody'}")

    async def _quiet(self) -> None:
        """Wait until nothing is under way, without asking either side anything."""
        queue = (await app.connector()).queue
        async with asyncio.timeout(PATIENCE):
            while sum([(await queue.depth(name)).active for name in QueueName]):  # noqa: ASYNC110  # fed by other processes, too
                await asyncio.sleep(0.02)  # other processes write to the queue, too

    def _show(self, text: str, begin: float) -> None:
        seconds = time.perf_counter() - begin
        self.latencies.append(seconds)
        print(f"{seconds * 1000:6.0f} ms  {text}")


async def tell(addresses: Addresses, host: FunctionsHost) -> None:
    """Tell the story against a sandbox and sum it up."""
    async with DynamicsUser(addresses) as dynamics, SpotlerUser(addresses) as spotler:
        story = Story(dynamics, spotler, host)
        await story.tell()
        slowest = max(story.latencies) * 1000
        print(f"\nDone: {len(story.latencies)} changes arrived, the slowest after {slowest:.0f} ms.")


def _property(contact: Mapping[str, Any] | None, name: str) -> Any:
    return contact["properties"].get(name) if contact else None


def _permission(contact: Mapping[str, Any] | None, name: str) -> bool | None:
    for option in _property(contact, "permissions") or ():
        if option["description"] == name:
            return bool(option["enabled"])
    return None
