"""Tables in `customizations.xml`: columns, keys, forms, views, charts, and the relationships between tables.

Source: `CustomizationsSolution.xsd` of Microsoft, and its sample solutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from shared.local.dataverse_sandbox.components.localized_labels import row_texts
from shared.local.dataverse_sandbox.metadata.schema import Definition
from shared.local.dataverse_sandbox.rows.store import Row
from shared.local.dataverse_sandbox.solution_files.contents import TABLE_OF_ROW, WHOLE, Contents
from shared.local.dataverse_sandbox.solution_files.xml_writing import (
    add,
    add_parsed,
    add_texts,
    braced,
    managed_value,
    texts_of,
)

_TYPES: Mapping[str, str] = {
    "String": "nvarchar", "Memo": "ntext", "Integer": "int", "BigInt": "bigint", "Decimal": "decimal",
    "Double": "float", "Money": "money", "Boolean": "bit", "DateTime": "datetime", "Picklist": "picklist",
    "State": "state",
    "Status": "status", "Lookup": "lookup", "Customer": "customer", "Owner": "owner", "Uniqueidentifier": "primarykey",
    "PartyList": "partylist", "Virtual": "multiselectpicklist", "EntityName": "nvarchar",
}  # fmt: skip
_REQUIRED = {"None": "none", "Recommended": "recommended", "ApplicationRequired": "required"}
_FORMS = {2: "main", 6: "quick", 7: "quickCreate", 11: "card"}
_CASCADES = ("Assign", "Delete", "Reparent", "Share", "Unshare")


def add_tables(root: Element, contents: Contents) -> None:
    """Add the element `Entities`."""
    entities = add(root, "Entities")
    for table, behavior in contents.tables:
        name = table["LogicalName"]
        entity = add(entities, "Entity")
        shown = next((text for _, text in texts_of(table["DisplayName"])), name)
        add(entity, "Name", table["SchemaName"], LocalizedName=shown, OriginalName=shown)
        add(entity, "ObjectTypeCode", table["ObjectTypeCode"])
        info = add(add(entity, "EntityInfo"), "entity", Name=table["SchemaName"])
        if behavior == WHOLE:
            add_texts(info, "LocalizedNames", "LocalizedName", texts_of(table["DisplayName"]))
            add_texts(
                info, "LocalizedCollectionNames", "LocalizedCollectionName", texts_of(table["DisplayCollectionName"])
            )
            add_texts(info, "Descriptions", "Description", texts_of(table["Description"]))
            add(info, "EntitySetName", table["EntitySetName"])
            add(info, "OwnershipTypeMask", table.get("OwnershipType"))
        columns = contents.columns(table, behavior)
        _add_columns(info, columns)
        _add_keys(info, table, {one["LogicalName"] for one in columns})
        _add_forms(entity, _of_table(contents, "systemform", name), contents)
        _add_views(entity, _of_table(contents, "savedquery", name), contents)
        _add_charts(entity, _of_table(contents, "savedqueryvisualization", name), contents)


def add_relationships(root: Element, contents: Contents) -> None:
    """Add the element `EntityRelationships`."""
    group = add(root, "EntityRelationships")
    for one in contents.relationships:
        relation = add(group, "EntityRelationship", Name=one["SchemaName"])
        add(relation, "EntityRelationshipType", "OneToMany")
        add(relation, "ReferencingEntityName", one["ReferencingEntity"])
        add(relation, "ReferencedEntityName", one["ReferencedEntity"])
        for cascade in _CASCADES:
            add(relation, f"Cascade{cascade}", one["CascadeConfiguration"].get(cascade, "NoCascade"))
        add(relation, "ReferencingAttributeName", one["ReferencingAttribute"])


def _of_table(contents: Contents, kind: str, table: str) -> list[Row]:
    return [row for row in contents.rows(kind) if row[TABLE_OF_ROW[kind]] == table]


def _add_columns(info: Element, columns: list[Definition]) -> None:
    group = add(info, "attributes")
    for one in columns:
        column = add(group, "attribute", PhysicalName=one["SchemaName"])
        add(column, "Type", _TYPES[one["AttributeType"]])
        add(column, "Name", one["LogicalName"])
        add(column, "LogicalName", one["LogicalName"])
        add(column, "RequiredLevel", _REQUIRED.get(one["RequiredLevel"]["Value"], "systemrequired"))
        add(column, "IsCustomField", one["IsCustomAttribute"])
        add(column, "IsAuditEnabled", managed_value(one, "IsAuditEnabled"))
        for name in ("MaxLength", "MinValue", "MaxValue"):
            if one.get(name) is not None:
                add(column, name, one[name])
        if one.get("Precision") is not None:
            add(column, "Accuracy", one["Precision"])
        if one.get("OptionSet"):
            _add_options(column, one["OptionSet"])
        add_texts(column, "displaynames", "displayname", texts_of(one["DisplayName"]))
        add_texts(column, "Descriptions", "Description", texts_of(one["Description"]))


def _add_options(column: Element, choice: Definition) -> None:
    if choice["IsGlobal"]:
        add(column, "OptionSetName", choice["Name"])
        return
    kind = str(choice["OptionSetType"]).lower()
    options = choice.get("Options") or [choice["FalseOption"], choice["TrueOption"]]
    optionset = add(column, "optionset", Name=choice["Name"])
    add(optionset, "OptionSetType", "bit" if kind == "boolean" else kind)
    member = {"state": "state", "status": "status"}.get(kind, "option")
    group = add(optionset, {"state": "states", "status": "statuses"}.get(kind, "options"))
    for one in options:
        further = {"state": one["State"]} if member == "status" else {}
        if member == "state":
            further = {"defaultstatus": 1 + one["Value"], "invariantname": _first(one["Label"])}
        option = add(group, member, value=one["Value"], **further)
        add_texts(option, "labels", "label", texts_of(one["Label"]))


def _first(label: Definition) -> str:
    return next((text for _, text in texts_of(label)), "")


def _add_keys(info: Element, table: Definition, columns: set[str]) -> None:
    keys = [one for one in table["Keys"] if columns.issuperset(one["KeyAttributes"])]
    if not keys:
        return
    group = add(info, "EntityKeys")
    for one in keys:
        key = add(group, "EntityKey")
        add(key, "Name", one["SchemaName"])
        add(key, "LogicalName", one["LogicalName"])
        add_texts(key, "displaynames", "displayname", texts_of(one.get("DisplayName")))
        attributes = add(key, "EntityKeyAttributes")
        for column in one["KeyAttributes"]:
            add(attributes, "AttributeName", column)


def _add_forms(entity: Element, rows: list[Row], contents: Contents) -> None:
    if not rows:
        return
    group = add(entity, "FormXml")
    for kind, word in _FORMS.items():
        own = [row for row in rows if row["type"] == kind]
        forms = add(group, "forms", type=word) if own else group
        for row in own:
            form = add(forms, "systemform")
            add(form, "formid", braced(row["formid"]))
            add(form, "FormActivationState", row["formactivationstate"])
            add_parsed_form(form, row["formxml"])
            add_texts(form, "LocalizedNames", "LocalizedName", row_texts(row, "name", contents.base_language))


def add_parsed_form(parent: Element, formxml: str) -> None:
    """Add the `form` of a form or dashboard itself."""
    add_parsed(parent, "form", formxml)
    wrapper = parent[-1]
    parent.remove(wrapper)
    parent.extend(wrapper)


def _add_views(entity: Element, rows: list[Row], contents: Contents) -> None:
    if not rows:
        return
    group = add(add(entity, "SavedQueries"), "savedqueries")
    for row in rows:
        view = add(group, "savedquery")
        add(view, "savedqueryid", braced(row["savedqueryid"]))
        add_parsed(view, "fetchxml", row["fetchxml"])
        add_parsed(view, "layoutxml", row["layoutxml"])
        add(view, "querytype", row["querytype"])
        add(view, "isdefault", bool(row.get("isdefault")))
        add_texts(view, "LocalizedNames", "LocalizedName", row_texts(row, "name", contents.base_language))


def _add_charts(entity: Element, rows: list[Row], contents: Contents) -> None:
    if not rows:
        return
    group = add(entity, "Visualizations")
    for row in rows:
        chart = add(group, "visualization")
        add(chart, "savedqueryvisualizationid", braced(row["savedqueryvisualizationid"]))
        add_parsed(chart, "datadescription", row["datadescription"])
        add_parsed(chart, "presentationdescription", row["presentationdescription"])
        add_texts(chart, "LocalizedNames", "LocalizedName", row_texts(row, "name", contents.base_language))
