from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.engagement.mailings import Mailing
from shared.domain.engagement.refreshing import Refresh, refresh
from shared.domain.engagement.statistics import MailingCounts, differences, figures, rate

COUNTS = MailingCounts(
    sent=1200,
    accepted=1180,
    opened=600,
    rendered=540,
    clicked=130,
    hard_bounces=5,
    soft_bounces=15,
    not_retained=6,
    conversions=20,
    unsubscribed=4,
)
"""The example of the published interface."""

BEGUN = datetime(2026, 5, 1, 9, tzinfo=UTC)


def test_a_campaign_shows_the_counts_of_the_platform_and_their_sums() -> None:
    row = figures(COUNTS)
    assert (row.sent, row.hard_bounces, row.soft_bounces) == (1200, 5, 15)  # BULK-09..11
    assert (row.bounces, row.delivered) == (20, 1180)  # BULK-12, BULK-13
    assert (row.opened, row.rendered, row.clicked) == (600, 540, 130)  # BULK-14..16
    assert (row.conversions, row.unsubscribed, row.not_retained) == (20, 4, 6)  # BULK-17..19, C-22


def test_rates_are_percentages_with_two_decimals() -> None:
    row = figures(COUNTS)
    assert row.delivery_rate == Decimal("98.33")  # BULK-20: 1180 of 1200
    assert row.bounce_rate == Decimal("1.67")  # BULK-21: 20 of 1200
    assert row.open_rate == Decimal("50.85")  # BULK-22: 600 of 1180
    assert row.click_through_rate == Decimal("11.02")  # BULK-23: 130 of 1180
    assert row.click_to_open_rate == Decimal("21.67")  # BULK-24: 130 of 600
    assert row.conversion_rate == Decimal("1.69")  # BULK-25: 20 of 1180
    assert row.conversion_to_open_rate == Decimal("3.33")  # BULK-26: 20 of 600
    assert row.unsubscribe_rate == Decimal("0.34")  # BULK-27: 4 of 1180


@pytest.mark.parametrize("sent", [None, 0])
def test_a_rate_without_a_denominator_is_empty_and_never_zero(sent: int | None) -> None:
    row = figures(replace(COUNTS, sent=sent, hard_bounces=0, soft_bounces=0, opened=0))
    rates = (row.delivery_rate, row.bounce_rate, row.open_rate, row.click_to_open_rate, row.unsubscribe_rate)
    assert rates == (None,) * 5


def test_an_sms_mailing_without_statistics_has_only_what_the_list_says() -> None:
    row = figures(MailingCounts(sent=40))
    assert (row.sent, row.delivered, row.opened, row.delivery_rate) == (40, None, None, None)


def test_nobody_opened_is_a_rate_of_zero_when_mail_was_delivered() -> None:
    assert figures(replace(COUNTS, opened=0)).open_rate == 0


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_rate_fits_its_column(part: int, whole: int) -> None:
    found = rate(part, whole)
    assert found is None if whole == 0 else found is not None and 0 <= found <= 100


def test_delivered_mail_never_falls_below_zero() -> None:
    assert figures(MailingCounts(sent=1, hard_bounces=1, soft_bounces=1)).delivered == 0


def test_contradictions_of_the_platform_are_named_with_both_numbers() -> None:
    assert differences(COUNTS) == {}
    assert differences(replace(COUNTS, accepted=1181, rendered=601)) == {
        "accepted": (1180, 1181),
        "rendered": (600, 601),
    }


def test_a_campaign_row_waits_until_distribution_has_begun() -> None:
    mailing = Mailing("x8Kq2", "March news", begun=BEGUN, sent=0)
    assert not mailing.has_begun(BEGUN + timedelta(hours=1))  # BULK-03: nothing went out
    assert replace(mailing, sent=3).has_begun(BEGUN)
    assert not replace(mailing, sent=3).has_begun(BEGUN - timedelta(minutes=1))


@pytest.mark.parametrize(
    ("age", "since_read", "decision"),
    [
        (timedelta(hours=2), None, Refresh.READ),
        (timedelta(hours=2), timedelta(minutes=56), Refresh.READ),
        (timedelta(hours=2), timedelta(minutes=30), Refresh.WAIT),
        (timedelta(days=2), timedelta(hours=2), Refresh.WAIT),
        (timedelta(days=2), timedelta(hours=3), Refresh.READ),
        (timedelta(days=10), timedelta(hours=11), Refresh.WAIT),
        (timedelta(days=10), timedelta(hours=12), Refresh.READ),
        (timedelta(days=41), timedelta(hours=20), Refresh.WAIT),
        (timedelta(days=41), timedelta(days=1), Refresh.READ),
        (timedelta(days=43), timedelta(days=2), Refresh.READ),
        (timedelta(days=43), timedelta(hours=1), Refresh.FREEZE),
        (timedelta(days=900), None, Refresh.READ),
    ],
)
def test_statistics_are_read_by_age_until_they_are_frozen(
    age: timedelta, since_read: timedelta | None, decision: Refresh
) -> None:
    now = BEGUN + age
    assert refresh(BEGUN, None if since_read is None else now - since_read, now) is decision  # P-18
