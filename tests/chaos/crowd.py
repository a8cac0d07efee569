"""People in both systems, what happens to them, and what must be true of them in the end."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.adapters.dataverse.records.tables import INFO_STATUS, JOB_STATUS, JOBS
from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import SyncStatus
from tests.scenario.job_acts import job_row, look
from tests.scenario.privacy import MARK
from tests.scenario.world import Person, World, permissions

_AT_ONCE = 10
_WELCOME = "Welcome"
_SCORE = "Interesse"
_FIELDS = {
    "firstname": "firstName",
    "lastname": "lastName",
    "jobtitle": "jobTitle",
    "address1_city": "city",
    "mobilephone": "mobileNumber",
}
_ROWS = "dh_spotlerpermission_customer_contact"
_COLUMNS = f"contactid,emailaddress1,statecode,donotemail,donotbulkemail,{','.join(_FIELDS)}"
_EXPANDED = f"dh_SpotlerInfo($select=statuscode,dh_reasoncode),{_ROWS}($select=dh_name,dh_subscribed)"
_QUERY = f"contacts?$select={_COLUMNS}&$expand={_EXPANDED}"

Row = Mapping[str, Any]


@dataclass(slots=True)
class Awaited:
    """A change on one side that must show on the other one. Times are those of `time.monotonic`."""

    email: str
    column: str
    value: str
    since: float
    seen: float | None = None


@dataclass
class Crowd:
    """Everybody of a world. People are found by address in Spotler, by id in Dataverse."""

    world: World
    people: list[Person] = field(default_factory=list)
    opted_out: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    awaited: list[Awaited] = field(default_factory=list)
    jobs: dict[str, tuple[Operation, str]] = field(default_factory=dict)
    automation: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def settle(self, count: int) -> list[Person]:
        """Let new people come, and wait until everybody is in Spotler."""
        new_subscribers: list[Person] = []

        async def come() -> None:
            new_subscribers.append(await self.world.save())

        await at_once(come() for _ in range(count))
        self.people += new_subscribers
        await self.world.settled(timeout_s=60 + count / 20)
        return new_subscribers

    async def stir(self, people: Iterable[Person]) -> int:
        """Let something happen to everybody, on one of the two sides; returns how many acts that were."""
        acts = [self._act(number, person) for number, person in enumerate(people)]
        await at_once(iter(acts))
        return len(acts)

    async def _act(self, number: int, person: Person) -> None:
        match number % 10:
            case 4:
                await self._edit_in_spotler(person)
            case 5:
                await self._spotler(person, "edit", {"permissions": [{"bit": 1, "enabled": True}]})
            case 6:
                await self.world.permit(person, "Offers", subscribed=number % 20 == 6)
            case 7 if number % 20 == 7:
                self.opted_out.add(person.email)
                await self._spotler(person, "opt-out")
            case 8:
                operation = Operation.INCREASE_SCORE if number % 20 == 8 else Operation.START_AUTOMATION
                await self.ask(operation, person)
            case 9 if number % 20 == 9:
                self.erased.add(person.email)
                await self.world.delete(person)
            case _:
                await self.move(person)

    async def move(self, person: Person) -> None:
        """Change the town in Dynamics."""
        town = f"{MARK}plaats {next(self._numbers)}"
        await self.world.change(person, address1_city=town)
        self.awaited.append(Awaited(person.email, "city", town, time.monotonic()))

    async def _edit_in_spotler(self, person: Person) -> None:
        title = f"{MARK} chef {next(self._numbers)}"
        await self._spotler(person, "edit", {"jobTitle": title})
        self.awaited.append(Awaited(person.email, "jobtitle", title, time.monotonic()))

    async def ask(self, operation: Operation, person: Person) -> None:
        """Ask for something that must not be done twice."""
        columns = (
            {"dh_parametername": _SCORE, "dh_parametervalue": "1"}
            if operation is Operation.INCREASE_SCORE
            else {"automation": self.automation}
        )
        job = await self.world.dynamics.create(JOBS, job_row(operation, person, **columns))
        self.jobs[job] = (operation, person.id)

    async def _spotler(self, person: Person, act: str, properties: Mapping[str, Any] | None = None) -> None:
        body = {"properties": properties} if properties else None
        await self.world.spotler.post(f"contact/{act}?email={person.email}", body)

    # ------------------------------------------------------------------------------------------------- what shows

    async def watch(self) -> None:
        """Note what shows by now in Spotler."""
        waiting = [one for one in self.awaited if one.seen is None and one.column == "city"]
        if not waiting:
            return
        contacts = {one["properties"].get("email"): one["properties"] for one in await self.world.spotler.contacts()}
        for one in waiting:
            if contacts.get(one.email, {}).get(one.column) == one.value:
                one.seen = time.monotonic()

    async def rows(self) -> list[Row]:
        """Read everybody in Dataverse, page by page."""
        rows: list[Row] = []
        path = _QUERY
        while path:
            answer = await self.world.dynamics.read(path)
            rows += answer["value"]
            path = answer.get("@odata.nextLink", "")
        return rows

    async def complaints(self) -> list[str]:
        """Say, by id, what is not as it must be."""
        rows = await self.rows()
        contacts = {one["properties"].get("email", ""): one for one in await self.world.spotler.contacts()}
        present = {row["emailaddress1"]: row for row in rows if row["statecode"] == 0 and not row["donotemail"]}
        now = time.monotonic()
        for one in self.awaited:
            if one.seen is None and present.get(one.email, {}).get(one.column) == one.value:
                one.seen = now
        return [
            *(f"{one['externalId']} is in Spotler only" for email, one in contacts.items() if email not in present),
            *(f"{row['contactid']} is not in Spotler" for email, row in present.items() if email not in contacts),
            *(f"{contacts[email]['externalId']} was erased and is back" for email in self.erased & contacts.keys()),
            *(
                f"{row['contactid']} {complaint}"
                for email, row in present.items()
                if email in contacts
                for complaint in (_opted_out if email in self.opted_out else _agrees)(row, contacts[email])
            ),
            *await self._jobs(),
        ]

    async def _jobs(self) -> list[str]:
        """Whatever must not be done twice has been done as often as the jobs say."""
        if not self.jobs:
            return []
        jobs = (await self.world.dynamics.read(f"{JOBS}?$select=dh_spotlerjobid,statuscode,dh_resultcode"))["value"]
        ends = {job["dh_spotlerjobid"]: (JOB_STATUS[job["statuscode"]], job["dh_resultcode"]) for job in jobs}
        sure: Counter[tuple[Operation, str]] = Counter()
        unsure: Counter[tuple[Operation, str]] = Counter()
        for job, what in self.jobs.items():
            status, code = ends[job]
            sure[what] += status is JobStatus.COMPLETED
            unsure[what] += status is JobStatus.FAILED and code == "outcome-unknown"
        done: Counter[tuple[Operation, str]] = Counter(
            (Operation.START_AUTOMATION, run["externalContactId"]) for run in await look(self.world, "automation-runs")
        )
        for contact in await self.world.spotler.contacts():
            done[Operation.INCREASE_SCORE, contact["externalId"]] = contact["tags"].get(_SCORE, 0)
        return [
            *(f"job {job} is stuck" for job, (status, _) in ends.items() if not status.is_final),
            *(f"job {job} ended without a reason" for job, (_, code) in ends.items() if not code),
            *(
                f"{operation.name} was done {done[operation, who]} times for {who}, {sure[operation, who]} times asked"
                for operation, who in set(self.jobs.values())
                if not sure[operation, who] <= done[operation, who] <= sure[operation, who] + unsure[operation, who]
            ),
        ]


def _agrees(row: Row, contact: Row) -> Iterator[str]:
    yield from (
        f"differs in {name}" for name, there in _FIELDS.items() if row[name] != contact["properties"].get(there)
    )
    given = {one["dh_name"] for one in row[_ROWS] if one["dh_subscribed"]}
    given -= {one["dh_name"] for one in row[_ROWS] if not one["dh_subscribed"]}
    if permissions(dict(contact)) != given:
        yield "differs in permissions"
    info = row["dh_SpotlerInfo"]
    if info is None or INFO_STATUS[info["statuscode"]] is not SyncStatus.SUCCEEDED or not info["dh_reasoncode"]:
        yield "has no outcome with a reason"


def _opted_out(row: Row, contact: Row) -> Iterator[str]:
    if contact["inactivity"] is None:
        yield "opted out and was opted in again"
    if not row["donotbulkemail"]:
        yield "opted out in Spotler and not in Dataverse"
    info = row["dh_SpotlerInfo"]
    if info is None or INFO_STATUS[info["statuscode"]] is not SyncStatus.OPT_OUT or not info["dh_reasoncode"]:
        yield "has no outcome that tells of the opt-out"


async def at_once(acts: Iterator[Awaitable[Any]]) -> None:
    """Do many acts, some at a time."""

    async def user() -> None:
        for act in acts:
            await act

    await asyncio.gather(*(user() for _ in range(_AT_ONCE)))
