"""Views (`savedqueries`) as `infra/dataverse/views/*.yaml` describes them, and the XML of their layouts."""

from __future__ import annotations

from dataclasses import dataclass as plain
from uuid import UUID

from lxml import etree
from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.ids import stable_id
from shared.installation.pages.languages import STRICT
from shared.installation.pages.xml import child, write


@dataclass(frozen=True, config=STRICT)
class ViewText:
    """A view as a file writes it; `{table}` and `{title}` stand for each table and its name column."""

    key: str
    name: Texts
    columns: dict[str, int]
    fetch: str


@dataclass(frozen=True, config=STRICT)
class ViewsFile:
    """Views that all tables of the file get. `tables` maps logical names to their name columns."""

    tables: dict[str, str]
    views: tuple[ViewText, ...]

    def expand(self) -> tuple[View, ...]:
        """Return one view for each table and text."""
        return tuple(_expanded(text, table, title) for table, title in self.tables.items() for text in self.views)


@plain(frozen=True)
class View:
    """A public view of one table. `columns` are (name, width in pixels); a linked column has its alias before a dot."""

    key: str
    table: str
    title: str
    name: Texts
    columns: tuple[tuple[str, int], ...]
    fetch: str

    @property
    def id(self) -> UUID:
        """The id that the view is created with."""
        return stable_id("view", self.key)


def layout(view: View, object_type_code: int) -> str:
    """Return the layout XML; the object type code of the view's table differs between organisations."""
    grid = etree.Element(
        "grid",
        name="resultset",
        object=str(object_type_code),
        jump=view.title,
        select="1",
        icon="1",
        preview="1",
    )
    row = child(grid, "row", name="result", id=f"{view.table}id")
    for column, width in view.columns:
        child(row, "cell", name=column, width=str(width))
    return write(grid)


def _expanded(text: ViewText, table: str, title: str) -> View:
    def fill(pattern: str) -> str:
        return pattern.replace("{table}", table).replace("{title}", title)

    return View(
        key=f"{table}/{text.key}",
        table=table,
        title=title,
        name=text.name,
        columns=tuple((fill(column), width) for column, width in text.columns.items()),
        fetch=fill(text.fetch).strip(),
    )
