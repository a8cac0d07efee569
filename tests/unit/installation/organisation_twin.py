"""A twin of an organisation: the methods of `CustomizationClient` over dictionaries."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

from shared.errors import DataError, NotFoundError, Service, UnknownOutcomeError
from shared.installation.wire.customization_client import Counts

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

_SETS = {"webresource": "webresourceset", "environmentvariabledefinition": "environmentvariabledefinitions"}


class KilledError(Exception):
    """The installation was killed here."""


@dataclass
class Table:
    definition: dict[str, Any]
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)


class OrganisationTwin:
    """One organisation. `kill_at` is the number of the write that breaks off; `executed` whether it still counts."""

    def __init__(
        self, *, sales: bool = True, base_language: int = 1033, languages: tuple[int, ...] = (1033, 1043)
    ) -> None:
        self.counts = Counts()
        self.tables: dict[str, Table] = {}
        self.relationships: dict[str, tuple[str, str, str]] = {}
        self.rowsets: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        self.languages, self.base_language = languages, base_language
        self.kill_at: int | None = None
        self.executed = False
        self.lost_answers: set[int] = set()
        self.watch: Callable[[str, dict[str, dict[str, Any]]], None] = lambda _name, _rows: None
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

    # --------------------------------------------------------------------------------------------------------- client

    async def who_am_i(self) -> Any:
        self.counts.reads += 1
        return SimpleNamespace(user_id=self.user, organisation_id=uuid4())

    def outside_the_solution(self) -> OrganisationTwin:
        return self

    def address(self, path: str) -> str:
        return f"https://twin/{path}"

    async def get(self, path: str, **_options: str) -> Any:
        self.counts.reads += 1
        match self._place(path):
            case ("languages",):
                return {"RetrieveProvisionedLanguages": list(self.languages)}
            case ("user-privileges", names):
                held = set(json.loads(unquote(names))) - self.refused_privileges
                return {"RolePrivileges": [{"PrivilegeName": name} for name in held]}
            case ("role-privileges", role):
                return {"RolePrivileges": list(self.rowsets["roles"][role]["privileges"].values())}
            case ("table", table):
                return dict(self._table(table).definition)
            case ("column", table, column):
                return dict(self._column_of(table, column))
        raise AssertionError(path)

    async def get_all(self, paths: list[str]) -> list[Any]:
        self.counts.reads += len(paths)
        return [
            self._labels(path) if path.startswith("RetrieveLocLabels") else await self.get(path.partition("?")[0])
            for path in paths
        ]

    async def collections(self, paths: list[str]) -> list[list[dict[str, Any]]]:
        split = [path.partition("?") for path in paths]
        queries = [dict(part.split("=", 1) for part in unquote(query).split("&") if part) for _, _, query in split]
        return [
            await self.rows(path, filter=query.get("$filter", ""))
            for (path, _, _), query in zip(split, queries, strict=True)
        ]

    async def rows(self, path: str, **options: str) -> list[dict[str, Any]]:
        self.counts.reads += 1
        match self._place(path):
            case ("tables",):
                return [dict(table.definition) for table in self.tables.values()]
            case ("keys", table):
                return [dict(key) for key in self._table(table).keys.values()]
            case ("columns", table):
                return [dict(column) for column in self._table(table).columns.values()]
            case ("columns", table, cast):
                return [dict(one) for one in self._table(table).columns.values() if one["AttributeType"] == cast]
            case ("set", name):
                found = [dict(row) for row in self.rowsets[name].values() if _matches(row, options.get("filter", ""))]
                return [self._expanded(name, row) for row in found]
        raise AssertionError(path)

    async def create(self, path: str, body: Mapping[str, Any]) -> UUID | None:
        with _Write(self):
            match self._place(path):
                case ("tables",):
                    self._create_table(body)
                case ("columns", table):
                    self._create_column(table, body)
                case ("keys", table):
                    name = body["SchemaName"].lower()
                    assert set(body["KeyAttributes"]) <= self._table(table).columns.keys()
                    self._table(table).keys[name] = {**body, "LogicalName": name, "EntityKeyIndexStatus": "Active"}
                case ("relationships",):
                    self._create_lookup(body["Lookup"], [body])
                case ("set", name):
                    return self._insert(name, body)
                case place:
                    raise AssertionError(place)
        return None

    async def replace(self, path: str, body: Mapping[str, Any]) -> None:
        with _Write(self):
            match self._place(path):
                case ("table", table):
                    self._table(table).definition.update(body)
                case ("column", table, column):
                    self._column_of(table, column).update(body)
                case place:
                    raise AssertionError(place)

    async def change(self, path: str, body: Mapping[str, Any], *, if_match: str = "*") -> None:  # noqa: ARG002
        with _Write(self):
            name, key = re.fullmatch(r"(\w+)\(([^)]+)\)", path).groups()  # type: ignore[union-attr]
            self.rowsets[name][key].update({k: v for k, v in body.items() if k != "saskey"})

    async def remove(self, path: str) -> None:
        with _Write(self):
            match self._place(path):
                case ("table", table):
                    if pointing := [name for name, one in self.relationships.items() if one[0] == table]:
                        raise DataError(f"{table} is referenced by {pointing}", service=Service.DATAVERSE)
                    del self.tables[table]
                    self.relationships = {k: v for k, v in self.relationships.items() if v[1] != table}
                case ("column", table, column):
                    del self._table(table).columns[column]
                    self.relationships = {k: v for k, v in self.relationships.items() if v[1:] != (table, column)}
                case ("key", table, key):
                    del self._table(table).keys[key]
                case ("relationship", name):
                    _, table, column = self.relationships.pop(name)
                    self._table(table).columns.pop(column, None)
                case ("row", name, key):
                    if self.rowsets[name].pop(key, None) is None:
                        raise NotFoundError("no row", service=Service.DATAVERSE)
                case place:
                    raise AssertionError(place)

    async def act(self, action: str, body: Mapping[str, Any]) -> Any:
        with _Write(self):
            if match := re.fullmatch(r"roles\(([^)]+)\)/Microsoft.Dynamics.CRM.AddPrivilegesRole", action):
                privileges = self.rowsets["roles"][match[1]]["privileges"]
                privileges.update({one["PrivilegeId"]: dict(one) for one in body["Privileges"]})
            elif match := re.fullmatch(r"systemusers\(([^)]+)\)/systemuserroles_association/\$ref", action):
                role = re.search(r"roles\(([^)]+)\)$", body["@odata.id"])
                self.rowsets["systemusers"][match[1]]["roles"].append(role[1])  # type: ignore[index]
            else:
                getattr(self, f"_act_{action}")(body)

    # -------------------------------------------------------------------------------------------------------- actions

    def _act_AddSolutionComponent(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        assert body["DoNotIncludeSubcomponents"]
        (solution,) = [
            row for row in self.rowsets["solutions"].values() if row["uniquename"] == body["SolutionUniqueName"]
        ]
        self._seed(
            "solutioncomponents",
            solutioncomponentid=str(uuid4()),
            objectid=body["ComponentId"],
            componenttype=body["ComponentType"],
            _solutionid_value=solution["solutionid"],
        )

    def _act_RemoveSolutionComponent(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        own_id = body["SolutionComponent"]["solutioncomponentid"]
        members = self.rowsets["solutioncomponents"]
        (row,) = [key for key, one in members.items() if one["objectid"] == own_id]
        del members[row]

    def _act_InsertStatusValue(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        options = self._column_of(body["EntityLogicalName"], "statuscode")["OptionSet"]["Options"]
        if body["Value"] in [one["Value"] for one in options]:
            raise DataError("taken", service=Service.DATAVERSE, status=400, code="0x80044363")
        options.append({"Value": body["Value"], "Label": body["Label"], "State": body["StateCode"]})

    def _act_InsertOptionValue(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        options = self._column_of(body["EntityLogicalName"], body["AttributeLogicalName"])["OptionSet"]["Options"]
        options.append({"Value": body["Value"], "Label": body["Label"]})

    def _act_UpdateOptionValue(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        options = self._column_of(body["EntityLogicalName"], body["AttributeLogicalName"])["OptionSet"]
        every = options.get("Options") or [options["TrueOption"], options["FalseOption"]]
        (one,) = [option for option in every if option["Value"] == body["Value"]]
        one["Label"] = body["Label"]

    def _act_CreateCustomerRelationships(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        assert {one["ReferencedEntity"] for one in body["OneToManyRelationships"]} == {"account", "contact"}
        self._create_lookup(body["Lookup"], body["OneToManyRelationships"])

    def _act_SetLocLabels(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        kind, key = body["EntityMoniker"].values()
        row = self.rowsets[_SETS[kind.rpartition(".")[2]]][key]
        texts = {one["LanguageCode"]: one["Label"] for one in body["Labels"]}
        row[body["AttributeName"]] = texts[self.base_language]
        row["@texts"] = {**row.get("@texts", {}), body["AttributeName"]: texts}

    def _labels(self, path: str) -> dict[str, Any]:
        """Answer RetrieveLocLabels."""
        _, moniker, column, _ = re.split(r"[?&]@p\d=", unquote(path))
        name, key = re.fullmatch(r"(\w+)\(([^)]+)\)", json.loads(moniker)["@odata.id"]).groups()  # type: ignore[union-attr]
        row, column = self.rowsets[name][key], column.strip("'")
        texts = row.get("@texts", {}).get(column, {}) | {self.base_language: row[column]}
        return {"Label": {"LocalizedLabels": [{"LanguageCode": n, "Label": text} for n, text in texts.items()]}}

    def _act_PublishXml(self, body: Mapping[str, Any]) -> None:  # noqa: N802
        assert body["ParameterXml"].startswith("<importexportxml>")

    # ------------------------------------------------------------------------------------------------------- contents

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


class _Write:
    """One write: counted, killed or without an answer where the test says so."""

    def __init__(self, twin: OrganisationTwin) -> None:
        self._twin = twin

    def __enter__(self) -> None:
        self._twin.counts.writes += 1
        if self._twin.counts.writes == self._twin.kill_at and not self._twin.executed:
            raise KilledError

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        for name, rows in list(self._twin.rowsets.items()):
            self._twin.watch(name, rows)
        if self._twin.counts.writes == self._twin.kill_at:
            raise KilledError
        if self._twin.counts.writes in self._twin.lost_answers:
            raise UnknownOutcomeError("no answer", service=Service.DATAVERSE)


@cache
def _read(condition: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Read a filter: columns with the values that they may have."""
    several = [
        (column, frozenset(re.findall(r"'([^']*)'", values)))
        for column, values in re.findall(r"In\(PropertyName='(\w+)',PropertyValues=\[(.*?)\]\)", condition)
    ]
    single = re.findall(r"(\w+) eq (?:'([^']*)'|([\w-]+))", condition)
    return (*several, *((column, frozenset({text or bare})) for column, text, bare in single))


def _matches(row: Mapping[str, Any], condition: str) -> bool:
    return all(_printed(row.get(column)) in values for column, values in _read(condition))


def _printed(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
