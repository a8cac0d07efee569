"""The manifest of a solution file, and its components other than tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, tostring

from shared.local.dataverse_sandbox.administration.solutions import TABLE, TYPES
from shared.local.dataverse_sandbox.components.localized_labels import row_texts
from shared.local.dataverse_sandbox.rows.store import Row
from shared.local.dataverse_sandbox.solution_files.contents import WHOLE, Contents
from shared.local.dataverse_sandbox.solution_files.tables_xml import add_parsed_form
from shared.local.dataverse_sandbox.solution_files.xml_writing import add, add_parsed, add_texts, braced

_DEPTHS = {1: "Basic", 2: "Local", 4: "Deep", 8: "Global"}
_DASHBOARD = 0
_NAMED: Mapping[str, str] = {
    "webresource": "name",
    "appmodule": "uniquename",
    "sitemap": "sitemapnameunique",
    "environmentvariabledefinition": "schemaname",
    "appaction": "uniquename",
}
"""The columns by which the manifest names components; the others have ids."""


def document(root: Element) -> bytes:
    """Write a whole document."""
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def manifest(contents: Contents, *, managed: bool) -> Element:
    """Return `solution.xml`."""
    solution, store = contents.solution, contents.organization.store
    publisher = store.follow(solution["publisherid"]) or {}
    language = contents.base_language
    root = Element("ImportExportXml", version="9.2.0.0", SolutionPackageVersion="9.2", languagecode=str(language))
    root.set("generatedBy", "CrmLive")
    top = add(root, "SolutionManifest")
    add(top, "UniqueName", solution["uniquename"])
    add_texts(top, "LocalizedNames", "LocalizedName", [(language, solution["friendlyname"])])
    add(top, "Descriptions")
    add(top, "Version", solution["version"])
    add(top, "Managed", managed)
    made_by = add(top, "Publisher")
    add(made_by, "UniqueName", publisher.get("uniquename"))
    add_texts(made_by, "LocalizedNames", "LocalizedName", [(language, publisher.get("friendlyname", ""))])
    add(made_by, "CustomizationPrefix", publisher.get("customizationprefix"))
    add(made_by, "CustomizationOptionValuePrefix", publisher.get("customizationoptionvalueprefix"))
    roots = add(top, "RootComponents")
    for table, behavior in contents.tables:
        add(roots, "RootComponent", type=TABLE, schemaName=table["LogicalName"], behavior=behavior)
    for kind, named in _roots(contents):
        add(roots, "RootComponent", type=kind, behavior=WHOLE, **named)
    add(top, "MissingDependencies")
    return root


def _roots(contents: Contents) -> Iterator[tuple[int, dict[str, str]]]:
    tables = {number: table for table, number in TYPES.items()}
    for kind, identifier in contents.roots():
        table = tables[kind]
        row = contents.organization.store.get(table, identifier)
        if row is not None and contents.is_published(table, identifier):
            yield kind, {"schemaName": row[_NAMED[table]]} if table in _NAMED else {"id": braced(identifier)}
    for row in _dashboards(contents):
        yield TYPES["systemform"], {"id": braced(row["formid"])}


def add_roles(root: Element, contents: Contents) -> None:
    """Add the element `Roles`."""
    group, store = add(root, "Roles"), contents.organization.store
    for row in contents.rows("role"):
        role = add(group, "Role", name=row["name"], id=braced(row["roleid"]))
        privileges = add(role, "RolePrivileges")
        for link in store.related(row["roleid"], "roleprivileges", "roleid"):
            privilege = store.follow(link["privilegeid"]) or {}
            level = _DEPTHS[link["privilegedepthmask"]]
            add(privileges, "RolePrivilege", name=privilege.get("name", ""), level=level)


def add_dashboards(root: Element, contents: Contents) -> None:
    """Add the element `Dashboards`."""
    group = add(root, "Dashboards")
    for row in _dashboards(contents):
        dashboard = add(group, "Dashboard")
        add(dashboard, "FormId", braced(row["formid"]))
        add_texts(dashboard, "LocalizedNames", "LocalizedName", row_texts(row, "name", contents.base_language))
        add_parsed_form(add(add(dashboard, "FormXml"), "forms", type="dashboard"), row["formxml"])


def _dashboards(contents: Contents) -> list[Row]:
    return [row for row in contents.rows("systemform") if row["type"] == _DASHBOARD]


def add_web_resources(root: Element, contents: Contents) -> None:
    """Add the element `WebResources`."""
    group = add(root, "WebResources")
    for row in contents.rows("webresource"):
        resource = add(group, "WebResource")
        add(resource, "WebResourceId", braced(row["webresourceid"]))
        add(resource, "Name", row["name"])
        add(resource, "DisplayName", row.get("displayname"))
        add(resource, "WebResourceType", row["webresourcetype"])
        add(resource, "FileName", f"/{file_of_resource(row)}")


def file_of_resource(row: Row) -> str:
    """Return the file of a web resource in the zip."""
    return f"WebResources/{row['name'].replace('.', '')}{row['webresourceid'].upper()}"


def add_apps(root: Element, contents: Contents) -> None:
    """Add the elements `AppModuleSiteMaps` and `AppModules`."""
    group = add(root, "AppModuleSiteMaps")
    for row in contents.rows("sitemap"):
        site_map = add(group, "AppModuleSiteMap")
        add(site_map, "SiteMapUniqueName", row["sitemapnameunique"])
        add_parsed_site_map(site_map, row["sitemapxml"])
        add_texts(site_map, "LocalizedNames", "LocalizedName", row_texts(row, "sitemapname", contents.base_language))
    group = add(root, "AppModules")
    for row in contents.rows("appmodule"):
        app = add(group, "AppModule")
        add(app, "UniqueName", row["uniquename"])
        add(app, "IntroducedVersion", contents.solution["version"])
        add(app, "WebResourceId", braced(row["webresourceid"]))
        add(app, "FormFactor", row.get("formfactor", 1))
        add(app, "ClientType", row.get("clienttype", 4))
        add(app, "AppModuleComponents")
        add_texts(app, "LocalizedNames", "LocalizedName", row_texts(row, "name", contents.base_language))
        add_texts(app, "Descriptions", "Description", row_texts(row, "description", contents.base_language))


def add_parsed_site_map(parent: Element, text: str) -> None:
    """Add the `SiteMap` itself."""
    add_parsed(parent, "SiteMap", text)
    wrapper = parent[-1]
    parent.remove(wrapper)
    parent.extend(wrapper)


def variable(row: Row, base_language: int) -> Element:
    """Return `environmentvariabledefinition.xml` of a variable; its value belongs to the environment."""
    root = Element("environmentvariabledefinition", schemaname=row["schemaname"])
    for column in ("displayname", "description"):
        texts = row_texts(row, column, base_language)
        group = add(root, column, default=row.get(column, ""))
        for language, text in texts:
            add(group, "label", description=text, languagecode=language)
    add(root, "type", row["type"])
    return root


def command(row: Row, base_language: int) -> Element:
    """Return `appaction.xml` of a command."""
    root = Element("appaction", uniquename=row["uniquename"])
    texts = row_texts(row, "buttonlabeltext", base_language)
    group = add(root, "buttonlabeltext", default=row.get("buttonlabeltext", ""))
    for language, text in texts:
        add(group, "label", description=text, languagecode=language)
    for column in ("context", "contextvalue", "location", "onclickeventjavascriptfunctionname"):
        add(root, column, row.get(column))
    return root
