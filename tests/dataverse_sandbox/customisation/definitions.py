"""Definitions that the suites send: labels, columns, tables and relationships in the form of the Web API."""

from __future__ import annotations

from typing import Any

TYPE = "Microsoft.Dynamics.CRM."


def label(english: str, dutch: str = "") -> dict[str, Any]:
    texts = {1033: english, **({1043: dutch} if dutch else {})}
    localized = [
        {"@odata.type": f"{TYPE}LocalizedLabel", "Label": text, "LanguageCode": code} for code, text in texts.items()
    ]
    return {"@odata.type": f"{TYPE}Label", "LocalizedLabels": localized}


def column(kind: str, name: str, **facts: Any) -> dict[str, Any]:
    return {
        "@odata.type": f"{TYPE}{kind}AttributeMetadata",
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "SchemaName": name,
        "DisplayName": label(name),
        "RequiredLevel": {"Value": "None"},
        **facts,
    }


def table(name: str, *columns: dict[str, Any], **facts: Any) -> dict[str, Any]:
    prefix = name.partition("_")[0]
    primary = column("String", f"{prefix}_Name", IsPrimaryName=True, FormatName={"Value": "Text"}, MaxLength=100)
    return {
        "@odata.type": f"{TYPE}EntityMetadata",
        "SchemaName": name,
        "DisplayName": label(name),
        "DisplayCollectionName": label(f"{name}s"),
        "OwnershipType": "UserOwned",
        "IsActivity": False,
        "HasActivities": False,
        "HasNotes": False,
        "Attributes": [primary, *columns],
        **facts,
    }


def lookup(name: str, *, many: bool = False) -> dict[str, Any]:
    return {
        "@odata.type": f"{TYPE}{'Complex' if many else ''}LookupAttributeMetadata",
        "AttributeType": "Lookup",
        "AttributeTypeName": {"Value": "LookupType"},
        "SchemaName": name,
        "DisplayName": label(name),
        "RequiredLevel": {"Value": "None"},
    }


def relationship(name: str, one: str, many: str, column_name: str, **facts: Any) -> dict[str, Any]:
    return {
        "@odata.type": f"{TYPE}OneToManyRelationshipMetadata",
        "SchemaName": name,
        "ReferencedEntity": one,
        "ReferencingEntity": many,
        "Lookup": lookup(column_name),
        **facts,
    }


def options(*labels: str, first: int | None = None) -> dict[str, Any]:
    values = [
        {"Label": label(text)} if first is None else {"Value": first + n, "Label": label(text)}
        for n, text in enumerate(labels)
    ]
    return {
        "@odata.type": f"{TYPE}OptionSetMetadata",
        "IsGlobal": False,
        "OptionSetType": "Picklist",
        "Options": values,
    }
