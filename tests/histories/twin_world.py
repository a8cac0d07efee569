"""Histories over the twins: fast, and every call can fail before and after its effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from shared.domain.planning.rules import Rules
from shared.domain.records.jobs import Operation
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    SetEntry,
)
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey, SyncStatus
from tests.connector_twin import ConnectorTwin
from tests.contract.clocks import TickingClock
from tests.histories.world import COLUMNS, FILTERED, FORMATS, NAMES, Profile, World

CATALOGUE = PropertyCatalogue(
    (
        PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
        *(PropertyDefinition(name, name, PropertyType.STRING) for name in (*COLUMNS, "customerType")),
        PropertyDefinition("postalCode", "Post code", PropertyType.POSTCODE),
        PropertyDefinition("mobileNumber", "Mobile number", PropertyType.MOBILE_NUMBER),
        PropertyDefinition(
            "permissions", "Permissions", PropertyType.SET, (SetEntry(1, "Newsletter"), SetEntry(8, "Offers"))
        ),
    )
)

EMPTY_COLUMNS = dict.fromkeys((*COLUMNS.values(), *FORMATS.values(), FILTERED))


POISON = "poison"
"""What the address of a new subscriber begins with on whom the connector breaks."""

ERASURE_LIMIT = 1
"""Erasures within an hour that need no administrator: so few that histories meet the brake."""


@dataclass(frozen=True)
class ImportedRecord:
    """Which record a new subscriber became or matched."""

    key: RecordKey | None
    candidates: tuple[RecordKey, ...] = ()
    is_asked: bool = False


class TwinImport:
    """Imports new subscribers as contacts, or finds them by their address (NEW-04). Dataverse tells of a new record."""

    def __init__(self, world: TwinWorld, tell: Callable[[RecordKey], None]) -> None:
        self.world = world
        self.tell = tell
        self.refused: set[str] = set()

    async def import_page(self, contacts: Sequence[MarketingContact], *, correlation: str) -> Sequence[ImportedRecord]:
        assert correlation
        if any(str(one.properties.get("email", "")).startswith(POISON) for one in contacts):
            raise ZeroDivisionError
        return [ImportedRecord(await self._record(str(one.properties.get("email", "")))) for one in contacts]

    async def refuse(self, contact: MarketingContact, *, text: str, correlation: str) -> None:
        assert str(contact.properties["email"]).startswith(POISON), f"{correlation}: {text}"
        self.refused.add(contact.encrypted_id)

    async def _record(self, email: str) -> RecordKey | None:
        if not email:
            return None
        crm = self.world.twin.crm
        found = (await crm.people_using([email]))[email]
        if found:
            return found[0]
        known = [key for key, one in crm.people.items() if str(one.values.get("emailaddress1")).casefold() == email]
        if known:
            return None
        key = crm.create(PersonTable.CONTACT, **{**EMPTY_COLUMNS, "emailaddress1": email})
        self.tell(key)
        return key


class TwinWorld(World):
    """The twins of `tests/twins` as a world."""

    def __init__(self, rules: Rules) -> None:
        self.twin = ConnectorTwin(rules, clock=TickingClock(), erasure_limit=ERASURE_LIMIT, change_limit=1, days=2)
        self.twin.platform.catalogue = CATALOGUE
        self.twin.crm.clock = self.twin.clock

    def take_in(self, tell: Callable[[RecordKey], None]) -> None:
        """From now on new subscribers become contacts."""
        self.twin.new_subscribers = TwinImport(self, tell)
        self.twin.worker = self.twin.start_worker()

    def remap(self, rules: Rules) -> None:
        self.twin.rules = rules

    async def create(
        self, table: PersonTable, columns: Mapping[str, Any], permissions: Mapping[str, bool]
    ) -> RecordKey:
        return self.twin.crm.create(table, **{**EMPTY_COLUMNS, **columns}, permissions=dict(permissions))

    async def edit(self, key: RecordKey, **columns: Any) -> None:
        self.twin.crm.edit(key, **columns)

    async def permit(self, key: RecordKey, name: str, *, subscribed: bool) -> None:
        self.twin.crm.permit(key, **{name: subscribed})

    async def remove_permission(self, key: RecordKey, name: str) -> None:
        record = self.twin.crm.people[key]
        rows = tuple(row for row in record.permissions if row.name != name)
        self.twin.crm.people[key] = replace(record, permissions=rows)

    async def delete(self, key: RecordKey) -> None:
        self.twin.crm.delete(key)

    async def deactivate(self, key: RecordKey) -> None:
        self.twin.crm.edit(key, statecode=2 if key.table is PersonTable.LEAD else 1)

    async def activate(self, key: RecordKey) -> None:
        self.twin.crm.edit(key, statecode=0, merged=False)

    async def merge(self, master: RecordKey, subordinate: RecordKey) -> None:
        self.twin.crm.merge(master, subordinate)

    async def qualify(self, lead: RecordKey) -> RecordKey:
        contact = self.twin.crm.qualify(lead)
        record = self.twin.crm.people[contact]
        self.twin.crm.people[contact] = replace(record, permissions=(), status=None)
        return contact

    async def order(self, operation: Operation, key: RecordKey) -> UUID:
        return self.twin.crm.order(operation, key)

    async def set_status(self, key: RecordKey, status: SyncStatus) -> None:
        self.twin.crm.set_status(key, status)

    def people(self) -> Mapping[RecordKey, PersonRecord]:
        return self.twin.crm.people

    async def sign_up(self, email: str, values: Mapping[str, Any], options: Mapping[str, bool]) -> None:
        contact = self.twin.platform.sign_up(email, **values)
        self.twin.platform.edit(contact, options=dict(options))

    def _contact(self, one: Profile) -> Any:
        return next(each for each in self.twin.platform.contacts if each.encrypted_id == one.id)

    async def change_profile(self, one: Profile, values: Mapping[str, Any], options: Mapping[str, bool]) -> None:
        self.twin.platform.edit(self._contact(one), options=dict(options), **values)

    async def opt_out(self, one: Profile) -> None:
        self.twin.platform.opt_out(self._contact(one))

    async def bounce(self, one: Profile, kind: str) -> None:
        self.twin.platform.bounce(self._contact(one), kind)

    async def erase(self, one: Profile) -> None:
        self.twin.platform.contacts.remove(self._contact(one))

    def profiles(self) -> list[Profile]:
        return [
            Profile(
                one.encrypted_id,
                one.external_id,
                one.email,
                dict(one.values),
                {name: one.options.get(name, False) for name in NAMES},
                one.is_inactive,
            )
            for one in self.twin.platform.contacts
            if not one.email.startswith(POISON)
        ]

    def writes(self) -> int:
        return len(self.twin.platform.writes) + len(self.twin.writebacks.written)
