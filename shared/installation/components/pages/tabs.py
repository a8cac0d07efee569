"""The own tab on the main forms of standard tables. Nothing else of these forms changes; their originals are kept.

The forms belong to others: they do not join the solution of the connector. Dataverse refuses changes of some managed
forms (`iscustomizable`); these get no tab.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.localised import ComponentTable
from shared.installation.components.pages.around import surroundings
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.pages.forms.context import Surroundings
from shared.installation.pages.forms.merging import merge_tab, remove_tab
from shared.installation.pages.forms.specification import OwnTab
from shared.installation.pages.reading import Customisation
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication, of_table
from shared.installation.wire.states import State, read_state

_COLUMNS = ("formid", "name", "objecttypecode", "formxml", "iscustomizable")
_MAIN, _ACTIVE = 2, 1

Keep = Callable[[str, UUID, str], None]
"""Keeps the original of a form, before its first change: table, form, form XML."""


@dataclass(frozen=True, slots=True)
class TableTab:
    """The tab that all main forms of a table should have."""

    table: str
    tab: OwnTab
    around: Surroundings = field(repr=False)

    @property
    def name(self) -> str:
        """The table."""
        return self.table


@dataclass(frozen=True, slots=True)
class FoundForms:
    """The main forms of a table that may be changed, as they were last saved and as they were last published."""

    table: str
    saved: Sequence[Row] = field(repr=False)
    published: Sequence[Row] = field(repr=False)


class Tabs(ComponentKind[TableTab, FoundForms]):
    """Own tabs, table by table."""

    kind = Kind.TAB

    def __init__(self, customisation: Customisation, keep: Keep, left_out: frozenset[str] = frozenset()) -> None:
        """`keep` stores the originals of forms of others; forms with a name in `left_out` get no tab."""
        self._customisation = customisation
        self._keep = keep
        self._left_out = left_out

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[TableTab]:
        """Return the tabs of the standard tables that exist."""
        around = surroundings(self._customisation, desired, organisation)
        return [
            TableTab(table, tab, around)
            for tab in self._customisation.tabs
            for table in tab.tables
            if organisation.has(table)
        ]

    def is_removed(self, found: FoundForms) -> bool:
        """Return whether no form has the tab or a handler of the connector, as saved and as published."""
        return all(_removed(found.table, form) is form["formxml"] for form in (*found.saved, *found.published))

    async def find(
        self, client: CustomizationClient, wanted: Sequence[TableTab], organisation: Organisation
    ) -> Mapping[str, FoundForms]:
        """Read the active main forms of each table, with edits that nobody has published."""
        return await _read_all(client, [one.table for one in wanted])

    def differences(self, wanted: TableTab, found: FoundForms, organisation: Organisation) -> Sequence[str]:
        """Name forms whose own tab is missing, differs, or is not published."""
        reasons = []
        published = {form["formid"]: form for form in found.published}
        for form in self._chosen(found):
            if _merged(wanted, form) is not form["formxml"]:
                reasons.append(f"the tab of the form {form['name']} is missing or differs")
                continue
            seen = published.get(form["formid"])
            if seen is None or _merged(wanted, seen) is not seen["formxml"]:
                reasons.append(f"the tab of the form {form['name']} is not published")
        return reasons

    async def create(
        self, client: CustomizationClient, wanted: TableTab, organisation: Organisation
    ) -> Publication | None:
        """Do nothing: forms of standard tables always exist, and `find` finds them."""

    async def change(
        self, client: CustomizationClient, wanted: TableTab, found: FoundForms, organisation: Organisation
    ) -> Publication | None:
        """Merge the tab into the forms that need it.

        Raises ConflictError if somebody changed a form since it was read: the next run merges into the new one.
        """
        current = (await _read_all(client, [wanted.table]))[wanted.table]  # what was found may be minutes old
        for form in self._chosen(current):
            formxml = _merged(wanted, form)
            if formxml is not form["formxml"]:
                self._keep(wanted.table, UUID(form["formid"]), form["formxml"])
                await _write(client, form, formxml)
        return of_table(wanted.table)

    async def remove(self, client: CustomizationClient, wanted: TableTab, found: FoundForms) -> Publication | None:
        """Take the tab and the connector's handlers off all forms, also off those that get none any more."""
        current = (await _read_all(client, [found.table]))[found.table]  # publishing gave them new versions
        for form in current.saved:
            formxml = _removed(found.table, form)
            if formxml is not form["formxml"]:
                await _write(client, form, formxml)
        return of_table(found.table)

    def _chosen(self, found: FoundForms) -> list[Row]:
        return [form for form in found.saved if form["name"] not in self._left_out]


async def _read_all(client: CustomizationClient, tables: Sequence[str]) -> dict[str, FoundForms]:
    """Read the active main forms of some tables, in both states."""
    if not tables:
        return {}
    where = odata.any_of(*(_main_forms(table) for table in tables))
    saved = await read_state(client, ComponentTable.FORMS.entity_set, _COLUMNS, where, State.SAVED)
    published = await read_state(client, ComponentTable.FORMS.entity_set, _COLUMNS, where, State.PUBLISHED)
    return {table: FoundForms(table, _changeable(saved, table), _changeable(published, table)) for table in tables}


def _main_forms(table: str) -> str:
    return odata.all_of(
        odata.compare("objecttypecode", ODataComparison.EQUAL, table),
        odata.compare("type", ODataComparison.EQUAL, _MAIN),
        odata.compare("formactivationstate", ODataComparison.EQUAL, _ACTIVE),
    )


def _changeable(forms: Sequence[Row], table: str) -> list[Row]:
    return [form for form in forms if form["objecttypecode"] == table and _is_customizable(form)]


async def _write(client: CustomizationClient, form: Row, formxml: str) -> None:
    path = odata.row(ComponentTable.FORMS.entity_set, UUID(form["formid"]))
    version = form.get("@odata.etag", "*")
    await client.outside_the_solution().change(path, {"formxml": formxml}, if_match=version)


def _merged(wanted: TableTab, form: Row) -> str:
    return merge_tab(form["formxml"], wanted.tab, UUID(form["formid"]), wanted.table, wanted.around)


def _removed(table: str, form: Row) -> str:
    return remove_tab(form["formxml"], UUID(form["formid"]), table)


def _is_customizable(form: Row) -> bool:
    """Read a managed property: an object with its value."""
    value = form["iscustomizable"]
    return bool(value["Value"] if isinstance(value, dict) else value)
