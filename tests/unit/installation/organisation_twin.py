"""A twin of an organisation: the methods of `CustomizationClient` over dictionaries."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

from shared.errors import DataError, NotFoundError, Service, UnknownOutcomeError
from shared.installation.wire.customization_client import Counts
from tests.unit.installation.organisation_contents import OrganisationContents

_SETS = {"webresource": "webresourceset", "environmentvariabledefinition": "environmentvariabledefinitions"}


class KilledError(Exception):
    """The installation was killed here."""


class OrganisationTwin(OrganisationContents):
    """One organisation. `kill_at` is the number of the write that breaks off; `executed` whether it still counts."""

    def __init__(
        self, *, sales: bool = True, base_language: int = 1033, languages: tuple[int, ...] = (1033, 1043)
    ) -> None:
        super().__init__(sales=sales, base_language=base_language, languages=languages)
        self.counts = Counts()
        self.kill_at: int | None = None
        self.executed = False
        self.lost_answers: set[int] = set()
        self.watch: Callable[[str, dict[str, dict[str, Any]]], None] = lambda _name, _rows: None

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
