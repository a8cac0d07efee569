"""Builds the cells of a form: controls of columns, subgrids, quick views, web pages."""

from __future__ import annotations

from uuid import UUID

from lxml import etree

from shared.errors import ConfigurationError
from shared.installation.desired.texts import Texts
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.specification import (
    Cell,
    ColumnCell,
    ControlKind,
    Need,
    QuickViewCell,
    Section,
    SubgridCell,
    WebPageCell,
)
from shared.installation.pages.ids import braced, stable_id
from shared.installation.pages.languages import Languages
from shared.installation.pages.queries.charts import chart_id
from shared.installation.pages.xml import Element, child

CLASS_IDS = {
    ControlKind.TEXT: "{4273EDBD-AC1D-40D3-9FB2-095C621B552D}",
    ControlKind.TEXT_AREA: "{E0DECE4B-6FC8-4A8F-A065-082708572369}",
    ControlKind.LOOKUP: "{270BD3DB-D9AF-4782-9025-509E298DEC0A}",
    ControlKind.CHOICE: "{3EF39988-22BB-4F0B-BBBE-64B5A3748AEE}",
    ControlKind.STATUS_REASON: "{5D68B988-0661-4DB2-BC3E-17598AD3BE6C}",
    ControlKind.TWO_OPTIONS: "{67FAC785-CD58-4F9F-ABB3-4B7DDC6ED5ED}",
    ControlKind.DATE: "{5B773807-9FB2-42DB-97C3-7A91EFF8ADFF}",
    ControlKind.WHOLE_NUMBER: "{C6D124CA-7EDA-4A60-AEA9-7FB8D318B68F}",
    ControlKind.DECIMAL: "{C3EFE0C3-0EC6-42BE-8349-CBD9079C5A6F}",
}
SUBGRID = "{E7A81278-8635-4D9E-8D4D-59480B391C5B}"
QUICK_VIEW = "{5C5600E0-1D6E-4205-A272-BE80DA87FD42}"
WEB_PAGE = "{9FDF5F91-88B1-47F4-AD53-C11EFC01A01D}"


def add_labels(parent: Element, label: Texts, languages: Languages) -> None:
    """Append the label of a tab, section or cell, one text for each language."""
    labels = child(parent, "labels")
    for code, text in languages.texts(label):
        child(labels, "label", description=text, languagecode=str(code))


def add_cells(rows: Element, section: Section, form: UUID, table: str, around: Surroundings) -> None:
    """Append a row for each cell of a section; cells whose needs the organisation does not meet are left out."""
    for cell in section.cells:
        if cell.needs is Need.SALES and not around.has_sales:
            continue
        control = _control(cell, form, table, around)
        holder = child(
            child(rows, "row"),
            "cell",
            id=braced(stable_id(str(form), section.name, control.get("id", ""))),
            showlabel="true",
            locklevel="0",
        )
        if (height := _height(cell)) > 1:
            holder.set("rowspan", str(height))
        add_labels(holder, cell.label, around.languages)
        holder.append(control)
        for _ in range(height - 1):
            child(rows, "row")  # Dataverse counts the rows that a tall cell covers


def _height(cell: Cell) -> int:
    match cell:
        case ColumnCell() | SubgridCell() | WebPageCell():
            return cell.rows
        case QuickViewCell():
            return 1


def _control(cell: Cell, form: UUID, table: str, around: Surroundings) -> Element:
    match cell:
        case ColumnCell():
            return _column(cell)
        case SubgridCell():
            return _subgrid(cell, form, table, around)
        case QuickViewCell():
            return _quick_view(cell, form, around)
        case WebPageCell():
            return _web_page(cell)


def _column(cell: ColumnCell) -> Element:
    return etree.Element(
        "control",
        id=cell.column,
        classid=CLASS_IDS[cell.kind],
        datafieldname=cell.column,
        disabled=str(cell.disabled).lower(),
    )


def _subgrid(cell: SubgridCell, form: UUID, table: str, around: Surroundings) -> Element:
    view = braced(around.view(cell.view))
    control = etree.Element("control", id=cell.name, classid=SUBGRID, indicationOfSubgrid="true")
    control.set("uniqueid", braced(stable_id(str(form), cell.name, "control")))
    parameters = child(control, "parameters")
    child(parameters, "ViewId", view)
    child(parameters, "IsUserView", "false")
    if cell.relationship:
        if table not in cell.relationship:
            raise ConfigurationError(f"The subgrid {cell.name} names no relationship of {table}: add it to its file.")
        child(parameters, "RelationshipName", cell.relationship[table])
    child(parameters, "TargetEntityType", cell.subgrid)
    child(parameters, "AutoExpand", "Fixed")
    child(parameters, "RecordsPerPage", str(cell.rows))
    child(parameters, "EnableQuickFind", "false")
    child(parameters, "EnableViewPicker", "false")
    child(parameters, "ViewIds", view)
    if cell.chart:
        child(parameters, "ChartGridMode", "Chart")
        child(parameters, "VisualizationId", braced(chart_id(cell.chart)))
        child(parameters, "IsUserChart", "false")
        child(parameters, "EnableChartPicker", "false")
    else:
        child(parameters, "ChartGridMode", "Grid")
    return control


def _quick_view(cell: QuickViewCell, form: UUID, around: Surroundings) -> Element:
    control = etree.Element("control", id=cell.name, classid=QUICK_VIEW, datafieldname=cell.quick_view)
    control.set("uniqueid", braced(stable_id(str(form), cell.name, "control")))
    parameters = child(control, "parameters")
    quick_forms = etree.Element("QuickFormIds")
    child(quick_forms, "QuickFormId", str(around.form(cell.form)), entityname=cell.table)
    # Form XML keeps this list as text, not as elements.
    child(parameters, "QuickForms", etree.tostring(quick_forms, encoding="unicode"))
    child(parameters, "ControlMode", "Edit")
    return control


def _web_page(cell: WebPageCell) -> Element:
    control = etree.Element("control", id=f"WebResource_{cell.name}", classid=WEB_PAGE)
    parameters = child(control, "parameters")
    child(parameters, "Url", cell.web_page)
    child(parameters, "PassParameters", "true")  # table and id of the record, in the address
    child(parameters, "ShowOnMobileClient", "true")
    child(parameters, "Security", "false")  # the script of the page calls the form's client API
    child(parameters, "Scrolling", "auto")
    child(parameters, "Border", "false")
    return control
