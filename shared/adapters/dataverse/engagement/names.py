"""Names and option values of campaigns, interactions and activities (`docs/tables.md`)."""

from collections.abc import Mapping
from datetime import UTC, datetime

from shared.adapters.dataverse.engagement.bulk_messages import BulkTable
from shared.adapters.dataverse.records import tables
from shared.domain.engagement.events import BounceType, Confidence
from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import PersonTable, RecordKey

CAMPAIGNS = BulkTable("campaign", "campaigns", "campaignid")
INTERACTIONS = BulkTable("dh_marketinginteraction", "dh_marketinginteractions", "dh_marketinginteractionid")
RESPONSES = BulkTable("campaignresponse", "campaignresponses", "activityid")
PEOPLE: Mapping[PersonTable, BulkTable] = {
    table: BulkTable(table, names.entity_set, names.key) for table, names in tables.PEOPLE.items()
}

_FIRST = 480_000_000
INTERACTION_TYPES: Mapping[InteractionKind, int] = {
    InteractionKind.SENT: _FIRST,
    InteractionKind.OPENED: _FIRST + 1,
    InteractionKind.CLICKED: _FIRST + 2,
    InteractionKind.BOUNCED: _FIRST + 3,
    InteractionKind.UNSUBSCRIBED: _FIRST + 4,
    InteractionKind.CONVERSION: _FIRST + 8,
    InteractionKind.SMS_SENT: _FIRST + 9,
    InteractionKind.AUTOMATION_MAIL: _FIRST + 10,
    InteractionKind.WEBSITE_VISIT: _FIRST + 6,
}
"""Option values of `dh_type`; 5 and 7 are those of forms and single pages."""

BOUNCE_TYPES: Mapping[BounceType, int] = {BounceType.HARD: _FIRST, BounceType.SOFT: _FIRST + 1}
ATTRIBUTIONS: Mapping[Confidence, int] = {Confidence.CLICKED: _FIRST, Confidence.ASSUMED: _FIRST + 1}
MAILING_TYPES: Mapping[MailingKind, int] = {MailingKind.EMAIL: _FIRST, MailingKind.SMS: _FIRST + 1}

TITLES: Mapping[InteractionKind, str] = {
    InteractionKind.SENT: "Sent",
    InteractionKind.OPENED: "Opened",
    InteractionKind.CLICKED: "Clicked",
    InteractionKind.BOUNCED: "Bounced",
    InteractionKind.UNSUBSCRIBED: "Unsubscribed",
    InteractionKind.CONVERSION: "Conversion",
    InteractionKind.SMS_SENT: "SMS",
    InteractionKind.AUTOMATION_MAIL: "Automation mail",
    InteractionKind.WEBSITE_VISIT: "Website visit",
}

_LOOKUPS: Mapping[PersonTable, tuple[str, str]] = {
    PersonTable.CONTACT: ("dh_CustomerId_contact", "dh_customerid"),
    PersonTable.ACCOUNT: ("dh_CustomerId_account", "dh_customerid"),
    PersonTable.LEAD: ("dh_LeadId", "dh_leadid"),
}
"""The navigation property and the column of the lookup to a person."""


def person_lookup(record: RecordKey) -> dict[str, str]:
    """Bind a row to its person."""
    return {f"{_LOOKUPS[record.table][0]}@odata.bind": f"/{tables.PEOPLE[record.table].entity_set}({record.id})"}


def person_column(table: PersonTable) -> str:
    """Return the lookup column to a person of a table, as filters name it."""
    return f"_{_LOOKUPS[table][1]}_value"


def text_of(at: datetime) -> str:
    """Write a time as Dataverse stores it: in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
