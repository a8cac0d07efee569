"""Charts (`savedqueryvisualizations`): rows of a table counted by one column."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from lxml import etree
from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import STRICT
from shared.installation.pages.xml import child, write


class ChartKind(StrEnum):
    """Kinds of charts, in the words of Dataverse."""

    COLUMN = "Column"
    BAR = "Bar"
    PIE = "Pie"
    DOUGHNUT = "Doughnut"
    LINE = "Line"


@dataclass(frozen=True, config=STRICT)
class Chart:
    """How many rows of `table` have each value of the column `group_by`."""

    key: str
    table: str
    name: Texts
    group_by: str
    kind: ChartKind

    @property
    def id(self) -> UUID:
        """The id that the chart is created with."""
        return stable_id("chart", self.key)


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
    child(entity, "attribute", groupby="true", alias="value", name=chart.group_by)
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
