"""A twin of an organisation for the pages of the installer: rows that are saved and rows that are published.

It checks what Dataverse checks of them: text that is XML, an empty list of libraries, views of subgrids that exist,
unique ids within a form, versions. It ends after some number of writes, if a test says so.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid5

from lxml import etree

from shared.errors import ConflictError, DataError, Service
from shared.installation.wire.states import State
from tests.customisation import existing_form

KEYS = {
    "savedqueries": "savedqueryid",
    "savedqueryvisualizations": "savedqueryvisualizationid",
    "systemforms": "formid",
    "appactions": "appactionid",
    "appmodules": "appmoduleid",
    "sitemaps": "sitemapid",
}
CONDITION = re.compile(r"(\w+) eq ('(?:[^']|'')*'|[\w-]+)")
ROLES = {
    "Spotler User": "",
    "Spotler Marketer": "",
    "Spotler Read Only": "",
    "Systeembeheerder": "627090ff-40a3-4053-8790-584edc5be201",
}
"""Template by name: Microsoft translates the names of its own roles."""
SCRIPTS = ("dh_spotlerconsole.js", "dh_spotlerlist.js", "dh_spotlerperson.js", "dh_spotlerhub.svg")
FROZEN = ("account:Interactive",)
"""Managed forms that nobody may change."""
NAMESPACE = UUID("6d81597f-0f9f-e711-8122-000d3aa2331c")


class KilledError(Exception):
    """Stands for the death of the installer."""


class PageOrganisation:
    """Implements what `CustomizationClient` is asked for pages."""

    def __init__(self, forms: Mapping[str, str]) -> None:
        """`forms` are the main forms that exist: sample by name, with its table before a colon."""
        self.saved: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in KEYS}
        self.published: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in KEYS}
        self.writes = 0
        self.publications = 0
        self.lives: int | None = None
        self.components: set[tuple[str, str]] = set()
        self.associated: set[tuple[str, str]] = set()
        self.loses_apps = False
        self.tables = list(dict.fromkeys(name.partition(":")[0] for name in forms))
        self.scripts = list(SCRIPTS)
        for name, sample in forms.items():
            table = name.partition(":")[0]
            formxml = existing_form(sample) if sample else "<form><tabs><tab/></tabs></form>"
            columns = {"name": name, "objecttypecode": table, "type": 2, "formactivationstate": 1, "formxml": formxml}
            columns["iscustomizable"] = {"Value": name not in FROZEN, "CanBeChanged": False}
            self.saved["systemforms"][str(uuid5(NAMESPACE, name))] = columns | {"@odata.etag": 'W/"1"'}
        self._publish(lambda _: True)

    def state(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What users see, without versions."""
        return {
            name: {key: {c: v for c, v in row.items() if c != "@odata.etag"} for key, row in rows.items()}
            for name, rows in self.published.items()
        }

    # ------------------------------------------------------------------------ what the installer calls

    async def rows(self, path: str, *, select: str = "", filter: str = "") -> list[dict[str, Any]]:  # noqa: A002
        if path == "EntityDefinitions":
            return [self._definition(table) for table in self.tables]
        if path == f"webresourceset{State.SAVED.value}":
            return [{"webresourceid": str(uuid5(NAMESPACE, name))} for name in self.scripts if f"'{name}'" in filter]
        if path == "appmodulecomponents":
            assert select == "objectid"
            return [{"objectid": component} for _, component in self.components]
        if path == "roles":
            return [
                self._role(name) for name in ROLES if f"'{name}'" in filter or (ROLES[name] and ROLES[name] in filter)
            ]
        if path.startswith("roles?fetchXml="):
            return [self._role(name) for of, name in self.associated if of in path]
        entity_set, _, unpublished = path.partition("/")
        return self._pages((self.saved if unpublished else self.published)[entity_set], entity_set, select, filter)

    def _pages(
        self, rows: Mapping[str, dict[str, Any]], entity_set: str, select: str, condition: str
    ) -> list[dict[str, Any]]:
        wanted = [
            [(column, literal.strip("'").replace("''", "'")) for column, literal in CONDITION.findall(alternative)]
            for alternative in condition.split(" or ")
        ]
        found = []
        for key, row in rows.items():
            whole = {**row, KEYS[entity_set]: key}
            if any(all(str(whole.get(column)) == value for column, value in one) for one in wanted):
                found.append({column: whole.get(column) for column in [*select.split(","), "@odata.etag"]})
        return found

    async def create(self, path: str, body: Mapping[str, Any]) -> UUID:
        self._live()
        columns = dict(body)
        if path == "appmodules":
            columns["uniquename"] = "dh_" + columns["uniquename"]
            columns["appmoduleidunique"] = str(uuid5(NAMESPACE, "unique"))
        if path == "sitemaps":
            columns["uniquename"] = "site map of " + columns["sitemapnameunique"]
        key = columns.pop(KEYS[path], None) or str(uuid5(NAMESPACE, columns["uniquename"]))
        if path == "appmodules" and self.loses_apps:
            return UUID(key)
        if key in self.saved[path]:
            raise DataError("a row with this key exists", service=Service.DATAVERSE)
        self._save(path, key, columns)
        return UUID(key)

    async def change(self, path: str, body: Mapping[str, Any], *, if_match: str = "*") -> None:
        entity_set, key = path.rstrip(")").split("(")
        if if_match not in {"*", self.saved[entity_set][key]["@odata.etag"]}:
            raise ConflictError("the version of the row does not match", service=Service.DATAVERSE)
        self._live()
        self._save(entity_set, key, {**self.saved[entity_set][key], **body})

    async def remove(self, path: str) -> None:
        self._live()
        entity_set, key = path.rstrip(")").split("(")
        del self.saved[entity_set][key]
        self.components = {pair for pair in self.components if key not in pair}
        self.associated = {pair for pair in self.associated if key not in pair}
        self.published[entity_set].pop(key, None)

    async def act(self, action: str, body: Mapping[str, Any]) -> None:
        self._live()
        if self._changes_app(action, body):
            return
        if action == "SetLocLabels":
            self._set_texts(body)
            return
        assert action == "PublishXml"
        self.publications += 1
        named = etree.fromstring(body["ParameterXml"])
        tables = {one.text for one in named.iterfind("entities/entity")}
        dashboards = {one.text for one in named.iterfind("dashboards/dashboard")}
        apps = {one.text for one in named.iterfind("*/*") if one.tag in {"appmodule", "sitemap"}}
        self._publish(lambda pair: bool({pair[0], *_tables(pair[1])} & (tables | dashboards | apps)))

    async def get_all(self, paths: list[str]) -> list[dict[str, Any]]:
        """Answer RetrieveLocLabels: texts by language of a column, in one state of its row."""
        answers = []
        for path in paths:
            function, *given = re.split(r"[?&]@p\d=", unquote(path))
            assert function.startswith("RetrieveLocLabels(")
            entity_set, key = json.loads(given[0])["@odata.id"].rstrip(")").split("(")
            row = (self.saved if given[2] == "true" else self.published)[entity_set][key]
            texts = row.get("@texts", {}).get(given[1].strip("'"), {}) | {1033: row.get(given[1].strip("'"))}
            labels = [{"LanguageCode": lcid, "Label": text} for lcid, text in texts.items()]
            answers.append({"Label": {"LocalizedLabels": labels}})
        return answers

    def _set_texts(self, body: Mapping[str, Any]) -> None:
        table = body["EntityMoniker"]["@odata.type"].rpartition(".")[2]
        entity_set = next(name for name in KEYS if name == {"savedquery": "savedqueries"}.get(table, f"{table}s"))
        row = self.saved[entity_set][body["EntityMoniker"][KEYS[entity_set]]]
        texts = {one["LanguageCode"]: one["Label"] for one in body["Labels"]}
        row[body["AttributeName"]] = texts.pop(1033)
        row["@texts"] = {**row.get("@texts", {}), body["AttributeName"]: texts}

    def outside_the_solution(self) -> PageOrganisation:
        return self

    def address(self, path: str) -> str:
        return f"https://contoso.crm4.dynamics.com/api/data/v9.2/{path}"

    def _changes_app(self, path: str, body: Mapping[str, Any]) -> bool:
        if path == "AddAppComponents":
            ids = [one.get("sitemapid") or one["formid"] for one in body["Components"]]
            self.components |= {(body["AppId"], one) for one in ids}
        elif path.endswith("/appmoduleroles_association/$ref"):
            app = path.partition("(")[2].partition(")")[0]
            assert body["@odata.id"].startswith("https://")
            self.associated |= {(app, name) for name in ROLES if str(uuid5(NAMESPACE, name)) in body["@odata.id"]}
        else:
            return False
        return True

    def _definition(self, table: str) -> dict[str, Any]:
        return {
            "LogicalName": table,
            "SchemaName": table,
            "MetadataId": str(uuid5(NAMESPACE, table)),
            "ObjectTypeCode": 10000 + self.tables.index(table),
        }

    def _role(self, name: str) -> dict[str, Any]:
        identifier = str(uuid5(NAMESPACE, name))
        return {"name": name, "roleid": identifier, "_roletemplateid_value": ROLES[name] or None}

    # ------------------------------------------------------------------------ what Dataverse does with it

    def _live(self) -> None:
        if self.lives == 0:
            raise KilledError
        self.lives = None if self.lives is None else self.lives - 1
        self.writes += 1

    def _save(self, entity_set: str, key: str, columns: dict[str, Any]) -> None:
        if "formxml" in columns:
            self._check_form(etree.fromstring(columns["formxml"]))
        if entity_set == "savedqueries":
            assert etree.fromstring(columns["layoutxml"]).get("object")
        version = int(columns.pop("@odata.etag", 'W/"0"').split('"')[1]) + 1
        self.saved[entity_set][key] = columns | {"@odata.etag": f'W/"{version}"'}

    def _check_form(self, form: Any) -> None:
        for name in ("formLibraries", "events"):
            if form.find(name) is not None and not len(form.find(name)):
                raise DataError(f"{name} is empty", service=Service.DATAVERSE)
        ids = Counter(one.get("id") for tag in ("tab", "section", "cell") for one in form.iter(tag) if one.get("id"))
        if twice := [one for one, number in ids.items() if number > 1]:
            raise DataError(f"ids stand twice: {twice}", service=Service.DATAVERSE)
        for view in form.iter("ViewId"):
            if view.text.strip("{}") not in self.saved["savedqueries"]:
                raise DataError(f"the view {view.text} does not exist", service=Service.DATAVERSE)
        for chart in form.iter("VisualizationId"):
            if chart.text.strip("{}") not in self.saved["savedqueryvisualizations"]:
                raise DataError(f"the chart {chart.text} does not exist", service=Service.DATAVERSE)

    def _publish(self, named: Any) -> None:
        for entity_set, rows in self.saved.items():
            for key, row in rows.items():
                if named((key, row)):
                    self.published[entity_set][key] = dict(row)


def _literals(condition: str) -> set[str]:
    return {bare or text for text, bare in re.findall(r"'([^']+)'|([0-9a-f-]{36})", condition)}


def _tables(row: Mapping[str, Any]) -> set[str]:
    columns = ("objecttypecode", "returnedtypecode", "primaryentitytypecode", "contextvalue")
    return {row[column] for column in columns if column in row}
