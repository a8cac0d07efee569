"""What a twin of an organisation holds: definitions of tables, and rows of what belongs to customisation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from shared.errors import DataError, NotFoundError, Service

STANDARD = ("contact", "account", "email", "systemuser", "task", "post", "serviceendpoint", "environmentvariablevalue")
ADMINISTRATION = (
    "Publisher", "Solution", "Role", "BusinessUnit", "WebResource", "SdkMessageProcessingStepImage",
)  # fmt: skip
CUSTOMISING = (
    "prvCreateEntityKey",
    "prvCreateEntity",
    "prvCreateAttribute",
    "prvWriteAttribute",
    "prvCreateRelationship",
)
SALES = ("lead", "list", "listmember", "campaign")
MESSAGES = ("Create", "Update", "Delete", "Merge", "QualifyLead", "AddMember", "AddListMembers")
PERSON_COLUMNS = ("firstname", "lastname", "emailaddress1", "statecode", "donotemail", "donotbulkemail")
_ACCESSES = ("Create", "Read", "Write", "Delete", "Append", "AppendTo", "Assign", "Share")
_KEYS = {
    "serviceendpoints": "serviceendpointid",
    "webresourceset": "webresourceid",
    "environmentvariabledefinitions": "environmentvariabledefinitionid",
    "sdkmessageprocessingsteps": "sdkmessageprocessingstepid",
    "sdkmessageprocessingstepimages": "sdkmessageprocessingstepimageid",
}


@dataclass
class Table:
    definition: dict[str, Any]
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)


class OrganisationContents:
    """Tables, relationships and rows of one organisation, as an administrator finds them in a new one."""

    def __init__(
        self, *, sales: bool = True, base_language: int = 1033, languages: tuple[int, ...] = (1033, 1043)
    ) -> None:
        self.tables: dict[str, Table] = {}
        self.relationships: dict[str, tuple[str, str, str]] = {}
        self.rowsets: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.languages, self.base_language = languages, base_language
        self.user = uuid4()
        unit = str(uuid4())
        self._seed("businessunits", businessunitid=unit, parentbusinessunitid=None)
        self._seed("organizations", organizationid=str(uuid4()), languagecode=base_language)
        self.refused_privileges: set[str] = set()
        names = (*STANDARD, *(SALES if sales else ()))
        for name in (
            *names,
            "sdkmessage",
            "sdkmessagefilter",
            "sdkmessageprocessingstep",
            "environmentvariabledefinition",
        ):
            self._new_table(name, name)
            for column in PERSON_COLUMNS:
                self._column(name, column, "String")
        for name in ADMINISTRATION:
            self._new_table(name.lower(), name)
        for name in CUSTOMISING:
            self._seed("privileges", privilegeid=str(uuid4()), name=name)
        for message in MESSAGES:
            self._seed("sdkmessages", sdkmessageid=str(uuid4()), name=message)

    def _new_table(self, name: str, schema_name: str) -> Table:
        privileges = [
            {"Name": f"prv{access}{schema_name}", "PrivilegeType": access, "PrivilegeId": str(uuid4())}
            for access in _ACCESSES
        ]
        definition = {
            "LogicalName": name,
            "SchemaName": schema_name,
            "MetadataId": str(uuid4()),
            "EntitySetName": f"{name}s",
            "IsManaged": False,
            "Privileges": privileges,
        }
        for message in self.rowsets["sdkmessages"].values():
            self._filter(message, name)
        self.tables[name] = Table(definition)
        return self.tables[name]

    def _filter(self, message: Mapping[str, Any], table: str) -> None:
        self._seed(
            "sdkmessagefilters",
            sdkmessagefilterid=str(uuid4()),
            _sdkmessageid_value=message["sdkmessageid"],
            primaryobjecttypecode=table,
            iscustomprocessingstepallowed=True,
            name=message["name"],  # of the message: `sdkmessageid/name`
        )

    def _create_table(self, body: Mapping[str, Any]) -> None:
        name = body["SchemaName"].lower()
        if name in self.tables:
            raise DataError("taken", service=Service.DATAVERSE, status=400, code="0x80044363")
        assert sum(1 for column in body["Attributes"] if column.get("IsPrimaryName")) == 1
        table = self._new_table(name, body["SchemaName"])
        table.definition.update({key: value for key, value in body.items() if key != "Attributes"})
        for column in body["Attributes"]:
            self._create_column(name, column)
        self._column(name, "statuscode", "Status")["OptionSet"] = {
            "Options": [{"Value": value, "State": value - 1, "Label": {"LocalizedLabels": []}} for value in (1, 2)]
        }

    def _create_column(self, table: str, body: Mapping[str, Any]) -> None:
        assert next(iter(body)) == "@odata.type"
        name = body["SchemaName"].lower()
        if name in self._table(table).columns:
            raise DataError("taken", service=Service.DATAVERSE, status=400, code="0x80047013")
        self._column(table, name, body["AttributeType"]).update(body)

    def _create_lookup(self, lookup: Mapping[str, Any], relationships: list[Mapping[str, Any]]) -> None:
        table, column = relationships[0]["ReferencingEntity"], lookup["SchemaName"].lower()
        for one in relationships:
            self._table(one["ReferencedEntity"])
            self.relationships[one["SchemaName"]] = (one["ReferencedEntity"], table, column)
        targets = [one["ReferencedEntity"] for one in relationships]
        self._column(table, column, "Lookup").update({**lookup, "Targets": targets})

    def _column(self, table: str, name: str, kind: str) -> dict[str, Any]:
        column = {"LogicalName": name, "AttributeType": kind}
        return self._table(table).columns.setdefault(name, column)

    def _insert(self, name: str, body: Mapping[str, Any]) -> UUID:
        identifier = uuid4()
        row: dict[str, Any] = {_KEYS.get(name, f"{name[:-1]}id"): str(identifier)}
        for key, value in body.items():
            if key.endswith("@odata.bind"):
                lookup = key.removesuffix("@odata.bind").removesuffix("_serviceendpoint")
                row[f"_{lookup}_value"] = value.split("(")[1].rstrip(")")
            elif key != "saskey":
                row[key] = value
        if name == "roles":
            row["privileges"] = {}
        if name == "systemusers":
            row["roles"] = []
        row.setdefault("filteringattributes", None)
        self.rowsets[name][str(identifier)] = row
        return identifier

    def _seed(self, collection: str, **row: Any) -> None:
        key = next(value for column, value in row.items() if column.endswith("id"))
        self.rowsets[collection][key] = row
        if collection == "sdkmessages":
            for table in self.tables:
                self._filter(row, table)

    def _expanded(self, name: str, row: dict[str, Any]) -> dict[str, Any]:
        if name == "sdkmessageprocessingsteps":
            row["sdkmessageid"] = self.rowsets["sdkmessages"][row["_sdkmessageid_value"]]
            row["sdkmessagefilterid"] = self.rowsets["sdkmessagefilters"][row["_sdkmessagefilterid_value"]]
        if name == "systemusers":
            row["systemuserroles_association"] = [
                self.rowsets["roles"][role] for role in row["roles"] if role in self.rowsets["roles"]
            ]
        return row

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise NotFoundError(f"no table {name}", service=Service.DATAVERSE)
        return self.tables[name]

    def _column_of(self, table: str, column: str) -> dict[str, Any]:
        return self._table(table).columns[column]

    @staticmethod
    def _place(path: str) -> tuple[str, ...]:
        table = r"EntityDefinitions\(LogicalName='(\w+)'\)"
        cast = r"Microsoft\.Dynamics\.CRM\.(\w+)AttributeMetadata"
        places = {
            r"EntityDefinitions": "tables",
            table: "table",
            rf"{table}/Attributes": "columns",
            rf"{table}/Attributes/{cast}": "columns",
            rf"{table}/Attributes\(LogicalName='(\w+)'\)(?:/Microsoft\.Dynamics\.CRM\.\w+)?": "column",
            rf"{table}/Keys": "keys",
            rf"{table}/Keys\(LogicalName='(\w+)'\)": "key",
            r"RelationshipDefinitions": "relationships",
            r"RelationshipDefinitions\(SchemaName='(\w+)'\)": "relationship",
            r"RetrieveProvisionedLanguages\(\)": "languages",
            r"RetrieveRolePrivilegesRole\(RoleId=([0-9a-f-]+)\)": "role-privileges",
            r"systemusers\([0-9a-f-]+\)/Microsoft.Dynamics.CRM.RetrieveUserSet.*@p1=(.*)": "user-privileges",
            r"(\w+)\(([0-9a-f-]+)\)": "row",
            r"(\w+)(?:/Microsoft\.Dynamics\.CRM\.RetrieveUnpublishedMultiple\(\))?": "set",
        }
        for pattern, place in places.items():
            if match := re.fullmatch(pattern, path):
                return (place, *match.groups())
        raise AssertionError(path)
