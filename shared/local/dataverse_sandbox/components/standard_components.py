"""The forms, views, apps and web resources that an organisation begins with, and those that a new table gets by itself.

The forms are written for this sandbox, in the shape of real ones: with a tab of another vendor (contact), with two
columns and a script (lead), managed and not to be changed (the second form of account).
Source of what a table gets: an exported sample solution of Microsoft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.local.dataverse_sandbox.components.form_writer import Tab, fetch_xml, form_xml, layout_xml
from shared.local.dataverse_sandbox.metadata import names
from shared.local.dataverse_sandbox.metadata.schema import Table
from shared.local.dataverse_sandbox.metadata.type_codes import type_code
from shared.local.dataverse_sandbox.organisation.errors import CUSTOM_NAME
from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id

DEFAULT_ICON = "953b9fac-1e5e-e611-80d6-00155ded156f"
_MAIN, _CARD = 2, 11
_SCRIPT, _SVG = 3, 11
_VENDOR_SCRIPT = "tribe_/scripts/lead.js"
_ADDRESS = ("address1_line1", "address1_city", "address1_postalcode", "address1_country")
_PHONE = ("telephone1", "mobilephone", "emailaddress1")
_SETTINGS = ("donotemail", "donotbulkemail", "donotphone", "preferredcontactmethodcode")

_MAIN_TABS: Mapping[str, Sequence[tuple[str, Sequence[Tab]]]] = {
    "contact": (
        (
            "Contact",
            (
                Tab("SUMMARY_TAB", "Summary", [[("CONTACT_INFORMATION", ("fullname", "jobtitle", "parentcustomerid")),
                                                ("PHONE", _PHONE)], [("ADDRESS", _ADDRESS)]]),
                Tab("DETAILS_TAB", "Details", [[("PERSONAL", ("gendercode", "birthdate", "description"))],
                                               [("CONTACT_PREFERENCES", _SETTINGS)]]),
                Tab("tribe_events", "Events", [[("tribe_events_section", ("lastusedincampaign", "ownerid"))]]),
            ),
        ),
        ("Information", (Tab("general", "General", [[("name", ("firstname", "lastname", *_PHONE))]]),)),
    ),
    "account": (
        (
            "Account",
            (
                Tab("SUMMARY_TAB", "Summary", [[("ACCOUNT_INFORMATION", ("name", "accountnumber", *_PHONE))],
                                               [("ADDRESS", _ADDRESS)]]),
                Tab("DETAILS_TAB", "Details", [[("CONTACT_PREFERENCES", _SETTINGS)]]),
            ),
        ),
        ("Account for Interactive experience", (Tab("tab_summary", "Summary", [[("section_1", ("name",))]]),)),
    ),
    "lead": (
        (
            "Lead",
            (
                Tab("Summary", "Summary", [[("contact", ("subject", "fullname", "jobtitle", *_PHONE))],
                                           [("company", ("companyname", "websiteurl", *_ADDRESS))]]),
                Tab("details_tab", "Details", [[("lead_information", ("leadsourcecode", "campaignid", *_SETTINGS))]]),
            ),
        ),
        ("Information", (Tab("general", "General", [[("name", ("firstname", "lastname", *_PHONE))]]),)),
    ),
    "list": (
        ("Information", (Tab("information", "Summary", [[("list", ("listname", "type", "createdfromcode", "purpose"))],
                                                        [("details", ("lockstatus", "membercount", "ownerid"))]]),)),
    ),
    "campaign": (
        ("Campaign", (Tab("summary", "Summary", [[("campaign", ("name", "typecode", "statuscode", "description"))],
                                                 [("schedule", ("proposedstart", "proposedend", "ownerid"))]]),)),
    ),
    "email": (
        ("Email", (Tab("general", "Email", [[("email", ("subject", "description", "regardingobjectid"))]]),)),
        ("Enhanced Email", (Tab("email", "Email", [[("email_section", ("subject", "description", "statuscode"))]]),)),
    ),
}  # fmt: skip
_MANAGED = frozenset({"Account for Interactive experience"})
_VIEW_KINDS = (
    ("Active {plural}", 0, 0),
    ("Inactive {plural}", 0, 1),
    ("{label} Advanced Find View", 1, 0),
    ("{label} Associated View", 2, 0),
    ("Quick Find Active {plural}", 4, 0),
    ("{label} Lookup View", 64, 0),
)


def add_standard(organization: Organization) -> None:
    """Insert the web resources, and the forms, views and entity rows of all tables."""
    organization.seed(
        [
            ("webresource", _resource(DEFAULT_ICON, "msdyn_/Images/AppModule_Default_Icon.png", _SVG)),
            ("webresource", _resource(fixed_id("webresource", _VENDOR_SCRIPT), _VENDOR_SCRIPT, _SCRIPT)),
        ]
    )
    for table in organization.schema.tables.values():
        add_entity(organization, table)
        if table.name in _MAIN_TABS:
            _add_views(organization, table)
            for name, tabs in _MAIN_TABS[table.name]:
                _add_form(organization, table, name, _MAIN, tabs)
        elif CUSTOM_NAME.match(table.name):
            add_for_table(organization, table)


def add_entity(organization: Organization, table: Table) -> None:
    """Insert the row of a table in `entities`; its id is the MetadataId of the table."""
    row = {
        "entityid": fixed_id("table", table.name),
        "logicalname": table.name,
        "name": names.of_table(table).schema_name,
        "entitysetname": table.set_name,
        "logicalcollectionname": table.set_name,
        "objecttypecode": type_code(table),
    }
    organization.seed([("entity", row)])


def add_for_table(organization: Organization, table: Table) -> None:
    """Insert the views and the forms named Information that a new table gets by itself."""
    _add_views(organization, table)
    general = Tab("general", "General", [[("general_section", (table.primary_name, "ownerid"))]])
    _add_form(organization, table, "Information", _MAIN, (general,))
    _add_form(organization, table, "Information", _CARD, (general,))


def _add_form(organization: Organization, table: Table, name: str, kind: int, tabs: Sequence[Tab]) -> None:
    identifier = fixed_id("form", table.name, name, str(kind))
    script = _script(identifier) if table.name == "lead" and name == "Lead" else ""
    form = {
        "formid": identifier,
        "name": name,
        "objecttypecode": table.name,
        "type": kind,
        "formxml": form_xml(table, identifier, tabs, organization.schema.language, script),
        "formactivationstate": 1,
        "isdefault": kind == _MAIN,
        "ismanaged": name in _MANAGED,
        "iscustomizable": name not in _MANAGED,
        "canbedeleted": False,
    }
    organization.seed([("systemform", form)])


def _add_views(organization: Organization, table: Table) -> None:
    called = names.of_table(table)
    created = ("createdon",) if "createdon" in table.columns else ()
    columns = (table.primary_name, *created)
    for pattern, kind, state in _VIEW_KINDS:
        name = pattern.format(label=called.label, plural=called.plural)
        view = {
            "savedqueryid": fixed_id("view", table.name, str(kind), str(state)),
            "name": name,
            "returnedtypecode": table.name,
            "querytype": kind,
            "fetchxml": fetch_xml(table, columns, state if "statecode" in table.columns else None),
            "layoutxml": layout_xml(table, columns),
            "isdefault": (kind, state) != (0, 1),
            "canbedeleted": False,
        }
        organization.seed([("savedquery", view)])


def _script(form: str) -> str:
    library, handler = fixed_id("library", form), fixed_id("handler", form)
    return (
        f'<formLibraries><Library name="{_VENDOR_SCRIPT}" libraryUniqueId="{{{library}}}" /></formLibraries>'
        '<events><event name="onload" application="false" active="false"><Handlers>'
        f'<Handler functionName="Tribe.Lead.onLoad" libraryName="{_VENDOR_SCRIPT}" handlerUniqueId="{{{handler}}}" '
        'enabled="true" parameters="" passExecutionContext="true" /></Handlers></event></events>'
    )


def _resource(identifier: str, name: str, kind: int) -> dict[str, Any]:
    return {"webresourceid": identifier, "name": name, "displayname": name, "webresourcetype": kind, "content": "Lyo="}
