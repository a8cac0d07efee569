"""QualifyLead, which turns a lead into customers, and Merge, which joins two records of one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.metadata.schema import ColumnType, Table
from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.privileges import Access
from shared.local.dataverse_sandbox.requests import payload
from shared.local.dataverse_sandbox.requests.invocation import TYPE_PREFIX, Invocation
from shared.local.dataverse_sandbox.rows import values
from shared.local.dataverse_sandbox.rows.store import Row, RowRef
from shared.local.dataverse_sandbox.rows.writes import Saved

_NOT_MAPPED = frozenset({"statecode", "statuscode", "ownerid", "leadid", "subject", "leadqualitycode"})
_MERGEABLE = frozenset({"account", "contact", "lead"})
_OPEN, _QUALIFIED, _FIRST_QUALIFIED = 0, 1, 3


def qualify_lead(call: Invocation) -> dict[str, Any]:
    """Close a lead as qualified and create the requested rows with the lead's values."""
    reference = call.bound_row
    if call.arguments.get("CreateOpportunity"):
        raise not_implemented("The parameter 'CreateOpportunity' of QualifyLead")
    lead = call.writer.store.rows("lead")[reference.id]
    call.writer.rights.require(Access.WRITE, "lead")
    for table in (one for one in ("account", "contact") if call.arguments.get(f"Create{one.title()}")):
        call.writer.rights.require(Access.CREATE, table)
    if lead["statecode"] != _OPEN:
        raise bad_request("The lead is already closed.", "0x80040510")
    tables, made = call.organization.schema.tables, []
    account = contact = None
    if call.arguments.get("CreateAccount"):
        company = {**_mapped(lead, tables["lead"], tables["account"]), "name": lead.get("companyname")}
        account = RowRef("account", call.writer.insert(tables["account"], {**company, "originatingleadid": reference}))
        made.append(account)
    if call.arguments.get("CreateContact"):
        person = {**_mapped(lead, tables["lead"], tables["contact"]), "originatingleadid": reference}
        if account is not None:
            person["parentcustomerid"] = account
        contact = RowRef("contact", call.writer.insert(tables["contact"], person))
        made.append(contact)
    status = values.parse(tables["lead"].columns["statuscode"], call.arguments.get("Status", _FIRST_QUALIFIED), "lead")
    closing = {"statecode": _QUALIFIED, "statuscode": status, "parentaccountid": account, "parentcontactid": contact}
    before = call.writer.store.rows("lead")[reference.id]
    call.writer.change(tables["lead"], reference.id, {name: value for name, value in closing.items() if value})
    parameters = {"LeadId": reference, "Status": status, **_flags(call.arguments)}
    call.writer.events.append(Saved("QualifyLead", "lead", reference.id, before=before, parameters=parameters))
    return {
        "value": [{"@odata.type": f"#{TYPE_PREFIX}{one.table}", tables[one.table].primary_id: one.id} for one in made]
    }


def _flags(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bool(arguments.get(name)) for name in ("CreateAccount", "CreateContact", "CreateOpportunity")}


def _mapped(lead: Row, source: Table, target: Table) -> dict[str, Any]:
    """Copy columns with the same name and type on both sides, as the attribute maps of these tables do."""
    return {
        name: value
        for name, value in lead.items()
        if name in target.columns
        and name not in _NOT_MAPPED
        and not (target.columns[name].readonly or target.columns[name].is_custom)
        and target.columns[name].type is source.columns[name].type
        and source.columns[name].type not in {ColumnType.LOOKUP, ColumnType.UNIQUEIDENTIFIER}
        and (not target.columns[name].options or value in target.columns[name].options)
    }


def merge(call: Invocation) -> None:
    """Deactivate the subordinate, give its related rows to the target. All relationships cascade (inferred)."""
    store, writer = call.writer.store, call.writer
    target, subordinate = call.row_argument("Target"), call.row_argument("Subordinate")
    if target.table != subordinate.table or target.table not in _MERGEABLE or target == subordinate:
        raise bad_request("Two different rows of the same table are needed: account, contact or lead.", "0x80040216")
    writer.rights.require(Access.WRITE, target.table)
    table = call.organization.schema.tables[target.table]
    content = dict(call.arguments.get("UpdateContent") or {})
    content.pop(table.primary_id, None)
    before = store.rows(table.name)[subordinate.id]
    for referrer in store.referrers(subordinate.id):
        related = call.organization.schema.tables[referrer.table]
        if not related.columns[referrer.column].readonly:  # the other columns are derived, or record history
            writer.change(related, referrer.id, {referrer.column: target})
    updates = payload.read(writer.references, table, content).values
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
