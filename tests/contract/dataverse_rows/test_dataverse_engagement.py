"""Campaigns, interactions and scores against the sandbox's Web API (BULK-03, BULK-08..27, INT-01, ENG-01)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.engagement.activities import DataverseActivities, row_values
from shared.adapters.dataverse.engagement.bulk_messages import BulkMessages
from shared.adapters.dataverse.engagement.campaigns import DataverseCampaigns, campaign_values
from shared.adapters.dataverse.engagement.interactions import DataverseInteractions
from shared.adapters.dataverse.engagement.scores import DataverseScores
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.engagement.events import BounceType, Confidence
from shared.domain.engagement.interactions import Interaction, InteractionKind, campaign_id, interaction_id
from shared.domain.engagement.machines import SuspectReason
from shared.domain.engagement.mailings import Link, Mailing, MailingContent, MailingKind
from shared.domain.engagement.scores import Score
from shared.domain.engagement.statistics import MailingCounts, figures
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.engagement import ActivityWrite, CampaignWrite, InteractionWrite, ResponseWrite, ScoreWrite
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.installed import installed_schema

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


@pytest.fixture
async def rows() -> AsyncIterator[Rows]:
    async with open_organisation(PEOPLE) as opened:
        yield Rows(opened)


def interaction(
    record: RecordKey = CONTACT, kind: InteractionKind = InteractionKind.CLICKED, **details: Any
) -> InteractionWrite:
    what = Interaction(kind, BEGUN, BEGUN + timedelta(minutes=5), 2, link=LINK, points=5)
    what = replace(what, **details)
    identifier = interaction_id("test", MAILING.handle, str(record.id), what.part)
    return InteractionWrite(identifier, record, MAILING, None, what)


async def test_a_campaign_has_the_mark_of_spotler_and_all_counts_and_rates(rows: Rows) -> None:
    assert await rows.campaigns.are_available()
    assert await rows.campaigns.write([CAMPAIGN]) == []
    columns = ("name", "typecode", "statuscode", "actualstart", "dh_spotlermailingid", "dh_spotlertype", "dh_sentcount")
    rates = ("dh_deliverycount", "dh_deliveryrate", "dh_openrate", "dh_clicktoopenrate", "dh_statisticson")
    more = ("dh_unsubscribecount", "dh_unsubscriberate", "dh_statisticsfrozen", "dh_onlineversion")
    (row,) = await rows.organisation.rows("campaigns", *columns, *rates, *more)
    assert (row["name"], row["typecode"], row["statuscode"]) == ("March news", 2, 2)  # BULK-03: Launched
    assert (row["dh_spotlermailingid"], row["dh_spotlertype"]) == ("x8Kq2", 480000000)  # BULK-08
    assert (row["dh_sentcount"], row["dh_deliverycount"]) == (3, 2)
    assert (row["dh_deliveryrate"], row["dh_openrate"], row["dh_clicktoopenrate"]) == (66.67, 100, 50)
    assert (row["dh_unsubscribecount"], row["dh_unsubscriberate"]) == (None, None), "unknown is empty, not 0"
    assert row["dh_statisticson"] == "2026-05-01T10:00:00Z"


async def test_a_mailing_has_one_campaign_however_often_it_is_written(rows: Rows) -> None:
    await rows.campaigns.write([CAMPAIGN])
    await rows.campaigns.write([replace(CAMPAIGN, is_frozen=True, mailing=replace(MAILING, name="N" * 200))])
    (row,) = await rows.organisation.rows("campaigns", "name", "description", "statuscode", "dh_statisticsfrozen")
    assert (len(row["name"]), len(row["description"])) == (128, 200), "the whole name stays readable"
    assert (row["statuscode"], row["dh_statisticsfrozen"]) == (3, True)


async def test_an_organisation_without_sales_has_no_campaigns(rows: Rows) -> None:
    async with open_organisation(sales=False) as other:
        assert not await Rows(other).campaigns.are_available()


async def test_an_sms_mailing_is_marked_as_one(rows: Rows) -> None:
    await rows.campaigns.write([replace(CAMPAIGN, mailing=replace(MAILING, kind=MailingKind.SMS), figures=None)])
    (row,) = await rows.organisation.rows("campaigns", "dh_spotlertype", "dh_sentcount")
    assert (row["dh_spotlertype"], row["dh_sentcount"]) == (480000001, None)


async def test_a_row_belongs_to_its_person_of_any_table_and_to_its_campaign(rows: Rows) -> None:
    await rows.campaigns.write([CAMPAIGN])
    writes = [replace(interaction(record), campaign=CAMPAIGN.id) for record in (CONTACT, LEAD, ACCOUNT)]
    assert await rows.interactions.write(writes) == []  # C-16
    stored = await rows.stored()
    assert {row["_dh_customerid_value"] or row["_dh_leadid_value"] for row in stored} == {
        str(one.id) for one in (CONTACT, LEAD, ACCOUNT)
    }
    assert {row["_dh_campaignid_value"] for row in stored} == {str(CAMPAIGN.id)}
    assert stored[0]["dh_name"] == "Clicked: March news"
    assert rows.calls("POST dh_marketinginteractions") == 1, "one call for all rows"


async def test_repetitions_raise_the_count_of_the_same_row(rows: Rows) -> None:
    await rows.interactions.write([interaction()])
    await rows.interactions.write([interaction(count=7, last=BEGUN + timedelta(hours=3))])
    (row,) = await rows.stored()
    assert (row["dh_count"], row["dh_lastoccurredon"]) == (7, "2026-05-01T12:00:00Z")


async def test_what_was_decided_about_a_row_is_written_and_taken_back(rows: Rows) -> None:
    await rows.interactions.write([interaction(suspect=SuspectReason.AT_ONCE, points=0)])
    (row,) = await rows.stored()
    assert (row["dh_suspect"], row["dh_points"]) == (True, 0)
    await rows.interactions.write([interaction()])
    (row,) = await rows.stored()
    assert (row["dh_suspect"], row["dh_points"]) == (False, 5)


async def test_bounces_and_unsubscribes_have_their_kind(rows: Rows) -> None:
    bounce = interaction(kind=InteractionKind.BOUNCED, bounce=BounceType.SOFT, link=None)
    ended = interaction(kind=InteractionKind.UNSUBSCRIBED, confidence=Confidence.ASSUMED, link=None, points=-10)
    await rows.interactions.write([bounce, ended])
    stored = {row["dh_type"]: row for row in await rows.stored()}
    assert stored[480000003]["dh_bouncetype"] == 480000001
    assert (stored[480000004]["dh_attribution"], stored[480000004]["dh_points"]) == (480000001, -10)


async def test_a_refused_row_is_found_by_halving_and_the_others_are_written(rows: Rows) -> None:
    people = [RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in (1, 77, 1, 1, 1)]
    writes = [interaction(who, link=replace(LINK, id=str(number))) for number, who in enumerate(people)]
    (refused,) = await rows.interactions.write(writes)
    assert refused.id == writes[1].id
    assert len(await rows.stored()) == 4


async def test_without_bulk_messages_the_rows_travel_in_a_batch(rows: Rows) -> None:
    (message,) = await rows.organisation.rows("sdkmessages", "sdkmessageid", filter="name eq 'UpsertMultiple'")
    filters = f"_sdkmessageid_value eq {message['sdkmessageid']} and primaryobjecttypecode eq 'dh_marketinginteraction'"
    (one,) = await rows.organisation.rows("sdkmessagefilters", "sdkmessagefilterid", filter=filters)
    await _delete(rows, f"sdkmessagefilters({one['sdkmessagefilterid']})")
    gone = RecordKey(PersonTable.CONTACT, UUID(int=77))
    refused = await rows.interactions.write([interaction(), interaction(gone), interaction(LEAD)])
    assert len(refused) == 1
    assert len(await rows.stored()) == 2
    assert rows.calls("$batch") == 1


async def test_the_rows_of_a_person_are_removed_and_those_of_others_stay(rows: Rows) -> None:
    await rows.interactions.write([interaction(), interaction(link=replace(LINK, id="9")), interaction(LEAD)])
    assert await rows.interactions.remove_of([CONTACT]) == 2
    assert [row["_dh_leadid_value"] for row in await rows.stored()] == [str(LEAD.id)]
    assert await rows.interactions.remove_of([CONTACT]) == 0


async def test_single_rows_are_removed_and_those_that_are_gone_already_are_no_error(rows: Rows) -> None:
    await rows.interactions.write([interaction(), interaction(LEAD)])
    for _ in range(2):
        await rows.interactions.remove([interaction().id])
    assert [row["_dh_leadid_value"] for row in await rows.stored()] == [str(LEAD.id)]


async def test_web_02_a_visit_tells_its_pages(rows: Rows) -> None:
    visit = replace(interaction(kind=InteractionKind.WEBSITE_VISIT), pages="Offer https://shop.example/offer\nOrder")
    await rows.interactions.write([visit, interaction()])
    stored = await rows.organisation.rows("dh_marketinginteractions", "dh_pages")
    assert [row["dh_pages"] for row in stored if row["dh_pages"]] == ["Offer https://shop.example/offer\nOrder"]


async def test_points_alone_are_changed_and_rows_that_are_gone_are_no_error(rows: Rows) -> None:
    one = interaction()
    await rows.interactions.write([one])
    (before,) = await rows.stored()
    await rows.interactions.write_points({UUID(int=404): 3, one.id: 40})
    (after,) = await rows.stored()
    assert after == {**before, "dh_points": 40, "@odata.etag": after["@odata.etag"]}


async def test_old_rows_are_deleted_by_dataverse_itself(rows: Rows) -> None:
    late = BEGUN + timedelta(days=9)
    await rows.interactions.write([interaction(), interaction(LEAD, last=late)])
    await rows.interactions.remove_before(BEGUN + timedelta(days=1), begin=late)
    assert [row["_dh_leadid_value"] for row in await rows.stored()] == [str(LEAD.id)]
    assert rows.calls("BulkDelete") == 1


async def test_scores_are_written_by_table_and_read_again(rows: Rows) -> None:
    writes = [ScoreWrite(CONTACT, Score(12, 7)), ScoreWrite(LEAD, Score(3, 0)), ScoreWrite(ACCOUNT, Score(1, 1))]
    gone = ScoreWrite(RecordKey(PersonTable.CONTACT, UUID(int=77)), Score(1, 1))
    assert await rows.scores.write([*writes, gone]) == [], "a record that is gone needs no score"
    found = [one async for page in rows.scores.scored() for one in page]
    assert sorted(found, key=lambda one: one.record) == sorted(
        [one for one in writes if one.score.recent], key=lambda one: one.record
    )


async def test_contacts_are_read_by_their_account(rows: Rows) -> None:
    company = {"parentcustomerid_account@odata.bind": f"/accounts({ACCOUNT.id})"}
    path = f"contacts({CONTACT.id})"
    await rows.organisation.client.execute(WebApiOperation(Method.PATCH, path, company, {"If-Match": "*"}))
    await rows.scores.write([ScoreWrite(CONTACT, Score(12, 7)), ScoreWrite(ACCOUNT, Score(3, 0))])
    found = [one async for page in rows.scores.contacts_of_accounts() for one in page]
    assert found == [(ACCOUNT, Score(12, 7))]
    assert [one async for page in rows.scores.scored_accounts() for one in page] == [ScoreWrite(ACCOUNT, Score(3, 0))]


def activity(record: RecordKey = CONTACT, **details: Any) -> ActivityWrite:
    content = MailingContent("Hello", "Shop", "news@shop.example")
    plain = ActivityWrite(UUID(int=900 + record.id.int), record, MAILING, content, BEGUN)
    return replace(plain, **details)


MAIL_COLUMNS = (
    *("subject", "description", "statecode", "statuscode", "directioncode", "category", "sortdate", "actualend"),
    *("dh_spotlerisopened", "dh_spotlerisclicked", "dh_spotlerbounced", "opencount", "linksclickedcount"),
    *("dh_spotlerbouncetype", "dh_spotlerclickedlinks", "lastopenedtime", "_regardingobjectid_value"),
)


async def test_a_mail_is_an_activity_that_was_sent(rows: Rows) -> None:
    writes = [activity(record) for record in (CONTACT, LEAD, ACCOUNT)]
    assert await rows.activities.write_activities(writes) == []  # BULK-02, ACT-03, C-16
    mails = await rows.organisation.rows("emails", *MAIL_COLUMNS)
    assert {mail["_regardingobjectid_value"] for mail in mails} == {str(one.record.id) for one in writes}
    mail = mails[0]
    assert (mail["statecode"], mail["statuscode"], mail["directioncode"]) == (1, 3, True), "Completed, Sent, outgoing"
    assert (mail["subject"], mail["category"], mail["sortdate"]) == ("Hello", "Spotler", "2026-05-01T09:00:00Z")
    assert mail["description"] == "Hello\nFrom: Shop <news@shop.example>\nhttps://archive.example/x8Kq2"
    marks = (mail["dh_spotlerisopened"], mail["dh_spotlerisclicked"], mail["dh_spotlerbounced"])
    assert marks == (False, False, False)  # ACT-07
    parties = await rows.organisation.rows("activityparties", "participationtypemask", "addressused", "_partyid_value")
    assert sum(party["participationtypemask"] == 2 and party["_partyid_value"] is not None for party in parties) == 3
    assert {party["addressused"] for party in parties if party["participationtypemask"] == 1} == {"news@shop.example"}


async def test_marks_of_a_mail_are_updated_and_no_second_mail_is_made(rows: Rows) -> None:
    await rows.activities.write_activities([activity()])
    later = BEGUN + timedelta(hours=2)
    done = activity(
        is_opened=True,
        is_clicked=True,
        bounce=BounceType.SOFT,
        links=("Offer", "Shop"),
        opens=2,
        clicks=1,
        last_opened=later,
    )
    assert await rows.activities.write_activities([done]) == []
    (mail,) = await rows.organisation.rows("emails", *MAIL_COLUMNS)
    marks = (mail["dh_spotlerisopened"], mail["dh_spotlerisclicked"], mail["dh_spotlerbounced"])
    assert marks == (True, True, True)  # ACT-06
    assert (mail["dh_spotlerbouncetype"], mail["dh_spotlerclickedlinks"]) == (480000001, "Offer\nShop")
    assert (mail["opencount"], mail["linksclickedcount"], mail["lastopenedtime"]) == (2, 1, "2026-05-01T11:00:00Z")
    assert (mail["statecode"], mail["statuscode"]) == (1, 3)
    assert not [sent for sent in rows.organisation.sent if "SendEmail" in sent]


async def test_an_sms_is_a_phone_call_that_was_made(rows: Rows) -> None:
    sms = activity(mailing=replace(MAILING, kind=MailingKind.SMS))
    for _ in range(2):
        assert await rows.activities.write_activities([sms]) == []  # C-17
    columns = ("subject", "statecode", "statuscode", "directioncode", "category")
    (call,) = await rows.organisation.rows("phonecalls", *columns)
    assert [call[name] for name in columns] == ["March news", 1, 2, True, "Spotler"]
    assert await rows.organisation.rows("emails", "activityid") == []


async def test_a_response_is_closed_and_belongs_to_its_campaign_and_person(rows: Rows) -> None:
    await rows.campaigns.write([CAMPAIGN])
    kinds = {
        InteractionKind.OPENED: 1,
        InteractionKind.CLICKED: 1,
        InteractionKind.BOUNCED: 4,
        InteractionKind.UNSUBSCRIBED: 3,
    }
    writes = [
        ResponseWrite(UUID(int=800 + number), CONTACT, CAMPAIGN.id, MAILING, Interaction(kind, BEGUN, BEGUN, 1))
        for number, kind in enumerate(kinds)
    ]
    assert await rows.activities.write_responses(writes) == []  # BULK-04, BULK-07
    changed = replace(writes[0], interaction=replace(writes[0].interaction, count=3))
    assert await rows.activities.write_responses([changed]) == []
    columns = ("subject", "responsecode", "channeltypecode", "statecode", "statuscode", "description", "sortdate")
    found = await rows.organisation.rows("campaignresponses", *columns, "_regardingobjectid_value")
    by_subject = {row["subject"].partition(":")[0]: row for row in found}
    assert {name.lower(): row["responsecode"] for name, row in by_subject.items()} == dict(kinds)
    assert {(row["statecode"], row["statuscode"], row["channeltypecode"]) for row in found} == {(1, 2, 1)}
    assert {row["_regardingobjectid_value"] for row in found} == {str(CAMPAIGN.id)}
    assert by_subject["Opened"]["description"].startswith("3 times")
    await rows.activities.cancel_responses([writes[0].id, UUID(int=77)])  # no response; one that is gone is no error
    for state, status in ((2, 3), (1, 2)):
        (one,) = await rows.organisation.rows("campaignresponses", *columns, filter="startswith(subject,'Opened')")
        assert (one["statecode"], one["statuscode"]) == (state, status)
        assert await rows.activities.write_responses([changed]) == [], "and it is one again"


async def test_an_activity_of_a_person_who_is_gone_is_refused_and_the_others_are_written(rows: Rows) -> None:
    gone = RecordKey(PersonTable.CONTACT, UUID(int=77))
    (refused,) = await rows.activities.write_activities([activity(), activity(gone), activity(LEAD)])
    assert refused.id == activity(gone).id
    assert len(await rows.organisation.rows("emails", "activityid")) == 2


@pytest.mark.parametrize("table", ["campaign", "email", "phonecall", "campaignresponse"])
def test_no_column_is_written_that_cannot_be_written(table: str) -> None:
    """Checked against generated metadata of an organisation with Sales and Marketing."""
    schema = installed_schema().tables[table]
    navigations = {way: column for column in schema.columns.values() for way in column.targets.values()}
    call = activity(mailing=replace(MAILING, kind=MailingKind.SMS))
    written = {
        "campaign": campaign_values(CAMPAIGN),
        "email": row_values(activity(is_opened=True, last_opened=BEGUN)),
        "phonecall": row_values(call),
        "campaignresponse": row_values(
            ResponseWrite(UUID(int=5), CONTACT, CAMPAIGN.id, MAILING, interaction().interaction)
        ),
    }[table]
    for name in written:
        member = name.partition("@")[0]
        if not member.endswith("_activity_parties"):
            column = schema.columns.get(member) or navigations[member]
            assert not column.readonly, member


async def test_the_master_of_a_merged_record_is_found() -> None:
    other = RecordKey(PersonTable.CONTACT, UUID(int=9))
    people = [
        *PEOPLE,
        ("contact", {"contactid": str(other.id), "lastname": "Jansen", "masterid": ("contact", str(CONTACT.id))}),
    ]
    async with open_organisation(people) as opened:
        assert await Rows(opened).scores.masters([CONTACT, LEAD, other]) == {other: CONTACT}


async def test_nothing_is_written_for_nothing(rows: Rows) -> None:
    assert await rows.interactions.write([]) == []
    assert await rows.scores.write([]) == []
    assert rows.organisation.sent == []


async def _delete(rows: Rows, path: str) -> None:
    await rows.organisation.client.execute(WebApiOperation(Method.DELETE, path))
