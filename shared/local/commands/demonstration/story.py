"""The demonstration of `make run`: changes of one person in Dynamics, and the contact in Spotler after each step.

A sentence is printed once both sides confirm it. A sentence that is not confirmed in time ends the demonstration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from shared.composition import app
from shared.local.functions_host.host import FunctionsHost
from shared.local.sandbox.addresses import CONNECTOR_CLIENT, SERVICE_ROLE, Addresses
from shared.local.sandbox.installing import Installation
from shared.local.sandbox.users import DynamicsUser, SpotlerUser
from shared.ports.queue import QueueName

TIME_LIMIT = 120.0
"""Seconds until a sentence counts as untrue; generous, because the machine may be busy."""

_INTERVAL = 0.02
_EMAIL = "noor.devries@example.nl"
_JOB_DONE = {2, 480000001}
_FIRST = {
    "firstName": "Noor",
    "infix": "de",
    "lastName": "Vries",
    "gender": "F",
    "birthday": "1988-04-27",
    "mobileNumber": "0618596225",
    "postalCode": "3511 AB",
    "city": "Utrecht",
}
"""The contact in Spotler after the first save."""

_SUCCEEDED, _UNFIT = 480000000, 480000001
"""Status reasons of Spotler Info."""

_TABLES = {"accounts": "account", "contacts": "contact", "leads": "lead"}
_SYNC_CONTACT = 480000006


Seen = TypeVar("Seen")


class UntrueError(Exception):
    """A sentence of the story is not true."""


@dataclass(slots=True)
class Story:
    """Runs the steps, prints them and measures their time."""

    dynamics: DynamicsUser
    spotler: SpotlerUser
    host: FunctionsHost
    time_limit: float = TIME_LIMIT
    latencies: list[float] = field(default_factory=list)

    async def play(self, installation: Installation) -> None:
        """Run all steps; UntrueError if a step is not confirmed."""
        await self._installed(installation)
        print("\nA sales person works in Dynamics, a marketer looks at Spotler.\n")
        person = await self._created()
        await self._changed(person)
        await self._chose(person)
        await self._opted_out(person)
        await self._asked_by_a_job(person)
        await self._deleted(person)
        await self._everybody()

    async def _installed(self, installation: Installation) -> None:
        """Read the tables and the user of the connector, and the roles of this user."""
        sentence = f"The connector is installed in Dynamics, and works under the role {SERVICE_ROLE} alone"
        user = await self.dynamics.read(
            f"systemusers?$select=systemuserid&$filter=applicationid eq {CONNECTOR_CLIENT}"
            "&$expand=systemuserroles_association($select=name)"
        )
        roles = [role["name"] for row in user["value"] for role in row["systemuserroles_association"]]
        columns = await self.dynamics.read("EntityDefinitions(LogicalName='dh_spotlerjob')/Attributes")
        self._must(sentence, installation.writes > 0 and roles == [SERVICE_ROLE] and bool(columns["value"]))
        print(f"\n{sentence}: {installation.writes} writes by `python -m shared install`")

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
        text = "Noor de Vries is saved as a contact, subscribed to the newsletter"
        contact = await self._contact_shows(
            text, lambda contact: _permissions(contact) == {"Newsletter"} and _properties(contact) == _FIRST
        )
        self._show(text, begin)
        print(f"           Spotler: {', '.join(f'{name} {value}' for name, value in _properties(contact).items())}")
        return person

    async def _changed(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.change("contacts", person, {"address1_city": "Gouda", "jobtitle": "Directeur"})
        text = "She moves to Gouda"
        await self._contact_shows(text, lambda contact: _property(contact, "city") == "Gouda")
        self._show(text, begin)

    async def _chose(self, person: str) -> None:
        """Change permissions on the profile page in Spotler; a poll transfers them to Dynamics."""
        contact = await self.spotler.contact(_EMAIL)
        bits = {option["description"]: option["bit"] for option in _property(contact, "permissions")}
        ticks = [{"bit": bits["Newsletter"], "enabled": False}, {"bit": bits["Offers"], "enabled": True}]
        await self.spotler.post(f"contact/edit?email={_EMAIL}", {"properties": {"permissions": ticks}})
        begin = time.perf_counter()
        async with httpx.AsyncClient(base_url=self.host.url, timeout=self.time_limit) as http:
            answer = await http.post("/api/poll", json={}, headers={"x-functions-key": self.host.keys.default})
        self._must(f"POST /api/poll answers 200: {answer.text}", answer.status_code == HTTPStatus.OK)
        text = "In Spotler she gives up the newsletter and asks for offers; a poll writes that to Dynamics"
        choices = await self._until(
            text, lambda: self._choices(person), lambda choices: choices == {"Newsletter": "no", "Offers": "yes"}
        )
        await self._contact_shows(text, lambda contact: _permissions(contact) == {"Offers"})
        self._show(text, begin)
        listed = ", ".join(f"{name} {word}" for name, word in sorted(choices.items()))
        print(f"           Her permissions in Dynamics: {listed}")

    async def _choices(self, person: str) -> Mapping[str, str]:
        rows = await self.dynamics.read(f"dh_spotlerpermissions?$filter=_dh_customerid_value eq {person}")
        return {row["dh_name"]: "yes" if row["dh_subscribed"] else "no" for row in rows["value"]}

    async def _opted_out(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.change("contacts", person, {"donotbulkemail": True})
        text = "She wants no bulk mail any more: every permission is off in Spotler"
        await self._contact_shows(text, lambda contact: contact is not None and not _permissions(contact))
        self._show(text, begin)

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
        text = "A flow creates a Spotler Job, Sync Contact"
        row = await self._until(
            text,
            lambda: self.dynamics.read(f"dh_spotlerjobs({job})"),
            lambda row: row["statuscode"] in _JOB_DONE,
        )
        self._must(text, row["dh_resultcode"] == "OK")
        self._show(text, begin)
        print(f"           Job: result code {row['dh_resultcode']}, {row['dh_resulttext']!r}")
        info = await self._until(
            "Her Spotler Status in Dynamics: Succeeded",
            lambda: self.dynamics.read(f"contacts({person})?$select=contactid&$expand=dh_SpotlerInfo"),
            lambda info: info["dh_SpotlerInfo"]["statuscode"] == _SUCCEEDED,
        )
        status = info["dh_SpotlerInfo"]
        label = status.get("statuscode@OData.Community.Display.V1.FormattedValue", status["statuscode"])
        print(f"           Her Spotler Status in Dynamics: {label}, {status['dh_reason']!r}")

    async def _deleted(self, person: str) -> None:
        begin = time.perf_counter()
        await self.dynamics.delete("contacts", person)
        text = "Her record is deleted: Spotler has forgotten her"
        await self._contact_shows(text, lambda contact: contact is None)
        self._show(text, begin)

    async def _everybody(self) -> None:
        """Run the initial synchronisation of all existing records, by one HTTP call per table."""
        begin = time.perf_counter()
        before = await self.dynamics.requests_of_the_connector(), await self.spotler.requests()
        async with httpx.AsyncClient(base_url=self.host.url, timeout=self.time_limit) as http:
            for table in ("account", "contact", "lead"):
                answer = await http.post(
                    "/api/resync", json={"table": table}, headers={"x-functions-key": self.host.keys.default}
                )
                if answer.status_code != HTTPStatus.CONFLICT:  # a table that is not in SYNC_TABLES
                    answer.raise_for_status()
        await self._quiet("Everybody who was in Dynamics already")
        after = await self.dynamics.requests_of_the_connector(), await self.spotler.requests()
        crm = after[0] - before[0]
        platform = sum(after[1].values()) - sum(before[1].values())
        contacts = await self.spotler.contacts()
        count = len(contacts)
        await self._everybody_has_a_status(contacts)
        seconds = time.perf_counter() - begin
        print(
            f"\n{seconds * 1000:6.0f} ms  Everybody who was in Dynamics already: {count} contacts in Spotler, "
            f"with {crm} requests to Dataverse and {platform} to Spotler"
        )
        await self._unfit()

    async def _everybody_has_a_status(self, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Check that each contact has a record with status Succeeded, and that each active record has a status."""
        sentence = "Everybody who was in Dynamics already is in Spotler, or marked as unfit"
        there = {str(contact.get("externalId", "")) for contact in contacts}
        succeeded: set[str] = set()
        for entity_set, table in _TABLES.items():
            if table not in (await app.connector()).settings.sync_tables:
                continue
            options = f"$select={table}id&$expand=dh_SpotlerInfo&$filter=statecode eq 0"
            rows = await self.dynamics.read(f"{entity_set}?{options}")
            for row in rows["value"]:
                status = (row["dh_SpotlerInfo"] or {}).get("statuscode")
                self._must(sentence, status in {_SUCCEEDED, _UNFIT})
                succeeded |= {row[f"{table}id"]} if status == _SUCCEEDED else set()
        self._must(sentence, bool(there) and there <= succeeded)

    async def _unfit(self) -> None:
        query = f"dh_spotlerinfos?$select=dh_reasoncode&$filter=statuscode eq {_UNFIT}"
        reasons: dict[str, int] = {}
        for row in (await self.dynamics.read(query))["value"]:
            reasons[row["dh_reasoncode"]] = reasons.get(row["dh_reasoncode"], 0) + 1
        listed = ", ".join(f"{count} with {reason}" for reason, count in sorted(reasons.items()))
        print(f"           Not passed on, and marked so in Dynamics: {listed or 'nobody'}")

    async def _quiet(self, sentence: str) -> None:
        """Wait until queues and service endpoint are empty, without requests for records."""
        queue = (await app.connector()).queue

        async def waiting() -> int:
            depths = [await queue.depth(name) for name in QueueName]
            self._must(sentence, not any(depth.dead for depth in depths))
            return await self.dynamics.underway() + sum(depth.active + depth.scheduled for depth in depths)

        await self._until(sentence, waiting, lambda count: count == 0)

    async def _contact_shows(
        self, sentence: str, shows: Callable[[Mapping[str, Any] | None], bool]
    ) -> Mapping[str, Any] | None:
        return await self._until(sentence, lambda: self.spotler.contact(_EMAIL), shows)

    async def _until(self, sentence: str, read: Callable[[], Awaitable[Seen]], is_true: Callable[[Seen], bool]) -> Seen:
        """Read until a sentence is true, and return the last value; UntrueError if the time is over."""
        end = time.perf_counter() + self.time_limit
        while not is_true(seen := await read()):
            self._must(sentence, time.perf_counter() < end)
            await asyncio.sleep(_INTERVAL)
        return seen

    def _must(self, sentence: str, is_true: bool) -> None:  # noqa: FBT001  # an assertion
        if not is_true:
            raise UntrueError(f"this did not become true: {sentence}")

    def _show(self, text: str, begin: float) -> None:
        seconds = time.perf_counter() - begin
        self.latencies.append(seconds)
        print(f"{seconds * 1000:6.0f} ms  {text}")


async def play(
    addresses: Addresses, host: FunctionsHost, installation: Installation, *, time_limit: float = TIME_LIMIT
) -> None:
    """Run the demonstration against a sandbox and print a summary.

    UntrueError if a sentence is not confirmed in time.
    """
    async with DynamicsUser(addresses) as dynamics, SpotlerUser(addresses) as spotler:
        story = Story(dynamics, spotler, host, time_limit)
        await story.play(installation)
        slowest = max(story.latencies) * 1000
        print(f"\nDone: {len(story.latencies)} changes arrived, the slowest after {slowest:.0f} ms.")


def _property(contact: Mapping[str, Any] | None, name: str) -> Any:
    return contact["properties"].get(name) if contact else None


def _properties(contact: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {name: _property(contact, name) for name in _FIRST}


def _permissions(contact: Mapping[str, Any] | None) -> set[str]:
    """Return the names of the permissions that are on."""
    return {option["description"] for option in _property(contact, "permissions") or () if option["enabled"]}
