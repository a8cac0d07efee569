"""Charts (`savedqueryvisualizations`): rows of a table counted by one column, or by two."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from lxml import etree
from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import STRICT
from shared.installation.pages.xml import child, write


def chart_id(key: str) -> UUID:
    """Return the id that the chart with this key is created with."""
    return stable_id("chart", key)


class ChartKind(StrEnum):
    """Kinds of charts, in the words of Dataverse."""

    COLUMN = "Column"
    BAR = "Bar"
    PIE = "Pie"
    DOUGHNUT = "Doughnut"
    LINE = "Line"


class Interval(StrEnum):
    """How moments are grouped, in the words of FetchXML."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, config=STRICT)
class Chart:
    """How many rows of `table` have each value of the column `group_by`.

    `interval` groups moments; `split_by` draws a series for each value of a second column.
    """

    key: str
    table: str
    name: Texts
    group_by: str
    kind: ChartKind
    interval: Interval | None = None
    split_by: str = ""

    @property
    def id(self) -> UUID:
        """The id that the chart is created with."""
        return chart_id(self.key)


@dataclass(frozen=True, config=STRICT)
class ChartsFile:
    """One file of `infra/dataverse/charts/`."""

    charts: tuple[Chart, ...]


def data_description(chart: Chart) -> str:
    """Return what is counted (VisualizationDataDescription.xsd); the rows are those of the view beside the chart."""
    root = etree.Element("datadefinition")
    fetch = child(child(root, "fetchcollection"), "fetch", mapping="logical", aggregate="true")
    entity = child(fetch, "entity", name=chart.table)
    child(entity, "attribute", alias="number", name=f"{chart.table}id", aggregate="countcolumn")
    grouped = child(entity, "attribute", groupby="true", alias="value", name=chart.group_by)
    if chart.interval is not None:
        grouped.set("dategrouping", chart.interval.value)
    if chart.split_by:
        child(entity, "attribute", groupby="true", alias="series", name=chart.split_by)
    category = child(child(root, "categorycollection"), "category", alias="value")
    child(child(category, "measurecollection"), "measure", alias="number")
    return write(root)


def presentation_description(chart: Chart) -> str:
    """Return how it is drawn: one series with its numbers as labels."""
    root = etree.Element("Chart")
    child(child(root, "Series"), "Series", ChartType=chart.kind.value, IsValueShownAsLabel="True")
    child(child(child(root, "ChartAreas"), "ChartArea"), "AxisY", LabelAutoFitMinFontSize="8")
    child(child(root, "Legends"), "Legend", Alignment="Center", Docking="Right")
    return write(root)
