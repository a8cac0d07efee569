"""What the tests of engagement share: an organisation with a person of each table, a mailing, and rows about both."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.engagement.activities import DataverseActivities
from shared.adapters.dataverse.engagement.bulk_messages import BulkMessages
from shared.adapters.dataverse.engagement.campaigns import DataverseCampaigns
from shared.adapters.dataverse.engagement.interactions import DataverseInteractions
from shared.adapters.dataverse.engagement.scores import DataverseScores
from shared.domain.engagement.interactions import Interaction, InteractionKind, campaign_id, interaction_id
from shared.domain.engagement.mailings import Link, Mailing, MailingContent
from shared.domain.engagement.statistics import MailingCounts, figures
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.engagement import ActivityWrite, CampaignWrite, InteractionWrite
from tests.contract.dataverse_organisation import DataverseOrganisation

CONTACT, LEAD, ACCOUNT = (RecordKey(table, UUID(int=number)) for number, table in enumerate(PersonTable, start=1))
PEOPLE = [
    ("contact", {"contactid": str(CONTACT.id), "lastname": "Jansen"}),
    ("lead", {"leadid": str(LEAD.id), "subject": "A lead", "lastname": "Vries"}),
    ("account", {"accountid": str(ACCOUNT.id), "name": "Bakkerij"}),
]
BEGUN = datetime(2026, 5, 1, 9, tzinfo=UTC)
MAILING = Mailing("x8Kq2", "March news", begun=BEGUN, online_version="https://archive.example/x8Kq2", sent=3)
CAMPAIGN = CampaignWrite(
    campaign_id("test", "x8Kq2"),
    MAILING,
    figures(MailingCounts(sent=3, opened=2, rendered=1, clicked=1, hard_bounces=0, soft_bounces=1, conversions=0)),
    BEGUN + timedelta(hours=1),
)
LINK = Link("2", "Offer", "https://shop.example/offer", type="conversion")


@dataclass
class Rows:
    """The adapters under test, over one organisation."""

    organisation: DataverseOrganisation
    bulk: BulkMessages = field(init=False)

    def __post_init__(self) -> None:
        self.bulk = BulkMessages(self.organisation.client)
        self.campaigns = DataverseCampaigns(self.organisation.client, self.bulk)
        self.interactions = DataverseInteractions(self.organisation.client, self.bulk)
        self.activities = DataverseActivities(self.organisation.client)
        self.scores = DataverseScores(self.organisation.client, self.bulk, list(PersonTable))

    async def stored(self) -> list[dict[str, Any]]:
        columns = ("dh_name", "dh_type", "dh_count", "dh_points", "dh_suspect", "dh_occurredon", "dh_linkname")
        lookups = ("_dh_customerid_value", "_dh_leadid_value", "_dh_campaignid_value")
        return await self.organisation.rows(
            "dh_marketinginteractions", *columns, *lookups, "dh_bouncetype", "dh_attribution", "dh_lastoccurredon"
        )

    def calls(self, name: str) -> int:
        return sum(name in sent for sent in self.organisation.sent)


def interaction(
    record: RecordKey = CONTACT, kind: InteractionKind = InteractionKind.CLICKED, **details: Any
) -> InteractionWrite:
    what = Interaction(kind, BEGUN, BEGUN + timedelta(minutes=5), 2, link=LINK, points=5)
    what = replace(what, **details)
    identifier = interaction_id("test", MAILING.handle, str(record.id), what.part)
    return InteractionWrite(identifier, record, MAILING, None, what)


def activity(record: RecordKey = CONTACT, **details: Any) -> ActivityWrite:
    content = MailingContent("Hello", "Shop", "news@shop.example")
    plain = ActivityWrite(UUID(int=900 + record.id.int), record, MAILING, content, BEGUN)
    return replace(plain, **details)
