"""The kinds of rows that users see: views, charts, own forms, commands, the dashboard.

Each kind has one component per table. Components of tables that the organisation neither has nor gets are left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Protocol, TypeVar
from uuid import UUID

from shared.installation.components.kind import Kind
from shared.installation.components.localised import ComponentTable, languages
from shared.installation.components.pages.around import form_id, surroundings
from shared.installation.components.pages.rows import PageRow, PageRows, PageRowsKind
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation, TableFound
from shared.installation.pages.forms.building import build_form
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.specification import FormKind, OwnForm
from shared.installation.pages.hub.commands import FIXED, Command, command_row
from shared.installation.pages.hub.dashboard import build_dashboard
from shared.installation.pages.hub.specification import Dashboard
from shared.installation.pages.languages import Languages
from shared.installation.pages.queries.charts import Chart, data_description, presentation_description
from shared.installation.pages.queries.views import View, layout
from shared.installation.pages.reading import Customisation
from shared.installation.wire.publication import Published, of_row, of_table

_DASHBOARD, _MAIN, _QUICK_VIEW = 0, 2, 6


class _OfTable(Protocol):
    @property
    def table(self) -> str: ...


T = TypeVar("T", bound=_OfTable)


class _Pages(PageRowsKind):
    """A kind whose components are read from the customisation."""

    def __init__(self, customisation: Customisation) -> None:
        self._customisation = customisation


class Views(_Pages):
    """Views of own and standard tables."""

    kind = Kind.VIEW

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return the views, table by table."""
        spoken = languages(desired, organisation)
        return _by_table(
            self._customisation.views,
            _tables(desired, organisation),
            lambda view, table: _view_row(view, table, spoken),
        )


class Charts(_Pages):
    """Charts of the dashboard."""

    kind = Kind.CHART

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return the charts, table by table."""
        spoken = languages(desired, organisation)
        return _by_table(
            self._customisation.charts, _tables(desired, organisation), lambda chart, _: _chart_row(chart, spoken)
        )


class OwnForms(_Pages):
    """Main forms of own tables, and quick view forms."""

    kind = Kind.FORM

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return the forms, table by table; tables with quick view forms first, because main forms show them."""
        around = surroundings(self._customisation, desired, organisation)
        forms = sorted(self._customisation.forms, key=lambda form: form.kind is not FormKind.QUICK_VIEW)
        return _by_table(forms, _tables(desired, organisation), lambda form, _: _form_row(form, around))


class Commands(_Pages):
    """Buttons of forms and lists."""

    kind = Kind.COMMAND

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return the commands, table by table."""
        spoken = languages(desired, organisation)
        return _by_table(
            self._customisation.commands,
            _tables(desired, organisation),
            lambda command, table: _command_row(command, table, spoken),
        )


class Dashboards(_Pages):
    """The dashboard of the app Spotler Hub."""

    kind = Kind.DASHBOARD

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[PageRows]:
        """Return the one dashboard."""
        dashboard = self._customisation.hub.dashboard
        charts = {chart.key: chart.id for chart in self._customisation.charts}
        row = _dashboard_row(dashboard, charts, surroundings(self._customisation, desired, organisation))
        return [PageRows(dashboard.key, "", lambda _: (row,), of_row(Published.DASHBOARD, dashboard.id))]


def _tables(desired: DesiredState, organisation: Organisation) -> set[str]:
    """Return the tables that the organisation has, and those that it gets."""
    return {*organisation.tables, *(table.name for table in desired.tables)}


def _by_table(items: Iterable[T], tables: set[str], row: Callable[[T, TableFound], PageRow]) -> list[PageRows]:
    grouped: dict[str, list[T]] = {}
    for item in items:
        grouped.setdefault(item.table, []).append(item)
    return [
        PageRows(table, table, _builder(some, table, row), of_table(table))
        for table, some in grouped.items()
        if table in tables
    ]


def _builder(
    items: Sequence[T], table: str, row: Callable[[T, TableFound], PageRow]
) -> Callable[[Mapping[str, TableFound]], tuple[PageRow, ...]]:
    @cache  # a run asks several times: forms are built once
    def build(found: TableFound) -> tuple[PageRow, ...]:
        return tuple(row(item, found) for item in items)

    return lambda tables: build(tables[table])


def _view_row(view: View, table: TableFound, spoken: Languages) -> PageRow:
    return PageRow(
        f"the view {view.key}",
        ComponentTable.VIEWS,
        {"savedqueryid": view.id},
        {
            "name": spoken.name(view.name),
            "fetchxml": view.fetch,
            "layoutxml": layout(view, table.object_type_code),
        },
        {"savedqueryid": str(view.id), "returnedtypecode": view.table, "querytype": 0, "isprivate": False},
    )


def _chart_row(chart: Chart, spoken: Languages) -> PageRow:
    return PageRow(
        f"the chart {chart.key}",
        ComponentTable.CHARTS,
        {"savedqueryvisualizationid": chart.id},
        {
            "name": spoken.name(chart.name),
            "datadescription": data_description(chart),
            "presentationdescription": presentation_description(chart),
        },
        {"savedqueryvisualizationid": str(chart.id), "primaryentitytypecode": chart.table},
    )


def _form_row(form: OwnForm, around: Surroundings) -> PageRow:
    name, identifier = f"the form {form.key}", form_id(form)
    columns = {"name": around.languages.name(form.name), "formxml": build_form(form, identifier, around)}
    fixed = {"formid": str(identifier), "objecttypecode": form.table, "formactivationstate": 1}
    match form.kind:
        case FormKind.MAIN:
            # The form Information comes with the table; it is replaced whole.
            only: dict[str, str | int | UUID] = {"objecttypecode": form.table, "type": _MAIN}
            plain = {"formxml": build_form(form.plain(), identifier, around)}
            return PageRow(name, ComponentTable.FORMS, only, columns, {**fixed, "type": _MAIN}, plain=plain)
        case FormKind.QUICK_VIEW:
            own = {"formid": identifier}
            return PageRow(name, ComponentTable.FORMS, own, columns, {**fixed, "type": _QUICK_VIEW})


def _command_row(command: Command, table: TableFound, spoken: Languages) -> PageRow:
    row = command_row(command, table.metadata_id, spoken)
    return PageRow(
        f"the command {command.unique_name}",
        ComponentTable.COMMANDS,
        {"uniquename": command.unique_name},
        {column: value for column, value in row.items() if column not in FIXED},
        {column: value for column, value in row.items() if column in FIXED},
        {"OnClickEventJavaScriptWebResourceId": command.text.script},
    )


def _dashboard_row(dashboard: Dashboard, charts: Mapping[str, UUID], around: Surroundings) -> PageRow:
    return PageRow(
        f"the dashboard {dashboard.key}",
        ComponentTable.FORMS,
        {"formid": dashboard.id},
        {"name": around.languages.name(dashboard.name), "formxml": build_dashboard(dashboard, charts, around)},
        {"formid": str(dashboard.id), "objecttypecode": "none", "type": _DASHBOARD, "formactivationstate": 1},
    )
