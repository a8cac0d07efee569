"""Honest twins of what Spotler Jobs work with beyond people: tags, scores, automations, audiences, marketing lists.

They know the contacts of `TwinPlatform`. `lose` makes the answer to a call that had its effect get lost, `refuse`
makes a call fail before it has one; both count calls of one name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from shared.domain.features.automations import (
    AutomationKind,
    AutomationRow,
    FieldValue,
    NotStarted,
    PublishedAutomation,
    Started,
    StartRefusal,
    StartResult,
    StopResult,
)
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.jobs import ScoreChange
from shared.domain.records.records import PersonTable, RecordKey, StatusRow
from shared.errors import ConnectorError, DataError, NotFoundError, UnknownOutcomeError
from shared.ports.dataverse import Asked, AutomationWrite, Crm, ListStatus, MarketingList, PeoplePage, Report
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
    ) -> StartResult:
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

    async def stop(self, kind: AutomationKind, platform_id: str, external_id: str) -> StopResult:
        await self._call("stop")
        wanted = (kind, platform_id, external_id)
        mine = [run for run, (one, who) in self.runs.items() if (one.kind, one.platform_id, who) == wanted]
        for run in mine:
            del self.runs[run]
        return StopResult.STOPPED if mine else StopResult.NOT_RUNNING

    async def stop_run(self, automation_contact_id: str) -> StopResult:
        await self._call("stop_run")
        return StopResult.STOPPED if self.runs.pop(automation_contact_id, None) else StopResult.UNKNOWN


class TwinRecordAccess:
    """Every user has every right but those in `lacks`; `asked` counts questions, except those along with reports."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self.lacks: dict[UUID, frozenset[AccessRight]] = {}
        self.asked = 0
        self.asked_along: set[Asked] = set()
        self.error: ConnectorError | None = None

    async def rights(
        self, asked: Collection[tuple[UUID, RecordKey]]
    ) -> Mapping[tuple[UUID, RecordKey], frozenset[AccessRight]]:
        self.asked += len(asked)
        if self.error is not None:
            raise self.error
        return {(user, key): frozenset(AccessRight) - self.lacks.get(user, frozenset()) for user, key in asked}

    async def report_and_ask(
        self, reports: Sequence[Report], asked: Collection[Asked]
    ) -> Sequence[ConnectorError | None]:
        self.asked_along |= set(asked)
        return await self._crm.report(reports)


class TwinAutomationRows:
    """The table of automations."""

    def __init__(self) -> None:
        self.rows: dict[UUID, AutomationRow] = {}

    def add(self, automation: PublishedAutomation, *, fields: str = "", is_active: bool = True) -> UUID:
        identifier = UUID(int=9000 + len(self.rows))
        self.rows[identifier] = AutomationRow(
            identifier, automation.kind, automation.platform_id, automation.code, automation.name, fields, is_active
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
    """Audiences by id: names are unique, unknown contacts are returned and left out.

    With `can_remove` off they are temporary lists: a contact cannot be removed, but a list can be filled again.
    `in_use` are lists that cannot be deleted.
    """

    def __init__(self, platform: TwinPlatform, faults: Faults, *, can_remove: bool = True) -> None:
        super().__init__(platform, faults)
        self.can_remove = can_remove
        self.names: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}
        self.in_use: set[str] = set()
        self.before_add: Callable[[], None] = lambda: None

    async def exists(self, audience: str) -> bool:
        await self._call("exists")
        return audience in self.names

    async def create(self, audience: str, name: str) -> None:
        await self._call("create")
        if self.names.get(audience) == name:
            return
        self._check_name(audience, name, new=True)
        self.names[audience] = name
        self.members[audience] = set()
        await self._faults.pass_by()

    async def rename(self, audience: str, name: str) -> None:
        assert self.can_remove
        await self._call("rename")
        self._members(audience)
        self._check_name(audience, name, new=False)
        self.names[audience] = name

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        if not contacts:
            return frozenset()
        assert len(contacts) <= 2500
        await self._call("add")
        self.before_add()
        known = {contact.external_id for contact in self._platform.contacts}
        unknown = frozenset(contacts) - known
        self._members(audience).update(set(contacts) - unknown)
        await self._faults.pass_by()
        return unknown

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        if contacts:
            assert self.can_remove
            assert len(contacts) <= 2500
            await self._call("remove")
            self._members(audience).difference_update(contacts)
            await self._faults.pass_by()

    async def clear(self, audience: str, name: str) -> None:
        await self._call("clear")
        if not self.can_remove:
            self._check_use(audience)
            self.names[audience], self.members[audience] = name, set()
        self._members(audience).clear()
        await self._faults.pass_by()

    async def delete(self, audience: str) -> None:
        await self._call("delete")
        self._check_use(audience)
        self.names.pop(audience, None)
        self.members.pop(audience, None)
        await self._faults.pass_by()

    def _check_name(self, audience: str, name: str, *, new: bool) -> None:
        others = {one for other, one in self.names.items() if other != audience}
        if (new and audience in self.names) or name in others:
            raise DataError("Spotler refused the audience", status=417)

    def _check_use(self, audience: str) -> None:
        if audience in self.in_use:
            raise DataError("Spotler refused the call", status=417)

    def _members(self, audience: str) -> set[str]:
        if audience not in self.members:
            raise NotFoundError("there is no such audience", status=404)
        return self.members[audience]


class TwinLists:
    """Marketing lists with their members; `page` makes pages small. Tests change them as users do."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self.lists: dict[UUID, MarketingList] = {}
        self.listed: dict[UUID, list[RecordKey]] = {}
        self.statuses: dict[UUID, ListStatus] = {}
        self.calls: Counter[str] = Counter()
        self.page: int | None = None
        self.after_page: Callable[[int], None] = lambda _start: None

    def add(self, name: str, members: Sequence[RecordKey], **columns: Any) -> UUID:
        identifier = UUID(int=8000 + len(self.lists))
        table = columns.pop("table", members[0].table if members else PersonTable.CONTACT)
        self.lists[identifier] = MarketingList(identifier, name, table, **columns)
        self.listed[identifier] = list(members)
        return identifier

    def change(self, identifier: UUID, **columns: Any) -> None:
        """Save columns of a list."""
        self.lists[identifier] = replace(self.lists[identifier], **columns)

    def join(self, identifier: UUID, *people: RecordKey) -> None:
        self.listed[identifier] += people

    def leave(self, identifier: UUID, *people: RecordKey) -> None:
        self.listed[identifier] = [one for one in self.listed[identifier] if one not in people]

    async def read_list(self, identifier: UUID) -> MarketingList | None:
        await self._call("read_list")
        return self.lists.get(identifier)

    async def members(self, marketing_list: MarketingList, *, after: str | None, limit: int) -> PeoplePage:
        """A page begins behind the last member of the one before, as in Dataverse."""
        await self._call("members")
        if marketing_list.id not in self.lists:
            raise NotFoundError("the list is gone", status=404)
        limit = min(limit, self.page or limit)
        members = [one for one in self.listed[marketing_list.id] if after is None or str(one.id) > after]
        found = sorted(members)[:limit]
        self.after_page(self.calls["members"])
        return PeoplePage(found, str(found[-1].id) if len(members) > limit else None)

    async def members_among(self, identifier: UUID, people: Sequence[UUID]) -> frozenset[UUID]:
        await self._call("members_among")
        return frozenset(one.id for one in self.listed.get(identifier, ())) & frozenset(people)

    async def write_status(self, status: ListStatus) -> None:
        await self._call("write_status")
        if (listed := self.lists.get(status.list)) is None:
            return
        assert status.bind == (listed.status is None), "a list is bound to its Spotler Info row once"
        self.statuses[status.list] = status
        row = StatusRow(status.info, status.status, status.reason_code, status.reason)
        self.change(status.list, status=row)

    async def _call(self, name: str) -> None:
        self.calls[name] += 1
        await self._faults.pass_by()
