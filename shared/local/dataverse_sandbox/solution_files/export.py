"""ExportSolution: the zip of a solution, with what the sandbox knows of its components.

Only what is published is exported; values of variables, keys of endpoints and rows of tables are not. Source:
Microsoft's pages "ExportSolution Action" and "Export solutions", and its sample solutions. The files of variables and
commands, and the codes of the refusals, are inferred; the texts of the refusals are Microsoft's.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from shared.local.dataverse_sandbox.administration.solutions import named
from shared.local.dataverse_sandbox.organisation.errors import WebApiError, bad_request, not_implemented
from shared.local.dataverse_sandbox.organisation.privileges import EXPORTING
from shared.local.dataverse_sandbox.requests.invocation import Invocation
from shared.local.dataverse_sandbox.solution_files import components_xml
from shared.local.dataverse_sandbox.solution_files.contents import Contents
from shared.local.dataverse_sandbox.solution_files.tables_xml import add_relationships, add_tables
from shared.local.dataverse_sandbox.solution_files.xml_writing import add

_FAILED = "An error occurred while exporting a solution."
_SETTINGS = (
    "AutoNumberingSettings", "CalendarSettings", "CustomizationSettings", "EmailTrackingSettings", "GeneralSettings",
    "IsvConfig", "MarketingSettings", "OutlookSynchronizationSettings", "RelationshipRoles", "Sales",
)  # fmt: skip
_CONTENT_TYPES = (
    '<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/octet-stream" /></Types>'
)


def export_solution(call: Invocation) -> dict[str, Any]:
    """Return the zip in Base64; WebApiError for an unknown or managed solution, or a missing privilege."""
    arguments, organization = call.arguments, call.organization
    call.writer.rights.require(*EXPORTING)
    identifier = named(organization, str(arguments.get("SolutionName") or ""))
    if identifier is None:
        raise WebApiError(404, "0x80048037", f"{_FAILED} The solution does not exist in this system.")
    solution = call.writer.store.rows("solution")[identifier]
    if solution.get("ismanaged"):
        raise bad_request(f"{_FAILED} Managed solutions cannot be exported.", "0x80048036")
    if not isinstance(managed := arguments.get("Managed"), bool):
        raise bad_request("The parameter 'Managed' is required.", "0x80048d19")
    for setting in _SETTINGS:
        if arguments.get(f"Export{setting}"):
            raise not_implemented(f"The parameter 'Export{setting}' of 'ExportSolution'")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in _parts(Contents(organization, solution), managed=managed):
            archive.writestr(name, part)
    return {"ExportSolutionFile": base64.b64encode(content.getvalue()).decode()}


def _parts(contents: Contents, *, managed: bool) -> Iterator[tuple[str, bytes]]:
    language = contents.base_language
    yield "[Content_Types].xml", _CONTENT_TYPES.encode()
    yield "solution.xml", components_xml.document(components_xml.manifest(contents, managed=managed))
    yield "customizations.xml", components_xml.document(_customizations(contents))
    for row in contents.rows("webresource"):
        yield components_xml.file_of_resource(row), base64.b64decode(row.get("content") or "")
    for row in contents.rows("environmentvariabledefinition"):
        place = f"environmentvariabledefinitions/{row['schemaname']}/environmentvariabledefinition.xml"
        yield place, components_xml.document(components_xml.variable(row, language))
    for row in contents.rows("appaction"):
        place = f"appactions/{row['uniquename']}/appaction.xml"
        yield place, components_xml.document(components_xml.command(row, language))


def _customizations(contents: Contents) -> Element:
    root = Element("ImportExportXml")
    add_tables(root, contents)
    components_xml.add_roles(root, contents)
    for empty in ("Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps"):
        add(root, empty)
    add_relationships(root, contents)
    add(root, "OrganizationSettings")
    add(root, "optionsets")
    components_xml.add_dashboards(root, contents)
    components_xml.add_web_resources(root, contents)
    components_xml.add_apps(root, contents)
    languages = add(root, "Languages")
    for language in contents.organization.languages:
        add(languages, "Language", language)
    return root
