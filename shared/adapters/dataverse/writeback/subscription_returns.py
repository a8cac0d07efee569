"""Turns a changed subscription into an operation on a permission, a marketing list or a periodiek (MAP-16..18)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, assert_never
from uuid import UUID, uuid5

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.records.name_search import NamePlace, NameSearch, NamesFound, place_in
from shared.adapters.dataverse.records.subscriptions import ListRows
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.adapters.dataverse.writeback.row_builder import BIND, RowBuilder
from shared.domain.mapping.check.resolution import ResolvedPeriodiek, Unresolved
from shared.domain.mapping.language.expression import Column, MapTo, OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyType
from shared.domain.records.outcomes import FieldProblem, Side
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.records.table_schema import TableDefinition
from shared.domain.wording.expectations import Expectation
from shared.domain.wording.phrase import Phrase

_NAMESPACE = UUID("c3a2f6f4-4f86-4b6c-9a53-0f7f7c8a1f5e")
_PERMISSION_KEY, _PERMISSION_SUBSCRIBED = "dh_spotlerpermissionid", "dh_subscribed"
_MEMBER = "Microsoft.Dynamics.CRM"
_NO_PERIODIEK = Expectation.PERIODIEK()

_HOLDERS: Mapping[PersonTable, str] = {
    PersonTable.CONTACT: "dh_CustomerId_contact",
    PersonTable.ACCOUNT: "dh_CustomerId_account",
    PersonTable.LEAD: "dh_LeadId",
}
"""The navigation property from a permission row to its record."""


def subscription_id(option_source: OptionSource, key: RecordKey, name: str) -> UUID:
    """Return the id of a new row: the same for the same record and name, so that the row is created once."""
    return uuid5(_NAMESPACE, f"{option_source}/{key}/{name.strip().casefold()}")


@dataclass(frozen=True, slots=True)
class Creation:
    """A new row with a fixed id. If it exists already, only its switch is compared."""

    entity_set: str
    id: UUID
    switch: str
    subscribed: bool

    @property
    def read(self) -> WebApiOperation:
        """Return the operation that reads the switch."""
        return operations.retrieve(self.entity_set, self.id, select=[self.switch])

    @property
    def correction(self) -> WebApiOperation:
        """Return the operation that sets the switch."""
        return operations.update(self.entity_set, self.id, {self.switch: self.subscribed})


@dataclass(slots=True)
class SubscriptionWrite:
    """One subscription to write: call `prepare`, then `want`, then `operation` for what to send, if anything.

    `spotler` is the property that has the option. `builder` is a new periodiek row whose names must be found.
    """

    key: RecordKey
    change: SubscriptionReturn
    spotler: str
    periodiek: ResolvedPeriodiek | Unresolved | None = None
    creation: Creation | None = None
    problems: list[FieldProblem] = field(default_factory=list)
    builder: RowBuilder | None = None

    def prepare(self) -> None:
        """Build a new periodiek row, whose name may have to be looked up in another table."""
        if self.change.option_source is OptionSource.PERIODIEK and self.change.row is None:
            match self.periodiek:
                case ResolvedPeriodiek() as found:
                    self.builder = self._periodiek(found)
                case Unresolved(text=text):
                    self._refuse(text)
                case None:
                    self._refuse(_NO_PERIODIEK)

    @property
    def left_out(self) -> list[FieldProblem]:
        """Why the subscription was not written, if it was not."""
        return self.problems + (self.builder.problems if self.builder is not None else [])

    def want(self, search: NameSearch) -> None:
        """Add the name of the marketing list to a search."""
        if self.change.option_source is OptionSource.LIST and self.change.row is None:
            search.want(self._lists, self.change.name)

    def operation(self, names: NamesFound) -> WebApiOperation | None:
        """Return the operation to send; None if there is nothing to write."""
        match self.change.option_source:
            case OptionSource.PERMISSIONS:
                return self._permission()
            case OptionSource.LIST:
                return self._membership(names)
            case OptionSource.PERIODIEK:
                return self._periodiek_operation()
            case other:
                assert_never(other)

    # ---------------------------------------------------------------------------------------------------- permissions

    def _permission(self) -> WebApiOperation:
        if self.change.row is not None:
            body: dict[str, Any] = {_PERMISSION_SUBSCRIBED: self.change.subscribed}
            if self.change.subscribed:
                body["statecode"] = 0  # a deactivated row counts as no
            return operations.update(tables.PERMISSIONS, self.change.row, body)
        person = f"{_HOLDERS[self.key.table]}{BIND}"
        values = {"dh_name": self.change.name, person: self._person, _PERMISSION_SUBSCRIBED: self.change.subscribed}
        return self._create(tables.PERMISSIONS, _PERMISSION_KEY, _PERMISSION_SUBSCRIBED, values)

    # ---------------------------------------------------------------------------------------------------------- lists

    def _membership(self, names: NamesFound) -> WebApiOperation | None:
        found = [self.change.row] if self.change.row else names.called(self._lists, self.change.name)
        if len(found) != 1:
            if self.change.subscribed or found:
                self._refuse(Expectation.ONE_LIST_CALLED(name=self.change.name))
            return None
        (marketing_list,) = found
        if self.change.subscribed:  # adding a member again has no effect
            body = {
                "List": {"@odata.type": f"{_MEMBER}.list", "listid": str(marketing_list)},
                "Members": [
                    {
                        "@odata.type": f"{_MEMBER}.{self.key.table}",
                        tables.PEOPLE[self.key.table].key: str(self.key.id),
                    }
                ],
            }
            return WebApiOperation(Method.POST, "AddListMembersList", body)
        # The action that removes a member is not in the Web API.
        association = odata.name(ListRows(self.key.table).association)
        path = f"{odata.row(tables.LISTS, marketing_list)}/{association}({self.key.id})/$ref"
        return WebApiOperation(Method.DELETE, path)

    @property
    def _lists(self) -> NamePlace:
        return NamePlace(tables.LISTS, "listid", "listname", ListRows(self.key.table).filter)

    # ----------------------------------------------------------------------------------------------------- periodieken

    def _periodiek(self, found: ResolvedPeriodiek) -> RowBuilder:
        builder = RowBuilder(found.table, UTC)
        definition = PropertyDefinition(self.spotler, self.spotler, PropertyType.STRING)
        if isinstance(found.name.source, Column):
            builder.put(found.name.source, MappingRow(self.spotler, {}), definition, self.change.name)
        else:
            expected = Expectation.ONE_ROW_CALLED(name=self.change.name)
            problem = FieldProblem(self.spotler, str(found.name.source), expected, side=Side.DATAVERSE)
            place = place_in(found.name.table, found.name.column.name)
            builder.point_at(found.name.navigation, place, self.change.name, problem)
        return builder

    def _periodiek_operation(self) -> WebApiOperation | None:
        found = self.periodiek
        if not isinstance(found, ResolvedPeriodiek):
            if self.change.row is not None:
                self._refuse(found.text if found else _NO_PERIODIEK)
            return None
        if self.change.row is not None:
            return operations.update(
                found.table.entity_set, self.change.row, {found.subscribed: self.change.subscribed}
            )
        if self.builder is None or self.builder.problems:
            return None
        person = f"{_navigation(found.table, found.lookup, self.key.table)}{BIND}"
        values = {**self.builder.body, person: self._person, found.subscribed: self.change.subscribed}
        return self._create(found.table.entity_set, found.table.primary_id, found.subscribed, values)

    # ---------------------------------------------------------------------------------------------------------- shared

    @property
    def _person(self) -> str:
        return f"/{odata.row(tables.PEOPLE[self.key.table].entity_set, self.key.id)}"

    def _create(self, entity_set: str, key: str, switch: str, values: Mapping[str, Any]) -> WebApiOperation:
        identifier = subscription_id(self.change.option_source, self.key, self.change.name)
        self.creation = Creation(entity_set, identifier, switch, self.change.subscribed)
        return operations.create(entity_set, {key: str(identifier), **values}, key=key)

    def _refuse(self, expected: Phrase) -> None:
        source = str(MapTo(self.change.option_source))
        self.problems.append(FieldProblem(self.spotler, source, expected, side=Side.DATAVERSE))


def _navigation(table: TableDefinition, lookup: str, target: PersonTable) -> str:
    return table.targets(lookup)[target].navigation
