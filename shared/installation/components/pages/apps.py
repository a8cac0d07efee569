"""The app Spotler Hub: the app row, its site map, the dashboard in it, and the roles that may open it (UI-02, UI-03).

Dataverse may answer that an app was created and store nothing, so that each part is read back. Tables are in the app
because its site map names them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.localised import (
    ComponentTable,
    create_row,
    different_columns,
    in_base_language,
    languages,
    with_texts,
    write_columns,
)
from shared.installation.components.pages.rows import web_resource_id
from shared.installation.desired.state import DesiredState
from shared.installation.organisation.organisation import Organisation
from shared.installation.pages.hub.site_map import build_site_map
from shared.installation.pages.languages import Localised
from shared.installation.pages.reading import Customisation
from shared.installation.wire.customization_client import CustomizationClient
from shared.installation.wire.publication import Publication, Published, of_row
from shared.installation.wire.states import State, read_state

_APP = ("appmoduleid", "appmoduleidunique", "uniquename", "name", "description")
_SITE_MAP = ("sitemapid", "sitemapname", "sitemapxml")
_ROLE = "name,_roletemplateid_value"
_ROLES_OF_APP = (
    '<fetch><entity name="role"><attribute name="name"/><attribute name="roletemplateid"/>'
    '<link-entity name="appmoduleroles" from="roleid" to="roleid" intersect="true"><filter>'
    '<condition attribute="appmoduleid" operator="eq" value="{app}"/></filter></link-entity></entity></fetch>'
)
"""Reads the roles of an app by its intersect table: an app that was never published answers no relationship."""
_ADMINISTRATOR = "System Administrator"
_ADMINISTRATOR_TEMPLATE = UUID("627090ff-40a3-4053-8790-584edc5be201")
"""The template of the role System Administrator, whose name is translated."""
_ALL_CLIENTS, _MAIN_FORM_FACTOR, _SINGLE_SESSION = 4, 1, 0


@dataclass(frozen=True, slots=True)
class HubApp:
    """The app as it should be. `name` is its unique name, `icon` the name of a web resource; `roles` are names."""

    name: str
    label: Localised
    description: Localised
    icon: str
    site_map: str = field(repr=False)
    dashboard: UUID
    roles: tuple[str, ...]

    @property
    def texts(self) -> Mapping[str, Localised]:
        """The columns of the app that may change."""
        return {"name": self.label, "description": self.description}

    @property
    def site_map_columns(self) -> Mapping[str, Localised]:
        """The columns of the site map that may change."""
        return {"sitemapname": self.label, "sitemapxml": self.site_map}


@dataclass(frozen=True, slots=True)
class FoundApp:
    """What exists of the app and its site map: as they were last saved, and as they were last published."""

    app: Row | None = field(default=None, repr=False)
    published_app: Row | None = field(default=None, repr=False)
    site_map: Row | None = field(default=None, repr=False)
    published_site_map: Row | None = field(default=None, repr=False)
    components: frozenset[UUID] = frozenset()
    roles: frozenset[str] = frozenset()


class Apps(ComponentKind[HubApp, FoundApp]):
    """Apps, by unique name."""

    kind = Kind.APP

    def __init__(self, customisation: Customisation) -> None:
        self._hub = customisation.hub

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[HubApp]:
        """Return the one app, with the site map that fits the organisation."""
        app, dashboard, spoken = self._hub.app, self._hub.dashboard.id, languages(desired, organisation)
        return [
            HubApp(
                name=app.unique_name,
                label=spoken.name(app.name),
                description=spoken.name(app.description),
                icon=app.icon,
                site_map=build_site_map(self._hub.site_map, dashboard, spoken, has_sales=organisation.sales),
                dashboard=dashboard,
                roles=app.roles,
            )
        ]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[HubApp], organisation: Organisation
    ) -> Mapping[str, FoundApp]:
        """Read apps with their parts. A site map without its app, left by an interrupted run, counts as well."""
        found = {one.name: await _found(client, one) for one in wanted}
        return {name: one for name, one in found.items() if one.app is not None or one.site_map is not None}

    def differences(self, wanted: HubApp, found: FoundApp, organisation: Organisation) -> Sequence[str]:
        """Name what differs, part by part."""
        reasons = []
        if found.app is None:
            reasons.append("the app does not exist")
        elif different := different_columns(wanted.texts, found.app):
            reasons.append(f"{', '.join(different)} of the app differs")
        elif found.published_app is None or different_columns(wanted.texts, found.published_app):
            reasons.append("the app is not published")
        if found.site_map is None:
            reasons.append("the site map does not exist")
        elif different := different_columns(wanted.site_map_columns, found.site_map):
            reasons.append(f"{', '.join(different)} of the site map differs")
        elif found.published_site_map is None or different_columns(wanted.site_map_columns, found.published_site_map):
            reasons.append("the site map is not published")
        if found.site_map is not None and not _wanted_components(wanted, found.site_map) <= found.components:
            reasons.append("the site map or the dashboard is not in the app")
        return [*reasons, *(f"the role {role} may not open it" for role in _missing_roles(wanted, found))]

    async def create(
        self, client: CustomizationClient, wanted: HubApp, organisation: Organisation
    ) -> Publication | None:
        """Create the app and its parts. ConfigurationError if Dataverse says that it has, and has not."""
        return await self.change(client, wanted, FoundApp(), organisation)

    async def change(
        self, client: CustomizationClient, wanted: HubApp, found: FoundApp, organisation: Organisation
    ) -> Publication | None:
        """Write the parts that are missing or differ."""
        app = UUID((await self._write_app(client, wanted, found))["appmoduleid"])
        site_map = await self._write_site_map(client, wanted, found)
        others = client.outside_the_solution()  # what follows is no component
        if not _wanted_components(wanted, site_map) <= found.components:
            await others.act("AddAppComponents", _components(wanted, app, site_map))
        for role in await _role_ids(client, _missing_roles(wanted, found)):
            path = f"{odata.row('appmodules', app)}/appmoduleroles_association/$ref"
            await others.act(path, {"@odata.id": client.address(odata.row("roles", role))})
        return of_row(Published.APP, app) | of_row(Published.SITE_MAP, UUID(site_map["sitemapid"]))

    async def remove(self, client: CustomizationClient, wanted: HubApp, found: FoundApp) -> Publication | None:
        """Delete the app, then its site map."""
        if found.app is not None:
            await client.remove(odata.row("appmodules", UUID(found.app["appmoduleid"])))
        if found.site_map is not None:
            await client.remove(odata.row("sitemaps", UUID(found.site_map["sitemapid"])))
        return None

    async def _write_app(self, client: CustomizationClient, wanted: HubApp, found: FoundApp) -> Row:
        if found.app is not None:
            await _write_differences(client, ComponentTable.APPS, found.app, wanted.texts)
            return found.app
        fixed = {
            # Dataverse puts the publisher's prefix before the name that it is given.
            "uniquename": wanted.name.partition("_")[2],
            "clienttype": _ALL_CLIENTS,
            "formfactor": _MAIN_FORM_FACTOR,
            "navigationtype": _SINGLE_SESSION,
            "webresourceid": str(await web_resource_id(client, wanted.icon)),
        }
        await client.create(ComponentTable.APPS.entity_set, {**fixed, **in_base_language(wanted.texts)})
        app = await _one(client, ComponentTable.APPS, wanted, State.SAVED)
        if app is None:
            raise ConfigurationError(
                f"Dataverse has answered that the app {wanted.name} was created, but it does not exist. Create an app"
                f" with the unique name {wanted.name} in make.powerapps.com, then repeat",
                service=Service.DATAVERSE,
            )
        await _write_differences(client, ComponentTable.APPS, app, wanted.texts)
        return app

    async def _write_site_map(self, client: CustomizationClient, wanted: HubApp, found: FoundApp) -> Row:
        if found.site_map is None:
            fixed = {
                "sitemapnameunique": wanted.name,  # ties the site map to the app
                "isappaware": True,
                "showhome": True,
                "showpinned": True,
                "showrecents": True,
                "enablecollapsiblegroups": False,
            }
            return await create_row(client, ComponentTable.SITE_MAPS, fixed, wanted.site_map_columns)
        await _write_differences(client, ComponentTable.SITE_MAPS, found.site_map, wanted.site_map_columns)
        return found.site_map


async def _write_differences(
    client: CustomizationClient, table: ComponentTable, row: Row, columns: Mapping[str, Localised]
) -> None:
    different = {column: columns[column] for column in different_columns(columns, row)}
    if different:
        await write_columns(client, table, row, different)


async def _found(client: CustomizationClient, wanted: HubApp) -> FoundApp:
    app = await _one(client, ComponentTable.APPS, wanted, State.SAVED)
    site_map = await _one(client, ComponentTable.SITE_MAPS, wanted, State.SAVED)
    published_site_map = await _one(client, ComponentTable.SITE_MAPS, wanted, State.PUBLISHED)
    if app is None:
        return FoundApp(site_map=site_map, published_site_map=published_site_map)
    components = await client.rows(
        "appmodulecomponents",
        select="objectid",
        filter=odata.compare("_appmoduleidunique_value", ODataComparison.EQUAL, UUID(app["appmoduleidunique"])),
    )
    query = _ROLES_OF_APP.format(app=UUID(app["appmoduleid"]))
    roles = await client.rows(f"roles?fetchXml={quote(query, safe='')}")
    return FoundApp(
        app,
        await _one(client, ComponentTable.APPS, wanted, State.PUBLISHED),
        site_map,
        published_site_map,
        frozenset(UUID(one["objectid"]) for one in components),
        frozenset(_role_name(one) for one in roles),
    )


async def _one(client: CustomizationClient, table: ComponentTable, wanted: HubApp, state: State) -> Row | None:
    """Return the app or its site map in one state."""
    name, selected = ("uniquename", _APP) if table is ComponentTable.APPS else ("sitemapnameunique", _SITE_MAP)
    columns = wanted.texts if table is ComponentTable.APPS else wanted.site_map_columns
    where = odata.compare(name, ODataComparison.EQUAL, wanted.name)
    rows = await read_state(client, table.entity_set, selected, where, state)
    whole = await with_texts(client, ((table, row, columns) for row in rows[:1]), state)
    return whole[0] if whole else None


async def _role_ids(client: CustomizationClient, names: Sequence[str]) -> list[UUID]:
    """Return the ids of roles of the root business unit, in the order of their names."""
    if not names:
        return []
    named = odata.within("name", names)
    if _ADMINISTRATOR in names:  # its name is translated; its template is the same everywhere
        named = odata.any_of(
            named, odata.compare("_roletemplateid_value", ODataComparison.EQUAL, _ADMINISTRATOR_TEMPLATE)
        )
    where = odata.all_of(named, odata.compare("_parentroleid_value", ODataComparison.EQUAL, None))
    found = await client.rows("roles", select=f"roleid,{_ROLE}", filter=where)
    rows = {_role_name(row): UUID(row["roleid"]) for row in found}
    if missing := [name for name in names if name not in rows]:
        raise ConfigurationError(
            f"The role {missing[0]} does not exist: install roles before the app, without --only",
            service=Service.DATAVERSE,
        )
    return [rows[name] for name in names]


def _role_name(role: Row) -> str:
    template = role.get("_roletemplateid_value")
    return _ADMINISTRATOR if template and UUID(template) == _ADMINISTRATOR_TEMPLATE else str(role["name"])


def _wanted_components(wanted: HubApp, site_map: Row) -> set[UUID]:
    return {UUID(site_map["sitemapid"]), wanted.dashboard}


def _components(wanted: HubApp, app: UUID, site_map: Row) -> dict[str, Any]:
    return {
        "AppId": str(app),
        "Components": [
            {"@odata.type": "Microsoft.Dynamics.CRM.sitemap", "sitemapid": site_map["sitemapid"]},
            {"@odata.type": "Microsoft.Dynamics.CRM.systemform", "formid": str(wanted.dashboard)},
        ],
    }


def _missing_roles(wanted: HubApp, found: FoundApp) -> list[str]:
    return [role for role in wanted.roles if role not in found.roles]
