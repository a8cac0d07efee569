"""The simulated organisation: its store, its clock, its users, and the registration of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from shared.local.dataverse_sandbox.metadata.schema import ColumnType, Schema, Table
from shared.local.dataverse_sandbox.organisation.customising import Customising
from shared.local.dataverse_sandbox.organisation.privileges import Rights
from shared.local.dataverse_sandbox.rows import rules
from shared.local.dataverse_sandbox.rows.publication import PUBLISHABLE, publish
from shared.local.dataverse_sandbox.rows.store import RowRef, Store
from shared.local.dataverse_sandbox.rows.values import GUID, guid, parse, stamp

_BLOCKS = "IsLockdownOfUnmanagedCustomizationEnabled"
_NAMESPACE = uuid5(NAMESPACE_URL, "urn:spotler-connector:sandbox:dataverse")


@cache
def fixed_id(*parts: str) -> str:
    """Return the same id for the same words in every run."""
    return str(uuid5(_NAMESPACE, "/".join(parts)))


@dataclass(frozen=True)
class Organization:
    """State that all requests share. Names and ids of the organisation's own rows are the same in every run."""

    id: UUID
    name: str
    store: Store
    now: Callable[[], datetime]
    zone: tzinfo = UTC
    languages: tuple[int, ...] = (1033,)
    """The languages that have texts, by code; the base language is the first one."""
    rights: dict[str, Rights] = field(default_factory=dict)
    """The rights of users, by id; users without an entry may do everything."""
    customising: Customising = field(default_factory=Customising)

    @property
    def unit(self) -> RowRef:
        """The root business unit."""
        return RowRef("businessunit", fixed_id("businessunit"))

    @property
    def schema(self) -> Schema:
        """The tables."""
        return self.store.schema

    @property
    def administrator(self) -> RowRef:
        """The owner of rows that no user created."""
        return RowRef("systemuser", fixed_id("systemuser", "administrator"))

    def application_user(self, client_id: str) -> RowRef:
        """Return the user of an app registration; the first call creates it."""
        for identifier, row in self.store.rows("systemuser").items():
            if row.get("applicationid") == client_id.lower():
                return RowRef("systemuser", identifier)
        reference = RowRef("systemuser", self.application_user_id(client_id))
        if self.store.get("systemuser", reference.id) is None:
            known = client_id.lower() if GUID.fullmatch(client_id) else fixed_id("application", client_id)
            self._add_user(reference.id, "Application", client_id, accessmode=4, application=known)
        return reference

    def application_user_id(self, client_id: str) -> str:
        """Return the id of the user of an app registration, created or not."""
        return fixed_id("systemuser", client_id)

    def found(self) -> None:
        """Insert the rows that every organisation has."""
        currency = RowRef("transactioncurrency", fixed_id("transactioncurrency"))
        self._add(
            "transactioncurrency",
            {
                "transactioncurrencyid": currency.id,
                "currencyname": "Euro",
                "isocurrencycode": "EUR",
                "currencysymbol": "€",
                "currencyprecision": 2,
                "exchangerate": 1.0,
            },
        )
        self._add(
            "organization",
            {
                "organizationid": str(self.id),
                "name": self.name,
                "languagecode": self.schema.language,
                "localeid": self.schema.language,
                "fullnameconventioncode": 1,
                "basecurrencyid": currency,
                "expirechangetrackingindays": 7,
            },
        )
        self._add("businessunit", {"businessunitid": self.unit.id, "name": "Sandbox"})
        self._add_user(self.administrator.id, "Sandbox", "Administrator", accessmode=0)

    def show_settings(self) -> None:
        """Write whether unmanaged customisations are blocked into the organisation's row, as administrators see it."""
        row = self.store.rows("organization")[str(self.id)]
        value = str(self.customising.blocked).lower()
        settings = f"<OrgSettings><{_BLOCKS}>{value}</{_BLOCKS}></OrgSettings>"
        self.store.put("organization", str(self.id), {**row, "orgdborgsettings": settings})

    def seed(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Insert rows without firing steps; columns by logical name, lookups as (table, id) pairs.

        Ids may be missing. Values are checked like those of a request (WebApiError).
        """
        for name, values in rows:
            table = self.schema.tables[name]
            self._add(name, {column: _stored(table, column, value) for column, value in values.items()})

    def _add_user(
        self, identifier: str, first: str, last: str, *, accessmode: int, application: str | None = None
    ) -> None:
        self._add(
            "systemuser",
            {
                "systemuserid": identifier,
                "firstname": first,
                "lastname": last,
                "businessunitid": self.unit,
                "accessmode": accessmode,
                "isdisabled": False,
                "domainname": f"{fixed_id(last)}@sandbox.example",
                "azureactivedirectoryobjectid": fixed_id("account", identifier),
                "applicationid": application,
            },
        )

    def _add(self, name: str, values: Mapping[str, Any]) -> None:
        table = self.schema.tables[name]
        now = stamp(self.now())
        row = rules.created(table, self.administrator, self.unit, now)
        row.update(rules.touched(table, self.administrator, now))
        wanted = dict(values)
        rules.check_state(table, row, wanted)
        row.update(wanted)
        row.update({**rules.computed(table, {}, wanted), **wanted})
        identifier = row.setdefault(table.primary_id, fixed_id(name, str(len(self.store.rows(name)))))
        complete = {column: value for column, value in row.items() if value is not None}
        self.store.put(name, identifier, complete)
        if name in PUBLISHABLE:
            publish(self.store, name, identifier)
        if table.is_activity:
            common = self.schema.tables["activitypointer"].columns
            self.store.put("activitypointer", identifier, {c: v for c, v in complete.items() if c in common})


def _stored(table: Table, name: str, value: Any) -> Any:
    column = table.columns[name]
    if column.type is ColumnType.LOOKUP and value is not None:
        target, identifier = value
        return RowRef(target, guid(str(identifier)))
    return parse(column, str(value) if isinstance(value, UUID) else value, table.name)
