"""Builds the dashboard: a form of type 0 whose cells show views and charts."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from lxml import etree

from shared.errors import ConfigurationError
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.controls import SUBGRID, add_labels
from shared.installation.pages.hub.specification import Dashboard, Tile
from shared.installation.pages.ids import braced, stable_id
from shared.installation.pages.xml import Element, child, write

HEIGHT = 12
"""Rows that a tile covers."""


def build_dashboard(specification: Dashboard, charts: Mapping[str, UUID], around: Surroundings) -> str:
    """Return the form XML of the dashboard. `charts` are ids by key.

    Raises ConfigurationError if a view or a chart is not installed yet.
    """
    root = etree.Element("form")
    key = str(specification.id)
    tab = child(
        child(root, "tabs"),
        "tab",
        name="dh_monitoring",
        id=braced(stable_id(key, "tab")),
        IsUserDefined="0",
        locklevel="0",
        showlabel="false",
        expanded="true",
        verticallayout="true",
    )
    add_labels(tab, specification.name, around.languages)
    sections = child(child(child(tab, "columns"), "column", width="100%"), "sections")
    for number, tiles in enumerate(specification.rows):
        section = child(
            sections,
            "section",
            name=f"dh_row_{number}",
            id=braced(stable_id(key, f"row {number}")),
            IsUserDefined="0",
            locklevel="0",
            showlabel="false",
            showbar="false",
            columns="1" * len(tiles),
        )
        rows = child(section, "rows")
        row = child(rows, "row")
        for tile in tiles:
            row.append(_cell(tile, key, charts, around))
        for _ in range(HEIGHT - 1):
            child(rows, "row")
    return write(root)


def _cell(tile: Tile, dashboard: str, charts: Mapping[str, UUID], around: Surroundings) -> Element:
    cell = etree.Element(
        "cell",
        id=braced(stable_id(dashboard, tile.name)),
        showlabel="true",
        locklevel="0",
        colspan="1",
        rowspan=str(HEIGHT),
    )
    add_labels(cell, tile.title, around.languages)
    control = child(cell, "control", id=tile.name, classid=SUBGRID, indicationOfSubgrid="true")
    parameters = child(control, "parameters")
    child(parameters, "ViewId", braced(around.view(tile.view)))
    child(parameters, "IsUserView", "false")
    child(parameters, "TargetEntityType", tile.table)
    child(parameters, "AutoExpand", "Fixed")
    child(parameters, "RecordsPerPage", "10")
    child(parameters, "EnableQuickFind", "false")
    child(parameters, "EnableViewPicker", "true")
    if tile.chart is None:
        child(parameters, "ChartGridMode", "Grid")
        return cell
    if tile.chart not in charts:
        raise ConfigurationError(
            f"The chart {tile.chart} is not in the organisation. Install charts first, then repeat."
        )
    child(parameters, "ChartGridMode", "Chart")
    child(parameters, "VisualizationId", braced(charts[tile.chart]))
    child(parameters, "IsUserChart", "false")
    child(parameters, "EnableChartPicker", "false")
    return cell
