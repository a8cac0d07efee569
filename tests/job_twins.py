"""Honest twins of what Spotler Jobs work with beyond people: tags, scores, automations, audiences, marketing lists.

They know the contacts of `TwinPlatform`. `lose` makes the answer to a call that had its effect get lost, `refuse`
makes a call fail before it has one; both count calls of one name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from shared.core.automations import (
    AutomationKind,
    AutomationRow,
    FieldValue,
    NotStarted,
    PublishedAutomation,
    Started,
    StartRefusal,
    StartVerdict,
    StopVerdict,
)
from shared.core.jobs import ScoreChange
from shared.core.records import RecordKey
from shared.errors import ConnectorError, DataError, NotFoundError, UnknownOutcomeError
from shared.ports import AutomationWrite, MarketingList, PeoplePage
from tests.twins import Faults, TwinContact, TwinPlatform

VOUCHER_CODE = "bc0a5d1e-3c52-4f0b-8f6c-5a0e2a4c9b01"
WELCOME = PublishedAutomation(AutomationKind.AUTOMATION, "A1", VOUCHER_CODE, "Welcome")
CART = PublishedAutomation(AutomationKind.CAMPAIGN, "C1", "TrgCart", "Abandoned cart")


class _JobTwin:
    def __init__(self, platform: TwinPlatform, faults: Faults) -> None:
        self._platform = platform
        self._faults = faults
        self.calls: Counter[str] = Counter()
        self.refusals: list[ConnectorError] = []
        self.lost_answers = 0

    async def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.refusals:
            raise self.refusals.pop(0)
        await self._faults.pass_by()

    async def _sent_once(self) -> None:
        """The call had its effect; the answer may not arrive."""
        if self.lost_answers:
            self.lost_answers -= 1
            raise UnknownOutcomeError("the answer was lost")
        try:
            await self._faults.pass_by()
        except ConnectorError as error:
            raise UnknownOutcomeError("the answer was lost") from error

    def _contact(self, external_id: str) -> TwinContact:
        if (contact := self._platform.find(external_id)) is None:
            raise NotFoundError("Spotler does not know the contact", code="CONTACT_NOT_FOUND")
        return contact


class TwinTagging(_JobTwin):
    """Tags and scores; a contact has them by name."""

    def __init__(self, platform: TwinPlatform, faults: Faults) -> None:
        super().__init__(platform, faults)
        self.tags: set[str] = set()

    async def create_tag(self, tag: str) -> None:
        await self._call("create_tag")
        self.tags.add(tag)

    async def add_tags(self, external_id: str, tags: Sequence[str]) -> None:
        await self._call("add_tags")
        contact = self._contact(external_id)
        self.tags.update(tags)
        for tag in tags:
            contact.scores.setdefault(tag, 0)

    async def remove_tags(self, external_id: str, tags: Sequence[str]) -> None:
        await self._call("remove_tags")
        contact = self._contact(external_id)
        for tag in tags:
            contact.scores.pop(tag, None)

    async def change_score(self, external_id: str, tag: str, change: ScoreChange, value: int) -> None:
        await self._call("change_score")
        scores = self._contact(external_id).scores
        match change:
            case ScoreChange.SET:
                scores[tag] = value
            case ScoreChange.INCREASE:
                scores[tag] = scores.get(tag, 0) + value
            case ScoreChange.DECREASE:
                scores[tag] = scores.get(tag, 0) - value
        if change is not ScoreChange.SET:
            await self._sent_once()


class TwinAutomations(_JobTwin):
    """Automations and campaigns; `runs` has the contact of each run that was started and not stopped."""

    def __init__(self, platform: TwinPlatform, faults: Faults) -> None:
        super().__init__(platform, faults)
        self.all = [WELCOME, CART]
        self.runs: dict[str, tuple[PublishedAutomation, str]] = {}
        self.fields: list[Sequence[FieldValue]] = []
        self.refusing: StartRefusal | None = None

    async def published(self, kind: AutomationKind) -> Sequence[PublishedAutomation]:
        await self._call("published")
        return [one for one in self.all if one.kind is kind]

    async def start(
        self, kind: AutomationKind, code: str, external_id: str, fields: Sequence[FieldValue]
    ) -> StartVerdict:
        await self._call("start")
        if self.refusing is not None:
            return NotStarted(self.refusing, "said Spotler")
        found = next((one for one in self.all if (one.kind, one.code) == (kind, code)), None)
        if found is None:
            return NotStarted(StartRefusal.TRIGGER_UNKNOWN)
        if self._platform.find(external_id) is None:
            return NotStarted(StartRefusal.CONTACT_UNKNOWN)
        run = f"run-{self.calls['start']}"
        self.runs[run] = (found, external_id)
        self.fields.append(fields)
        await self._sent_once()
        return Started((run,) if kind is AutomationKind.AUTOMATION else ())

    async def stop(self, kind: AutomationKind, spotler_id: str, external_id: str) -> StopVerdict:
        await self._call("stop")
        wanted = (kind, spotler_id, external_id)
        mine = [run for run, (one, who) in self.runs.items() if (one.kind, one.spotler_id, who) == wanted]
        for run in mine:
            del self.runs[run]
        return StopVerdict.STOPPED if mine else StopVerdict.NOT_RUNNING

    async def stop_run(self, automation_contact_id: str) -> StopVerdict:
        await self._call("stop_run")
        return StopVerdict.STOPPED if self.runs.pop(automation_contact_id, None) else StopVerdict.UNKNOWN


class TwinAutomationRows:
    """The table of automations."""

    def __init__(self) -> None:
        self.rows: dict[UUID, AutomationRow] = {}

    def add(self, automation: PublishedAutomation, *, fields: str = "", is_active: bool = True) -> UUID:
        identifier = UUID(int=9000 + len(self.rows))
        self.rows[identifier] = AutomationRow(
            identifier, automation.kind, automation.spotler_id, automation.code, automation.name, fields, is_active
        )
        return identifier

    async def all_automations(self) -> Sequence[AutomationRow]:
        return list(self.rows.values())

    async def read_automations(self, ids: Sequence[UUID]) -> dict[UUID, AutomationRow]:
        return {one: self.rows[one] for one in ids if one in self.rows}

    async def write_automations(self, writes: Sequence[AutomationWrite]) -> None:
        for write in writes:
            if write.row is None:
                self.add(write.automation, fields=write.fields)
            else:
                self.rows[write.row] = replace(self.rows[write.row], fields=write.fields, is_active=write.is_active)


class TwinAudiences(_JobTwin):
    """Audiences by id: names are unique, unknown contacts are told and left out."""

    def __init__(self, platform: TwinPlatform, faults: Faults) -> None:
        super().__init__(platform, faults)
        self.names: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}

    async def exists(self, audience: str) -> bool:
        await self._call("exists")
        return audience in self.names

    async def create(self, audience: str, name: str) -> None:
        await self._call("create")
        if audience in self.names or name in self.names.values():
            raise DataError("Spotler refused the audience", status=417)
        self.names[audience] = name
        self.members[audience] = set()

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        if not contacts:
            return frozenset()
        await self._call("add")
        unknown = frozenset(contact for contact in contacts if self._platform.find(contact) is None)
        self._members(audience).update(set(contacts) - unknown)
        return unknown

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        if contacts:
            await self._call("remove")
            self._members(audience).difference_update(contacts)

    def _members(self, audience: str) -> set[str]:
        if audience not in self.members:
            raise NotFoundError("there is no such audience", status=404)
        return self.members[audience]


class TwinLists:
    """Marketing lists with their members."""

    def __init__(self) -> None:
        self.lists: dict[UUID, tuple[MarketingList, Sequence[RecordKey]]] = {}

    def add(self, name: str, members: Sequence[RecordKey]) -> UUID:
        identifier = UUID(int=8000 + len(self.lists))
        self.lists[identifier] = (MarketingList(identifier, name, members[0].table), members)
        return identifier

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        found: Any = self.lists.get(identifier)
        return found[0] if found else None

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        start = int(after or 0)
        members = self.lists[marketing_list.id][1]
        following = str(start + limit) if start + limit < len(members) else None
        return PeoplePage(members[start : start + limit], following)
