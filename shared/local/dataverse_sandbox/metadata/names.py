"""Schema names and display names of standard tables and columns, as the metadata show them.

Source: publicly generated metadata for tables, and for the columns of account and contact; for the columns of other
tables they are inferred from the logical name (`estimatedclosedate`, `EstimatedCloseDate`), labels of leads by hand.
Tables and columns that customers add are called by their logical names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from shared.local.dataverse_sandbox.metadata.schema import Column, Table
from shared.local.dataverse_sandbox.organisation.privileges import Privilege


class Names(NamedTuple):
    """The names of a table or column.

    Schema name `EMailAddress1`, label "Email", and of a table the plural "Contacts".
    """

    schema_name: str
    label: str
    plural: str = ""


def of_table(table: Table) -> Names:
    """Return the names of a table."""
    known = _known().get(table.name)
    if table.definition:
        return Names(table.definition["SchemaName"], table.name, table.set_name)
    return (
        Names(known["schema"], known["label"], known["labels"])
        if known
        else Names(table.name, table.name, table.set_name)
    )


def of_privilege(table: Table, privilege: Privilege) -> str:
    """Return the name of a privilege in the spelling of the metadata, `prvReaddh_SpotlerInfo`."""
    verb = f"prv{privilege.access[0].upper()}{privilege.access[1:]}"
    is_own = privilege.name.removeprefix(verb).lower() == table.name
    return verb + of_table(table).schema_name if is_own else privilege.name


def of_column(table: Table, column: Column) -> Names:
    """Return the names of a column."""
    known = _known().get(table.name, {}).get("columns", {}).get(column.name)
    if known is None and table.definition:  # a column that every table has
        known = _known()["environmentvariabledefinition"]["columns"].get(column.name)
    return Names(*known) if known else Names(column.name, column.name)


@cache
def _known() -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(files(__package__).joinpath("names.json").read_text(encoding="utf-8"))
    return document
