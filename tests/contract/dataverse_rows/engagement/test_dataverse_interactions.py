"""Interactions against the sandbox's Web API (INT-01)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.engagement.events import BounceType, Confidence
from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.machines import SuspectReason
from shared.domain.records.records import PersonTable, RecordKey
from tests.contract.dataverse_rows.engagement.engagement_rows import (
    ACCOUNT,
    BEGUN,
    CAMPAIGN,
    CONTACT,
    LEAD,
    LINK,
    Rows,
    interaction,
)


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


async def test_nothing_is_written_for_nothing(rows: Rows) -> None:
    assert await rows.interactions.write([]) == []
    assert await rows.scores.write([]) == []
    assert rows.organisation.sent == []


async def _delete(rows: Rows, path: str) -> None:
    await rows.organisation.client.execute(WebApiOperation(Method.DELETE, path))
