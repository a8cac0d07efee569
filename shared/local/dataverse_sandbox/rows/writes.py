"""Create, update, upsert and delete, with the effects that they have in Dataverse. Each write adds an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from shared.local.dataverse_sandbox.components import component_rules
from shared.local.dataverse_sandbox.metadata.schema import Navigation, Table, ToMany, ToOne
from shared.local.dataverse_sandbox.organisation.caller import Caller
from shared.local.dataverse_sandbox.organisation.errors import (
    bad_request,
    duplicate_detected,
    duplicate_key,
    key_missing,
    key_taken,
    row_missing,
    version_mismatch,
)
from shared.local.dataverse_sandbox.organisation.privileges import Access, Rights
from shared.local.dataverse_sandbox.queries import conditions
from shared.local.dataverse_sandbox.requests import payload
from shared.local.dataverse_sandbox.requests.payload import Payload, References
from shared.local.dataverse_sandbox.requests.resource_path import RowAddress
from shared.local.dataverse_sandbox.rows import associations, publication, rules
from shared.local.dataverse_sandbox.rows.store import Row, RowRef, Store

# Rows that are deleted with the row that they belong to; every other lookup is cleared.
_CASCADES = frozenset(
    {("annotation", "objectid"), ("activityparty", "activityid"), ("activityparty", "partyid")}
    | {("listmember", "listid"), ("listmember", "entityid"), ("campaignitem", "campaignid")}
    | {("campaignitem", "entityid"), ("sdkmessageprocessingstepimage", "sdkmessageprocessingstepid")}
    | {("environmentvariablevalue", "environmentvariabledefinitionid"), ("appmoduleroles", "appmoduleid")}
    | {("appmodulecomponent", "appmoduleidunique"), ("solutioncomponent", "solutionid")}
)


@dataclass(frozen=True, slots=True)
class Saved:
    """A write to a row, for the steps registered on it.

    `sent` holds the values of the caller, `target` these with the values that the platform added. `parameters` replace
    the Target of messages that have other input parameters (Merge, QualifyLead …).
    """

    message: str
    table: str
    id: str
    sent: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    before: Row | None = None
    after: Row | None = None
    parameters: Mapping[str, Any] | None = None
    row_version: str | None = None


@dataclass(frozen=True, slots=True)
class Precondition:
    """`If-Match` and `If-None-Match`, as sent."""

    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def must_exist(self) -> bool:
        """Whether the headers forbid to create."""
        return self.if_match is not None

    @property
    def must_be_new(self) -> bool:
        """Whether the headers forbid to update."""
        return self.if_none_match == "*"

    @property
    def version(self) -> str | None:
        """The required row version."""
        return None if self.if_match in {None, "*"} else self.if_match


class Writer:
    """Writes rows for one request, or one change set. `events` are in the order of the writes."""

    def __init__(self, references: References, caller: Caller, now: str) -> None:
        self.store: Store = references.store
        self.caller = caller
        self.rights: Rights = caller.rights
        self.now = now
        self.references = references
        self.events: list[Saved] = []

    def create(self, table: Table, body: Mapping[str, Any]) -> str:
        """Insert the row of a body, with the rows nested in it; returns its id."""
        content = payload.read(self.references, table, body)
        with self.store.transaction():
            return self._create(table, content)

    def update(self, table: Table, identifier: str, body: Mapping[str, Any], version: str | None = None) -> None:
        """Change an existing row; WebApiError 404 without it, 412 if its version is not `version`."""
        self.rights.require(Access.WRITE, table.name)
        old = self.store.get(table.name, identifier)
        if old is None:
            raise row_missing(table.name, identifier)
        self._check_version(old, version)
        content = payload.read(self.references, table, body)
        self._may_point(table, content.values)
        with self.store.transaction():
            rules.check_editable(table, old, content.values)
            rules.check_required(table, content.values)
            content.values.update(component_rules.checked(self.store, table.name, old, content.values))
            self._check_duplicates(table, identifier, {**old, **content.values}, content.values)
            self._add_parents(content)
            self.change(table, identifier, content.values, version)
            self._add_children(RowRef(table.name, identifier), content)

    def upsert(self, address: RowAddress, body: Mapping[str, Any], precondition: Precondition) -> tuple[str, bool]:
        """Update the row, or create it where the precondition allows; returns its id and whether it is new."""
        table = address.table
        old = self.store.get(table.name, address.id) if address.id else None
        if old is not None and address.id is not None:
            if precondition.must_be_new:
                raise key_taken()
            ignored = set(address.key or ()) | {table.primary_id}
            changes = {name: value for name, value in body.items() if name not in ignored}
            self.update(table, address.id, changes, precondition.version)
            return address.id, False
        if precondition.must_exist:
            self.rights.require(Access.WRITE, table.name)
            raise key_missing(table.name) if address.key else row_missing(table.name, str(address.id))
        content = payload.read(self.references, table, body)
        # Key columns of the body win over those of the URL.
        values = {**self._key_values(address), **content.values}
        with self.store.transaction():
            return self._create(table, Payload(values, content.nested, content.links)), True

    def delete(self, table: Table, identifier: str, version: str | None = None) -> None:
        """Remove a row and its dependants; WebApiError 404 without it, 412 if its version is not `version`."""
        self.rights.require(Access.DELETE, table.name)
        old = self.store.get(table.name, identifier)
        if old is None:
            raise row_missing(table.name, identifier)
        self._check_version(old, version)
        component_rules.check_deletion(self.store, table.name, old)
        with self.store.transaction():
            self.remove(table, identifier)

    def insert(self, table: Table, values: Mapping[str, Any]) -> str:
        """Insert stored values and fire Create."""
        sent = dict(values)
        identifier: str = sent.setdefault(table.primary_id, str(uuid4()))
        if self.store.get(table.name, identifier) is not None:
            raise key_taken()
        if table.is_activity:  # activities are always created as open
            sent = {name: value for name, value in sent.items() if name not in {"statecode", "statuscode"}}
        row = rules.created(table, self.caller.user, self.unit, self.now, self.caller.behalf)
        wanted = {**sent, **self._currency(table, sent)}
        rules.check_state(table, row, wanted)
        row.update(wanted)
        row.update(rules.computed(table, {}, wanted))
        row.update(rules.touched(table, self.caller.user, self.now, self.caller.behalf))
        self._check_keys(table, identifier, row)
        after = self._put(table, identifier, row)
        self.events.append(Saved("Create", table.name, identifier, sent=sent, target=after, after=after))
        associations.count_members(self.store, table, after, 1)
        return identifier

    def change(self, table: Table, identifier: str, values: Mapping[str, Any], version: str | None = None) -> None:
        """Change stored values and fire Update, even if no value differs."""
        old = self.store.rows(table.name)[identifier]
        sent = {name: value for name, value in values.items() if name != table.primary_id}
        changes = {**sent, **self._currency(table, sent)}
        rules.check_state(table, old, changes)
        changes.update(rules.computed(table, old, changes))
        changes.update(rules.touched(table, self.caller.user, self.now, self.caller.behalf))
        row = {**old, **changes}
        self._check_keys(table, identifier, row)
        after = self._put(table, identifier, row)
        target = {**changes, table.primary_id: identifier}
        sent[table.primary_id] = identifier
        self.events.append(
            Saved("Update", table.name, identifier, sent, target, old, after, row_version=_number(version))
        )

    def remove(self, table: Table, identifier: str) -> None:
        """Delete and fire Delete: dependants first, then the row itself."""
        for referrer in self.store.referrers(identifier):
            dependant = self.store.get(referrer.table, referrer.id)
            if dependant is None:
                continue
            behaviour = self.store.schema.on_delete(table.name, referrer.table, referrer.column)
            if behaviour == "Restrict":
                raise bad_request(f"The row cannot be deleted: a row of '{referrer.table}' points to it.", "0x80040227")
            if behaviour == "Cascade" or (referrer.table, referrer.column) in _CASCADES:
                self.remove(self.store.schema.tables[referrer.table], referrer.id)
            else:
                cleared = {name: value for name, value in dependant.items() if name != referrer.column}
                self.store.put(referrer.table, referrer.id, cleared)
        old = self.store.rows(table.name)[identifier]
        self.store.remove(table.name, identifier)
        if table.is_activity:
            self.store.remove("activitypointer", identifier)
        associations.count_members(self.store, table, old, -1)
        self.events.append(Saved("Delete", table.name, identifier, before=old))

    @property
    def unit(self) -> RowRef:
        """The business unit of the user on whose behalf the call acts."""
        unit: RowRef = self.store.rows("systemuser")[self.caller.user.id]["businessunitid"]
        return unit

    def _create(self, table: Table, content: Payload) -> str:
        self.rights.require(Access.CREATE, table.name)
        if "ownerid" in table.columns:  # an owner needs the privilege to read the row
            self.rights.require(Access.READ, table.name)
        self._add_parents(content)
        self._may_point(table, content.values)
        rules.check_required(table, {**dict.fromkeys(table.required), **table.defaults, **content.values})
        content.values.update(component_rules.checked(self.store, table.name, {}, content.values))
        self._check_duplicates(table, None, content.values, content.values)
        if table.name == "sdkmessageprocessingstep":
            rules.check_step(self.store.follow(content.values.get("sdkmessagefilterid")))
        identifier = self.insert(table, content.values)
        self._add_children(RowRef(table.name, identifier), content)
        return identifier

    def _may_point(self, table: Table, values: Mapping[str, Any]) -> None:
        """Require the privileges to set the lookups among values; clearing a lookup needs only the write privilege."""
        for name, value in values.items():
            if not isinstance(value, RowRef):
                continue
            if name == "ownerid":
                self.rights.require(Access.ASSIGN, table.name)
            else:
                self.rights.require_link(table.name, value.table)

    def _add_parents(self, content: Payload) -> None:
        for navigation, body in content.nested:
            if isinstance(navigation, ToOne):
                if not isinstance(body, Mapping):
                    raise bad_request(f"The navigation property '{navigation.name}' takes an object.", "0x80048d19")
                parent = self.store.schema.tables[navigation.target]
                content.values[navigation.column] = RowRef(parent.name, self.create(parent, body))

    def _add_children(self, near: RowRef, content: Payload) -> None:
        for navigation, rows in content.links:
            for row in rows:
                associations.link(self, navigation, near, row)
        for navigation, bodies in content.nested:
            if isinstance(navigation, ToOne):
                continue
            if not isinstance(bodies, list):
                raise bad_request(f"The navigation property '{navigation.name}' takes an array.", "0x80048d19")
            child = self.store.schema.tables[navigation.target]
            for body in bodies:
                self._add_child(navigation, child, near, body)

    def _add_child(self, navigation: Navigation, child: Table, near: RowRef, body: Mapping[str, Any]) -> None:
        content = payload.read(self.references, child, body)
        if isinstance(navigation, ToMany):
            content.values[navigation.column] = near
            self._create(child, content)
        else:
            associations.link(self, navigation, near, RowRef(child.name, self._create(child, content)))

    def _put(self, table: Table, identifier: str, row: Mapping[str, Any]) -> Row:
        after = self.store.put(
            table.name,
            identifier,
            publication.unpublished(table.name, {name: value for name, value in row.items() if value is not None}),
        )
        if table.is_activity:
            common = self.store.schema.tables["activitypointer"].columns
            self.store.put(
                "activitypointer", identifier, {name: value for name, value in after.items() if name in common}
            )
        return after

    def _currency(self, table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
        if not rules.needs_currency(table, values) or values.get("transactioncurrencyid"):
            return {}
        organization = next(iter(self.store.rows("organization").values()))
        return {"transactioncurrencyid": organization["basecurrencyid"]}

    def _check_keys(self, table: Table, identifier: str, row: Row) -> None:
        for key in table.active_keys:
            holder = self.store.key_holder(table.name, key, row)
            if holder is not None and holder != identifier:
                raise duplicate_key(table.name, key)

    def _check_duplicates(self, table: Table, identifier: str | None, row: Row, changes: Mapping[str, Any]) -> None:
        """Apply the duplicate detection rules to written columns, if the caller switches detection on."""
        if not self.caller.detects_duplicates:
            return
        for rule in table.duplicate_rules:
            wanted = [conditions.plain(row.get(column)) for column in rule]
            if None in wanted or changes.keys().isdisjoint(rule):
                continue
            for other in self.store.rows(table.name).values():
                found = [conditions.plain(other.get(column)) for column in rule]
                if found == wanted and other[table.primary_id] != identifier:
                    raise duplicate_detected()

    def _key_values(self, address: RowAddress) -> dict[str, Any]:
        if address.key is None:
            return {address.table.primary_id: address.id}
        return dict(address.key)

    def _check_version(self, old: Row, version: str | None) -> None:
        if version is not None and _number(version) != str(old["versionnumber"]):
            raise version_mismatch()


def _number(version: str | None) -> str | None:
    return version.strip().removeprefix("W/").strip('"') if version else None
