"""Actions and functions: WhoAmI, the bulk messages, QualifyLead, Merge, list membership, BulkDelete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from shared.local.sandbox.dataverse import associations, conditions, payload, resource_path
from shared.local.sandbox.dataverse.conditions import Circumstances
from shared.local.sandbox.dataverse.errors import bad_request, row_missing
from shared.local.sandbox.dataverse.organization import Organization
from shared.local.sandbox.dataverse.schema import ColumnType, ManyToMany, Table
from shared.local.sandbox.dataverse.store import Row, RowRef
from shared.local.sandbox.dataverse.writes import Precondition, Saved, Writer

_TYPE_PREFIX = "Microsoft.Dynamics.CRM."
_NOT_MAPPED = frozenset({"statecode", "statuscode", "ownerid", "leadid", "subject", "leadqualitycode"})
_MERGEABLE = frozenset({"account", "contact", "lead"})
_OPEN, _QUALIFIED = 0, 1


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of an action: its parameters, and the table or row that it is bound to."""

    organization: Organization
    writer: Writer
    table: Table | None
    row: RowRef | None
    arguments: Mapping[str, Any]


Action = Callable[[Invocation], dict[str, Any] | None]


def find(name: str, table: Table | None, identifier: str | None) -> Action | None:
    """Return the action of this name with this kind of binding; None if there is none."""
    if identifier is not None and table is not None:
        return _ON_ROW.get((table.name, name))
    return _ON_TABLE.get(name) if table is not None else _UNBOUND.get(name)


def _who_am_i(call: Invocation) -> dict[str, Any]:
    return {
        "BusinessUnitId": call.writer.unit.id,
        "UserId": call.writer.caller.user.id,
        "OrganizationId": str(call.organization.id),
    }


def _current_organization(call: Invocation) -> dict[str, Any]:
    root = call.writer.caller.base_url.split("/api/", 1)[0]
    endpoints = {"WebApplication": f"{root}/", "OrganizationDataService": f"{call.writer.caller.base_url}/"}
    return {
        "Detail": {
            "OrganizationId": str(call.organization.id),
            "FriendlyName": call.organization.name,
            "UniqueName": call.organization.name,
            "UrlName": call.organization.name,
            "EnvironmentId": str(call.organization.id),
            "OrganizationVersion": "9.2.0.0",
            "State": "Enabled",
            "Endpoints": {"Keys": list(endpoints), "Values": list(endpoints.values()), "Count": len(endpoints)},
        }
    }


def _available_languages(_call: Invocation) -> dict[str, Any]:
    return {"LocaleIds": [1033]}


# ------------------------------------------------------------------------------------------------------- bulk messages


def _create_multiple(call: Invocation) -> dict[str, Any]:
    return {"Ids": [call.writer.create(table, target) for table, target in _targets(call)]}


def _update_multiple(call: Invocation) -> None:
    for table, target in _targets(call):
        identifier = target.get(table.primary_id)
        if not isinstance(identifier, str):
            raise bad_request(f"The target lacks its primary key '{table.primary_id}'.")
        call.writer.update(table, identifier.lower(), target)


def _upsert_multiple(call: Invocation) -> None:
    for table, target in _targets(call):
        reference = target.get("@odata.id") or f"{table.set_name}({target.get(table.primary_id)})"
        key = resource_path.segments(str(reference))[0].key
        if key is None:
            raise bad_request("The target has neither a primary key nor an @odata.id with a key.")
        address = resource_path.address(call.writer.store, table, key)
        call.writer.upsert(address, target, Precondition())


def _targets(call: Invocation) -> list[tuple[Table, Mapping[str, Any]]]:
    table, targets = call.table, call.arguments.get("Targets")
    if table is None or not isinstance(targets, list) or not targets:
        raise bad_request("The parameter 'Targets' must be a list of rows.")
    for target in targets:
        if str(target.get("@odata.type", "")).lstrip("#") != f"{_TYPE_PREFIX}{table.name}":
            raise bad_request(f"Each target needs '@odata.type': '{_TYPE_PREFIX}{table.name}'.", "0x80048d19")
    return [(table, target) for target in targets]


def _bulk_delete(call: Invocation) -> dict[str, Any]:
    """Delete at once what the real service deletes in a system job."""
    schema, store = call.organization.schema, call.writer.store
    circumstances = Circumstances(call.organization.now(), call.writer.caller.user)
    for query in call.arguments.get("QuerySet", ()):
        table = schema.tables[query["EntityName"]]
        tests: list[tuple[str, conditions.Test]] = []
        for condition in query["Criteria"]["Conditions"]:
            column = table.columns[condition["AttributeName"]]
            operands = [value["Value"] for value in condition["Values"]]
            operator = {"Equal": "eq"}.get(condition["Operator"], condition["Operator"].lower())
            tests.append((column.name, conditions.test(operator, column, operands, circumstances)))
        doomed = [
            row[table.primary_id]
            for row in store.rows(table.name).values()
            if all(passes(row.get(name)) for name, passes in tests)
        ]
        for identifier in doomed:
            call.writer.remove(table, identifier)
    return {"JobId": str(uuid4())}


# --------------------------------------------------------------------------------------------------- leads and merging


def _qualify_lead(call: Invocation) -> dict[str, Any]:
    """Close a lead as qualified and create the rows that the caller wants, with the lead's values."""
    reference = _bound_row(call)
    lead = call.writer.store.rows("lead")[reference.id]
    if lead["statecode"] != _OPEN:
        raise bad_request("The lead is already closed.", "0x80040510")
    tables, made = call.organization.schema.tables, []
    account = contact = None
    if call.arguments.get("CreateAccount"):
        values = {**_mapped(lead, tables["lead"], tables["account"]), "name": lead.get("companyname")}
        account = RowRef("account", call.writer.insert(tables["account"], {**values, "originatingleadid": reference}))
        made.append(account)
    if call.arguments.get("CreateContact"):
        values = {**_mapped(lead, tables["lead"], tables["contact"]), "originatingleadid": reference}
        if account is not None:
            values["parentcustomerid"] = account
        contact = RowRef("contact", call.writer.insert(tables["contact"], values))
        made.append(contact)
    status = call.arguments.get("Status", 3)
    closing = {"statecode": _QUALIFIED, "statuscode": status, "parentaccountid": account, "parentcontactid": contact}
    before = call.writer.store.rows("lead")[reference.id]
    call.writer.change(tables["lead"], reference.id, {name: value for name, value in closing.items() if value})
    parameters = {"LeadId": reference, "Status": status, **_flags(call.arguments)}
    call.writer.events.append(Saved("QualifyLead", "lead", reference.id, before=before, parameters=parameters))
    return {"value": [{"@odata.type": f"#{_TYPE_PREFIX}{one.table}", tables[one.table].primary_id: one.id} for one in made]}


def _flags(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bool(arguments.get(name)) for name in ("CreateAccount", "CreateContact", "CreateOpportunity")}


def _mapped(lead: Row, source: Table, target: Table) -> dict[str, Any]:
    """Copy what has the same name and type on both sides, as the attribute maps of these tables do."""
    return {
        name: value
        for name, value in lead.items()
        if name in target.columns
        and name not in _NOT_MAPPED
        and not target.columns[name].readonly
        and target.columns[name].type is source.columns[name].type
        and source.columns[name].type not in {ColumnType.LOOKUP, ColumnType.UNIQUEIDENTIFIER}
        and (not target.columns[name].options or value in target.columns[name].options)
    }


def _merge(call: Invocation) -> None:
    """Deactivate the subordinate, give its related rows to the target. All relationships cascade (inferred)."""
    store, writer = call.writer.store, call.writer
    target, subordinate = _row_argument(call, "Target"), _row_argument(call, "Subordinate")
    if target.table != subordinate.table or target.table not in _MERGEABLE or target == subordinate:
        raise bad_request("Two different rows of the same table are needed: account, contact or lead.", "0x80040216")
    table = call.organization.schema.tables[target.table]
    content = dict(call.arguments.get("UpdateContent") or {})
    content.pop(table.primary_id, None)
    before = store.rows(table.name)[subordinate.id]
    for referrer in store.referrers(subordinate.id):
        if (referrer.table, referrer.column) == (table.name, "masterid") or referrer.table == "activitypointer":
            continue
        writer.change(call.organization.schema.tables[referrer.table], referrer.id, {referrer.column: target})
    updates = payload.read(store, table, content, {}).values
    if updates:
        writer.change(table, target.id, updates)
    closed = {"masterid": target, "merged": True, "statecode": 2 if table.name == "lead" else 1}
    writer.change(table, subordinate.id, closed)
    parameters = {
        "Target": target,
        "SubordinateId": subordinate.id,
        "UpdateContent": updates,
        "PerformParentingChecks": bool(call.arguments.get("PerformParentingChecks")),
    }
    writer.events.append(Saved("Merge", table.name, target.id, before=before, parameters=parameters))


# ------------------------------------------------------------------------------------------------------ list membership


def _add_list_members(call: Invocation) -> None:
    marketing_list = _row_argument(call, "List")
    members = [_typed_row(call, member) for member in call.arguments.get("Members", ())]
    _add(call, marketing_list, members)
    parameters = {"ListId": marketing_list.id, "MemberIds": [member.id for member in members]}
    call.writer.events.append(Saved("AddListMembers", "list", marketing_list.id, parameters=parameters))


def _add_member(call: Invocation) -> dict[str, Any]:
    marketing_list, identifier = _bound_row(call), str(call.arguments.get("EntityId", "")).lower()
    table = next((one for one in _MERGEABLE if call.writer.store.get(one, identifier)), None)
    if table is None:
        raise row_missing("contact", identifier)
    _add(call, marketing_list, [RowRef(table, identifier)])
    parameters = {"ListId": marketing_list.id, "EntityId": identifier}
    call.writer.events.append(Saved("AddMember", "list", marketing_list.id, parameters=parameters))
    navigation = _membership(call, table)
    return {"Id": associations.intersection(call.writer.store, navigation, marketing_list.id, identifier)}


def _add(call: Invocation, marketing_list: RowRef, members: Sequence[RowRef]) -> None:
    for member in members:
        navigation = _membership(call, member.table)
        # Unlike $ref, these actions pass over who is a member already.
        if associations.intersection(call.writer.store, navigation, marketing_list.id, member.id) is None:
            associations.link(call.writer, navigation, marketing_list, member)


def _membership(call: Invocation, table: str) -> ManyToMany:
    navigation = call.organization.schema.tables["list"].navigations[f"list{table}_association"]
    if not isinstance(navigation, ManyToMany):
        raise TypeError(navigation)
    return navigation


# ----------------------------------------------------------------------------------------------------------- arguments


def _bound_row(call: Invocation) -> RowRef:
    if call.row is None:
        raise bad_request("The action must be bound to a row.")
    return call.row


def _row_argument(call: Invocation, name: str) -> RowRef:
    value = call.arguments.get(name)
    if not isinstance(value, dict):
        raise bad_request(f"The parameter '{name}' must be a row.", "0x80048d19")
    return _typed_row(call, value)


def _typed_row(call: Invocation, value: Mapping[str, Any]) -> RowRef:
    name = str(value.get("@odata.type", "")).lstrip("#").removeprefix(_TYPE_PREFIX)
    table = call.organization.schema.tables.get(name)
    if table is None:
        raise bad_request("A row in a parameter needs its '@odata.type'.", "0x80048d19")
    identifier = str(value.get(table.primary_id, "")).lower()
    if call.writer.store.get(name, identifier) is None:
        raise row_missing(name, identifier)
    return RowRef(name, identifier)


_UNBOUND: Mapping[str, Action] = {
    "WhoAmI": _who_am_i,
    "RetrieveCurrentOrganization": _current_organization,
    "RetrieveAvailableLanguages": _available_languages,
    "AddListMembersList": _add_list_members,
    "Merge": _merge,
    "BulkDelete": _bulk_delete,
}
_ON_TABLE: Mapping[str, Action] = {
    "CreateMultiple": _create_multiple,
    "UpdateMultiple": _update_multiple,
    "UpsertMultiple": _upsert_multiple,
}
_ON_ROW: Mapping[tuple[str, str], Action] = {
    ("lead", "QualifyLead"): _qualify_lead,
    ("list", "AddMemberList"): _add_member,
}
