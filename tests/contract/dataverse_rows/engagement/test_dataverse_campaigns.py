"""Campaigns against the sandbox's Web API (BULK-03, BULK-08..27)."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.engagement.mailings import MailingKind
from tests.contract.dataverse_organisation import open_organisation
from tests.contract.dataverse_rows.engagement.engagement_rows import CAMPAIGN, MAILING, Rows


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
