"""Writes what Spotler says of a subscription: permission rows, members of marketing lists, periodieken (MAP-16..18)."""

from __future__ import annotations

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

_NAMESPACE = UUID("c3a2f6f4-4f86-4b6c-9a53-0f7f7c8a1f5e")
_PERMISSION_KEY, _PERMISSION_SUBSCRIBED = "dh_spotlerpermissionid", "dh_subscribed"
_MEMBER = "Microsoft.Dynamics.CRM"
_NO_PERIODIEK = "periodiek in the mapping, with its table"

_HOLDERS: Mapping[PersonTable, str] = {
    PersonTable.CONTACT: "dh_CustomerId_contact",
    PersonTable.ACCOUNT: "dh_CustomerId_account",
    PersonTable.LEAD: "dh_LeadId",
}
"""The property of a permission row that leads to its person."""


def subscription_id(option_source: OptionSource, key: RecordKey, name: str) -> UUID:
    """Return the id that a new row gets: the same for the same person and name, so that it is created once."""
    return uuid5(_NAMESPACE, f"{option_source}/{key}/{name.strip().casefold()}")


@dataclass(frozen=True, slots=True)
class Creation:
    """A row with an id of its own that may be there already; then only its switch is compared."""

    entity_set: str
    id: UUID
    switch: str
    subscribed: bool

    @property
    def look(self) -> WebApiOperation:
        """Read the switch."""
        return operations.retrieve(self.entity_set, self.id, select=[self.switch])

    @property
    def correction(self) -> WebApiOperation:
        """Set the switch."""
        return operations.update(self.entity_set, self.id, {self.switch: self.subscribed})


@dataclass(slots=True)
class SubscriptionWrite:
    """One subscription on its way: `prepare` drafts, `want` asks for names, `operation` is what to send, if anything.

    `spotler` is the property that has the option.
    """

    key: RecordKey
    coming: SubscriptionReturn
    spotler: str
    periodiek: ResolvedPeriodiek | Unresolved | None = None
    creation: Creation | None = None
    problems: list[FieldProblem] = field(default_factory=list)
    _draft: RowBuilder | None = None

    def prepare(self) -> None:
        """Draft a new periodiek, whose name may be that of another row."""
        if self.coming.option_source is OptionSource.PERIODIEK and self.coming.row is None:
            match self.periodiek:
                case ResolvedPeriodiek() as found:
                    self._draft = self._periodiek(found)
                case Unresolved(text=text):
                    self._refuse(text)
                case None:
                    self._refuse(_NO_PERIODIEK)

    @property
    def draft(self) -> RowBuilder | None:
        """The new row, if its names must be looked for."""
        return self._draft

    @property
    def left_out(self) -> list[FieldProblem]:
        """Why it was not written, if it was not."""
        return self.problems + (self._draft.problems if self._draft is not None else [])

    def want(self, search: NameSearch) -> None:
        """Ask for the marketing list."""
        if self.coming.option_source is OptionSource.LIST and self.coming.row is None:
            search.want(self._lists, self.coming.name)

    def operation(self, names: NamesFound) -> WebApiOperation | None:
        """Return what to send."""
        match self.coming.option_source:
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
        if self.coming.row is not None:
            body: dict[str, Any] = {_PERMISSION_SUBSCRIBED: self.coming.subscribed}
            if self.coming.subscribed:
                body["statecode"] = 0  # a row that somebody has deactivated says no
            return operations.update(tables.PERMISSIONS, self.coming.row, body)
        person = f"{_HOLDERS[self.key.table]}{BIND}"
        values = {"dh_name": self.coming.name, person: self._person, _PERMISSION_SUBSCRIBED: self.coming.subscribed}
        return self._create(tables.PERMISSIONS, _PERMISSION_KEY, _PERMISSION_SUBSCRIBED, values)

    # ---------------------------------------------------------------------------------------------------------- lists

    def _membership(self, names: NamesFound) -> WebApiOperation | None:
        found = [self.coming.row] if self.coming.row else names.called(self._lists, self.coming.name)
        if len(found) != 1:
            if self.coming.subscribed or found:
                self._refuse(f"exactly one active, static marketing list called {self.coming.name}")
            return None
        (marketing_list,) = found
        if self.coming.subscribed:  # who is a member already stays one
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
        # The action that removes a member is no part of the Web API.
        association = odata.name(ListRows(self.key.table).association)
        path = f"{odata.row(tables.LISTS, marketing_list)}/{association}({self.key.id})/$ref"
        return WebApiOperation(Method.DELETE, path)

    @property
    def _lists(self) -> NamePlace:
        return NamePlace(tables.LISTS, "listid", "listname", ListRows(self.key.table).filter)

    # ----------------------------------------------------------------------------------------------------- periodieken

    def _periodiek(self, found: ResolvedPeriodiek) -> RowBuilder:
        draft = RowBuilder(found.table, UTC)
        definition = PropertyDefinition(self.spotler, self.spotler, PropertyType.STRING)
        if isinstance(found.name.source, Column):
            draft.put(found.name.source, MappingRow(self.spotler, {}), definition, self.coming.name)
        else:
            expected = f"exactly one row called {self.coming.name}"
            problem = FieldProblem(self.spotler, str(found.name.source), expected, side=Side.DATAVERSE)
            place = place_in(found.name.table, found.name.column.name)
            draft.point_at(found.name.navigation, place, self.coming.name, problem)
        return draft

    def _periodiek_operation(self) -> WebApiOperation | None:
        found = self.periodiek
        if not isinstance(found, ResolvedPeriodiek):
            if self.coming.row is not None:
                self._refuse(found.text if found else _NO_PERIODIEK)
            return None
        if self.coming.row is not None:
            return operations.update(
                found.table.entity_set, self.coming.row, {found.subscribed: self.coming.subscribed}
            )
        if self._draft is None or self._draft.problems:
            return None
        person = f"{_navigation(found.table, found.lookup, self.key.table)}{BIND}"
        values = {**self._draft.body, person: self._person, found.subscribed: self.coming.subscribed}
        return self._create(found.table.entity_set, found.table.primary_id, found.subscribed, values)

    # ---------------------------------------------------------------------------------------------------------- shared

    @property
    def _person(self) -> str:
        return f"/{odata.row(tables.PEOPLE[self.key.table].entity_set, self.key.id)}"

    def _create(self, entity_set: str, key: str, switch: str, values: Mapping[str, Any]) -> WebApiOperation:
        identifier = subscription_id(self.coming.option_source, self.key, self.coming.name)
        self.creation = Creation(entity_set, identifier, switch, self.coming.subscribed)
        return operations.create(entity_set, {key: str(identifier), **values}, key=key)

    def _refuse(self, expected: str) -> None:
        source = str(MapTo(self.coming.option_source))
        self.problems.append(FieldProblem(self.spotler, source, expected, side=Side.DATAVERSE))


def _navigation(table: TableDefinition, lookup: str, target: PersonTable) -> str:
    return table.targets(lookup)[target].navigation
