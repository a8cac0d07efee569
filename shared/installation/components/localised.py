"""Columns of rows that have a text in each language: names of pages, web resources and variables, labels of commands.

A plain read answers the text of the caller's language alone. So the texts of an organisation with several languages are
read by `RetrieveLocLabels`, and written by `SetLocLabels`, which replaces them all. Sources: Microsoft's pages of these
names; public code uses both for views, forms, charts and commands. That apps and site maps take them is inferred.
So it is for web resources and variables, whose names Microsoft's table references call localizable.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, DataError, Service
from shared.installation.components.wording import CRM
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.pages.languages import Languages
from shared.installation.pages.xml import canonical, parse
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.states import State

_READ = "RetrieveLocLabels(EntityMoniker=@p1,AttributeName=@p2,IncludeUnpublished=@p3)"


class ComponentTable(Enum):
    """The tables of components whose texts have several languages: entity set, primary key and logical name."""

    VIEWS = ("savedqueries", "savedqueryid", "savedquery")
    CHARTS = ("savedqueryvisualizations", "savedqueryvisualizationid", "savedqueryvisualization")
    FORMS = ("systemforms", "formid", "systemform")
    COMMANDS = ("appactions", "appactionid", "appaction")
    APPS = ("appmodules", "appmoduleid", "appmodule")
    SITE_MAPS = ("sitemaps", "sitemapid", "sitemap")
    WEB_RESOURCES = ("webresourceset", "webresourceid", "webresource")
    VARIABLES = ("environmentvariabledefinitions", "environmentvariabledefinitionid", "environmentvariabledefinition")

    @property
    def entity_set(self) -> str:
        """The name in addresses."""
        return self.value[0]

    @property
    def key(self) -> str:
        """The primary key."""
        return self.value[1]

    @property
    def logical(self) -> str:
        """The logical name."""
        return self.value[2]

    def address(self, row: Row) -> str:
        """Return the path of a row."""
        return odata.row(self.entity_set, UUID(row[self.key]))


def languages(desired: DesiredState, organisation: Organisation) -> Languages:
    """Return the languages that texts are sent for."""
    return Languages(organisation.base_language, organisation.languages, desired.names)


def localised_columns(columns: Mapping[str, Any]) -> list[str]:
    """Return the columns whose values are texts by LCID."""
    return [column for column, value in columns.items() if isinstance(value, Mapping)]


def in_base_language(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a new row, with the text of the base language in the place of texts by LCID."""
    return {
        column: next(iter(value.values())) if isinstance(value, Mapping) else value for column, value in columns.items()
    }


def missing_languages(wanted: Mapping[int, str], found: Mapping[int, str]) -> list[int]:
    """Return the languages whose text is missing or another one; those that the connector does not set stay."""
    return [lcid for lcid, text in wanted.items() if found.get(lcid) != text]


def different_columns(columns: Mapping[str, Any], row: Row) -> list[str]:
    """Return the columns whose values in a row differ. Values that begin with `<` are compared as XML."""
    return [column for column, value in columns.items() if not _equal(value, row.get(column))]


def told_difference(column: str, columns: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return the name of a column for the plan, with the languages whose texts differ."""
    wanted = columns[column]
    if not isinstance(wanted, Mapping):
        return column
    return f"{column} ({', '.join(str(lcid) for lcid in missing_languages(wanted, found.get(column) or {}))})"


async def with_texts(
    client: CustomizationClient, rows: Iterable[tuple[ComponentTable, Row, Mapping[str, Any]]], state: State
) -> list[Row]:
    """Return the rows with texts by LCID in each column for which the columns beside them have such texts.

    Raises ConfigurationError, with its cure, if Dataverse refuses to answer them.
    """
    given = list(rows)
    places = [
        (number, column, _path(table, row, column, state))
        for number, (table, row, columns) in enumerate(given)
        for column in localised_columns(columns)
    ]
    answers = await _answers(client, [path for _, _, path in places])
    texts: list[dict[str, Any]] = [{} for _ in given]
    for (number, column, _), answer in zip(places, answers, strict=True):
        labels = (answer.get("Label") or {}).get("LocalizedLabels") or ()
        texts[number][column] = {one["LanguageCode"]: one["Label"] for one in labels}
    return [row | more for (_, row, _), more in zip(given, texts, strict=True)]


async def write_columns(
    client: CustomizationClient, table: ComponentTable, row: Row, columns: Mapping[str, Any], *, if_match: str = "*"
) -> None:
    """Change columns of a row, those with texts by LCID one by one; other languages of `row` stay."""
    localised = set(localised_columns(columns))
    if plain := {column: value for column, value in columns.items() if column not in localised}:
        await client.change(table.address(row), plain, if_match=if_match)
    for column in sorted(localised):
        found = row.get(column)
        await _write_texts(
            client, table, row, column, {**(found if isinstance(found, Mapping) else {}), **columns[column]}
        )


async def create_row(
    client: CustomizationClient, table: ComponentTable, fixed: Mapping[str, Any], columns: Mapping[str, Any]
) -> Row:
    """Create a row with the texts of the base language, then set the others; return its key."""
    identifier = await client.create(table.entity_set, {**fixed, **in_base_language(columns)})
    row = {table.key: str(identifier)}
    await write_columns(client, table, row, {column: columns[column] for column in localised_columns(columns)})
    return row


async def _write_texts(
    client: CustomizationClient, table: ComponentTable, row: Row, column: str, texts: Mapping[int, str]
) -> None:
    body = {
        "EntityMoniker": {"@odata.type": f"{CRM}{table.logical}", table.key: row[table.key]},
        "AttributeName": column,
        "Labels": [
            {"@odata.type": f"{CRM}LocalizedLabel", "Label": text, "LanguageCode": lcid} for lcid, text in texts.items()
        ],
    }
    await client.outside_the_solution().act("SetLocLabels", body)  # the row is in the solution already


def _path(table: ComponentTable, row: Row, column: str, state: State) -> str:
    return odata.reads(
        _READ,
        {
            "@p1": json.dumps({"@odata.id": table.address(row)}),
            "@p2": odata.literal(column),
            "@p3": "true" if state is State.SAVED else "false",
        },
    )


async def _answers(client: CustomizationClient, paths: Sequence[str]) -> list[Row]:
    if not paths:
        return []
    try:
        return await client.get_all(paths)
    except DataError as error:
        raise ConfigurationError(
            f"Dataverse does not answer names in several languages ({error.summary}): repeat with "
            "--without translations, which writes them in the base language",
            service=Service.DATAVERSE,
            code=error.code,
        ) from error


def _equal(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        return not missing_languages(wanted, found or {})
    if isinstance(wanted, str) and wanted.startswith("<") and isinstance(found, str) and wanted != found:
        return canonical(parse(wanted, "a desired page")) == canonical(parse(found, "a page of the organisation"))
    return bool(wanted == found or (wanted == "" and found is None))
