"""Actions and functions by name and binding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.local.dataverse_sandbox.administration import endpoint_check, roles, solutions
from shared.local.dataverse_sandbox.components import app_actions, localized_labels, publishing
from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.organisation import record_access, rights_functions
from shared.local.dataverse_sandbox.organisation.privileges import PUBLISHING, Access, Privilege
from shared.local.dataverse_sandbox.requests.invocation import Action, Invocation
from shared.local.dataverse_sandbox.rows import bulk, leads_and_duplicates, membership
from shared.local.dataverse_sandbox.solution_files import export


def find(name: str, table: Table | None, identifier: str | None) -> Action | None:
    """Return the action of this name with this kind of binding; None if there is none."""
    if identifier is not None and table is not None:
        return _ON_ROW.get((table.name, name))
    return _ON_TABLE.get(name) if table is not None else _UNBOUND.get(name)


def _who_am_i(call: Invocation) -> dict[str, Any]:
    return {
        "BusinessUnitId": call.writer.unit.id,
        "UserId": call.writer.caller.user.id,
        "OrganizationId": str(call.organization.id),
    }


def _current_organization(call: Invocation) -> dict[str, Any]:
    root = call.writer.caller.base_url.split("/api/", 1)[0]
    endpoints = {"WebApplication": f"{root}/", "OrganizationDataService": f"{call.writer.caller.base_url}/"}
    return {
        "Detail": {
            "OrganizationId": str(call.organization.id),
            "FriendlyName": call.organization.name,
            "UniqueName": call.organization.name,
            "UrlName": call.organization.name,
            "EnvironmentId": str(call.organization.id),
            "OrganizationVersion": "9.2.0.0",
            "State": "Enabled",
            "Endpoints": {"Keys": list(endpoints), "Values": list(endpoints.values()), "Count": len(endpoints)},
        }
    }


def _available_languages(call: Invocation) -> dict[str, Any]:
    return {"LocaleIds": list(call.organization.languages)}


def _provisioned_languages(call: Invocation) -> dict[str, Any]:
    """Return the languages that are switched on; that the answer has this shape is inferred."""
    return {"RetrieveProvisionedLanguages": list(call.organization.languages)}


_UNBOUND: Mapping[str, Action] = {
    "WhoAmI": _who_am_i,
    "RetrieveCurrentOrganization": _current_organization,
    "RetrieveAvailableLanguages": _available_languages,
    "RetrieveProvisionedLanguages": _provisioned_languages,
    "AddListMembersList": membership.add_list_members,
    "Merge": leads_and_duplicates.merge,
    "BulkDelete": bulk.bulk_delete,
    "AddAppComponents": app_actions.add_app_components,
    "RetrieveAppComponents": app_actions.retrieve_app_components,
    "ValidateApp": app_actions.validate_app,
    "PublishXml": publishing.publish_xml,
    "PublishAllXml": publishing.publish_all,
    "AddSolutionComponent": solutions.add_component,
    "RemoveSolutionComponent": solutions.remove_component,
    "ExportSolution": export.export_solution,
    "RetrieveRolePrivilegesRole": roles.retrieve,
    "RetrieveLocLabels": localized_labels.retrieve,
    "SetLocLabels": localized_labels.replace,
}
_ON_TABLE: Mapping[str, Action] = {
    "CreateMultiple": bulk.create_multiple,
    "UpdateMultiple": bulk.update_multiple,
    "UpsertMultiple": bulk.upsert_multiple,
}
_ON_ROW: Mapping[tuple[str, str], Action] = {
    ("lead", "QualifyLead"): leads_and_duplicates.qualify_lead,
    ("serviceendpoint", "TriggerServiceEndpointCheck"): endpoint_check.check_service_endpoint,
    ("role", "AddPrivilegesRole"): roles.add,
    ("role", "ReplacePrivilegesRole"): roles.replace,
    ("role", "RemovePrivilegeRole"): roles.remove,
    ("list", "AddMemberList"): membership.add_member,
    ("systemuser", "RetrievePrincipalAccess"): record_access.retrieve_principal_access,
    ("systemuser", "RetrieveUserPrivileges"): rights_functions.user_privileges,
    ("systemuser", "RetrieveUserSetOfPrivilegesByNames"): rights_functions.user_set_of_privileges_by_names,
}
CUSTOMISING: Mapping[str, Privilege | None] = {
    **dict.fromkeys(("PublishXml", "PublishAllXml"), PUBLISHING),
    **dict.fromkeys(("AddSolutionComponent", "RemoveSolutionComponent"), Privilege(Access.WRITE, "solution")),
    "SetLocLabels": None,  # the table of its row decides
}
"""Actions that wait for other customisations, and the privileges that they need (inferred)."""
WITH_PARAMETERS = frozenset(
    {
        "RetrieveAppComponents",
        "ValidateApp",
        "RetrieveRolePrivilegesRole",
        "RetrieveLocLabels",
        "RetrievePrincipalAccess",
        "RetrieveUserSetOfPrivilegesByNames",
    }
)
"""Functions with their parameters in the path, as aliases of query options."""
FUNCTIONS_OF_ROWS = frozenset({"RetrieveUserPrivileges", "RetrieveUserSetOfPrivilegesByNames"})
"""These functions require privileges of their own, and not the privilege to read the row that they are bound to."""
