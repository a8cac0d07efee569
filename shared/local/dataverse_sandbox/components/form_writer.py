"""Writes the XML of forms and views that an organisation begins with, in the shape that the form designer saves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from shared.local.dataverse_sandbox.metadata import names
from shared.local.dataverse_sandbox.metadata.schema import Column, ColumnType, Table
from shared.local.dataverse_sandbox.metadata.type_codes import type_code
from shared.local.dataverse_sandbox.organisation.organization import fixed_id

_TEXT = "4273EDBD-AC1D-40D3-9FB2-095C621B552D"
_CLASSES = {
    ColumnType.MEMO: "E0DECE4B-6FC8-4A8F-A065-082708572369",
    ColumnType.LOOKUP: "270BD3DB-D9AF-4782-9025-509E298DEC0A",
    ColumnType.PICKLIST: "3EF39988-22BB-4F0B-BBBE-64B5A3748AEE",
    ColumnType.STATUS: "5D68B988-0661-4DB2-BC3E-17598AD3BE6C",
    ColumnType.BOOLEAN: "67FAC785-CD58-4F9F-ABB3-4B7DDC6ED5ED",
    ColumnType.DATE_TIME: "5B773807-9FB2-42DB-97C3-7A91EFF8ADFF",
    ColumnType.INTEGER: "C6D124CA-7EDA-4A60-AEA9-7FB8D318B68F",
    ColumnType.DECIMAL: "C3EFE0C3-0EC6-42BE-8349-CBD9079C5A6F",
    ColumnType.MONEY: "533B9108-5A8B-42CB-BD37-52D1B8E7C741",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its name, its label, and for each of its columns the sections, each a name with columns of the table."""

    name: str
    label: str
    columns: Sequence[Sequence[tuple[str, Sequence[str]]]]


def form_xml(table: Table, form: str, tabs: Iterable[Tab], language: int, extra: str = "") -> str:
    """Write a form; columns that the table lacks are left out. `extra` follows the tabs."""
    written = "".join(_tab(table, form, tab, language) for tab in tabs)
    return f"<form><tabs>{written}</tabs>{extra}</form>"


def layout_xml(table: Table, columns: Sequence[str]) -> str:
    """Write the columns of a view."""
    cells = "".join(f'<cell name="{name}" width="{300 if n == 0 else 100}" />' for n, name in enumerate(columns))
    head = f'name="resultset" object="{type_code(table)}" jump="{table.primary_name}" select="1" icon="1" preview="1"'
    return f'<grid {head}><row name="result" id="{table.primary_id}">{cells}</row></grid>'


def fetch_xml(table: Table, columns: Sequence[str], state: int | None) -> str:
    """Write the query of a view, for the rows of a state or all rows."""
    attributes = "".join(f'<attribute name="{name}" />' for name in dict.fromkeys((*columns, table.primary_id)))
    order = f'<order attribute="{columns[0]}" descending="false" />'
    condition = "" if state is None else f'<condition attribute="statecode" operator="eq" value="{state}" />'
    filters = f'<filter type="and">{condition}</filter>' if condition else ""
    entity = f'<entity name="{table.name}">{attributes}{order}{filters}</entity>'
    return f'<fetch version="1.0" output-format="xml-platform" mapping="logical">{entity}</fetch>'


def _tab(table: Table, form: str, tab: Tab, language: int) -> str:
    width = 100 // len(tab.columns)
    columns = "".join(
        f'<column width="{width}%"><sections>'
        + "".join(_section(table, form, tab.name, section, language) for section in sections)
        + "</sections></column>"
        for sections in tab.columns
    )
    identifier = _braced(form, tab.name)
    return (
        f'<tab verticallayout="true" id="{identifier}" IsUserDefined="0" name="{tab.name}" showlabel="true" '
        f'expanded="true">{_labels(tab.label, language)}<columns>{columns}</columns></tab>'
    )


def _section(table: Table, form: str, tab: str, section: tuple[str, Sequence[str]], language: int) -> str:
    name, columns = section
    rows = "".join(
        f"<row>{_cell(table, table.columns[column], form, tab, language)}</row>"
        for column in columns
        if column in table.columns
    )
    return (
        f'<section showlabel="false" showbar="false" IsUserDefined="0" id="{_braced(form, tab, name)}" name="{name}" '
        f'columns="1">{_labels(name.replace("_", " ").title(), language)}<rows>{rows}</rows></section>'
    )


def _cell(table: Table, column: Column, form: str, tab: str, language: int) -> str:
    kind = _CLASSES.get(column.type, _TEXT)
    control = (
        f'<control id="{column.name}" classid="{{{kind}}}" datafieldname="{column.name}" '
        f'disabled="{str(column.readonly).lower()}" />'
    )
    label = _labels(names.of_column(table, column).label, language)
    return f'<cell id="{_braced(form, tab, column.name)}" showlabel="true">{label}{control}</cell>'


def _labels(text: str, language: int) -> str:
    return f'<labels><label description={quoteattr(text)} languagecode="{language}" /></labels>'


def _braced(*parts: Any) -> str:
    return f"{{{fixed_id('form', *map(str, parts))}}}"
