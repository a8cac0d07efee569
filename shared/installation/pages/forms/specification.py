"""What `infra/dataverse/forms/*.yaml` says: own tabs for forms of standard tables, whole forms of own tables."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from shared.installation.desired.texts import Texts
from shared.installation.pages.languages import STRICT


class ControlKind(StrEnum):
    """Kinds of controls of a column."""

    TEXT = "text"
    TEXT_AREA = "text_area"
    LOOKUP = "lookup"
    CHOICE = "choice"
    STATUS_REASON = "status_reason"
    TWO_OPTIONS = "two_options"
    DATE = "date"
    WHOLE_NUMBER = "whole_number"
    DECIMAL = "decimal"


class FormKind(StrEnum):
    """Kinds of own forms."""

    MAIN = "main"
    QUICK_VIEW = "quick_view"


class Need(StrEnum):
    """What an organisation must have for an optional part."""

    SALES = "sales"


@dataclass(frozen=True, config=STRICT)
class ColumnCell:
    """A column of the form's table. `rows` is the height, `disabled` keeps people from typing."""

    column: str
    kind: ControlKind
    label: Texts
    disabled: bool = False
    rows: Annotated[int, Field(ge=1)] = 1
    needs: Need | None = None


@dataclass(frozen=True, config=STRICT)
class SubgridCell:
    """Rows of another table. `relationship` is by the form's table; without it the grid shows all rows of the view.

    With the key of a `chart` the rows are drawn instead of listed.
    """

    subgrid: str
    name: str
    view: str
    label: Texts
    relationship: dict[str, str] = Field(default_factory=dict)
    rows: Annotated[int, Field(ge=1, le=250)] = 6
    chart: str = ""
    needs: Need | None = None


@dataclass(frozen=True, config=STRICT)
class QuickViewCell:
    """Columns of the row that the lookup `quick_view` points to, as the own form `form` shows them."""

    quick_view: str
    form: str
    table: str
    name: str
    label: Texts
    needs: Need | None = None


@dataclass(frozen=True, config=STRICT)
class WebPageCell:
    """An own web resource of type HTML, which gets the table and the id of the record in its address."""

    web_page: str
    name: str
    label: Texts
    rows: Annotated[int, Field(ge=1)] = 1
    needs: Need | None = None


Cell = ColumnCell | SubgridCell | QuickViewCell | WebPageCell


@dataclass(frozen=True, config=STRICT)
class Section:
    """Cells under a common heading, one below the other."""

    name: str
    label: Texts
    cells: tuple[Cell, ...]


@dataclass(frozen=True, config=STRICT)
class Column:
    """A column of a tab; `width` is in per cent."""

    width: Annotated[int, Field(ge=10, le=100)]
    sections: tuple[Section, ...]


@dataclass(frozen=True, config=STRICT)
class Tab:
    """A tab of an own form."""

    name: str
    label: Texts
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=3)]


@dataclass(frozen=True, config=STRICT)
class Handler:
    """A function of an own web resource that runs on an event of the form; it gets the execution context."""

    event: str
    library: str
    function: str


@dataclass(frozen=True, config=STRICT)
class OwnTab:
    """The one tab of the connector on the main forms of standard tables, and the handlers that it needs."""

    label: Texts
    tables: tuple[str, ...]
    columns: Annotated[tuple[Column, ...], Field(min_length=1, max_length=3)]
    handlers: tuple[Handler, ...] = ()

    def as_tab(self) -> Tab:
        """Return the tab under the name by which a later run finds it."""
        return Tab(name=OWN_TAB, label=self.label, columns=self.columns)


@dataclass(frozen=True, config=STRICT)
class OwnForm:
    """A form of one of the connector's tables, replaced whole."""

    key: str
    table: str
    kind: FormKind
    name: Texts
    tabs: Annotated[tuple[Tab, ...], Field(min_length=1)]
    handlers: tuple[Handler, ...] = ()

    def plain(self) -> OwnForm:
        """Return the form with its own columns alone: without scripts, subgrids, quick views and lookups.

        An uninstallation leaves it on tables that keep their rows. Dataverse would refuse to delete what it shows.
        """
        columns = ((tab, _plain_columns(tab)) for tab in self.tabs)
        tabs = tuple(replace(tab, columns=plain) for tab, plain in columns if plain)
        return replace(self, tabs=tabs, handlers=())


def _plain_columns(tab: Tab) -> tuple[Column, ...]:
    columns = (replace(column, sections=_plain_sections(column)) for column in tab.columns)
    return tuple(column for column in columns if column.sections)


def _plain_sections(column: Column) -> tuple[Section, ...]:
    sections = (replace(section, cells=tuple(filter(_is_plain, section.cells))) for section in column.sections)
    return tuple(section for section in sections if section.cells)


def _is_plain(cell: Cell) -> bool:
    return isinstance(cell, ColumnCell) and cell.kind is not ControlKind.LOOKUP


@dataclass(frozen=True, config=STRICT)
class FormsFile:
    """One file: either a tab for standard tables, or forms of own tables."""

    tab: OwnTab | None = None
    forms: tuple[OwnForm, ...] = ()


OWN_TAB = "dh_spotler"
"""The name of the own tab. Of a standard form, the connector owns this tab and the handlers of its scripts."""
