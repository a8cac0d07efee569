"""Mails, phone calls and campaign responses against the sandbox's Web API (BULK-02, ACT-03, ACT-06, ACT-07)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.adapters.dataverse.engagement.activities import row_values
from shared.adapters.dataverse.engagement.campaigns import campaign_values
from shared.domain.engagement.events import BounceType
from shared.domain.engagement.interactions import Interaction, InteractionKind
from shared.domain.engagement.mailings import MailingKind
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.engagement import ResponseWrite
from tests.contract.dataverse_rows.engagement.engagement_rows import (
    ACCOUNT,
    BEGUN,
    CAMPAIGN,
    CONTACT,
    LEAD,
    MAILING,
    Rows,
    activity,
    interaction,
)
from tests.installed import installed_schema

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
