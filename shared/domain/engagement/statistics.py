"""Counts and rates of a mailing (BULK-09..BULK-27), computed by the connector from the platform's counts.

Rates follow the DDMA standard: delivered is sent without bounces, and opens are confirmed ones (a loaded image or a
click). A rate is None where its denominator is 0 or unknown, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_ALL = Decimal(100)
_WIDEST = Decimal(100_000)
"""What the columns of clicks to opens hold at most: clicks may exceed opens."""


@dataclass(frozen=True, slots=True)
class MailingCounts:
    """Counts as the platform gives them; None where it gives none."""

    sent: int | None = None
    accepted: int | None = None
    opened: int | None = None
    rendered: int | None = None
    clicked: int | None = None
    hard_bounces: int | None = None
    soft_bounces: int | None = None
    not_retained: int | None = None
    conversions: int | None = None
    unsubscribed: int | None = None


@dataclass(frozen=True, slots=True)
class MailingFigures:
    """Counts and rates of a Campaign row. Counts are unique recipients, rates percentages with two decimals."""

    sent: int | None
    hard_bounces: int | None
    soft_bounces: int | None
    bounces: int | None
    delivered: int | None
    opened: int | None
    rendered: int | None
    clicked: int | None
    conversions: int | None
    unsubscribed: int | None
    not_retained: int | None
    delivery_rate: Decimal | None
    bounce_rate: Decimal | None
    open_rate: Decimal | None
    click_through_rate: Decimal | None
    click_to_open_rate: Decimal | None
    conversion_rate: Decimal | None
    conversion_to_open_rate: Decimal | None
    unsubscribe_rate: Decimal | None


def figures(counts: MailingCounts) -> MailingFigures:
    """Compute what a Campaign row shows."""
    bounces = _sum(counts.hard_bounces, counts.soft_bounces)
    delivered = None if counts.sent is None or bounces is None else max(counts.sent - bounces, 0)
    return MailingFigures(
        sent=counts.sent,
        hard_bounces=counts.hard_bounces,
        soft_bounces=counts.soft_bounces,
        bounces=bounces,
        delivered=delivered,
        opened=counts.opened,
        rendered=counts.rendered,
        clicked=counts.clicked,
        conversions=counts.conversions,
        unsubscribed=counts.unsubscribed,
        not_retained=counts.not_retained,
        delivery_rate=rate(delivered, counts.sent),
        bounce_rate=rate(bounces, counts.sent),
        open_rate=rate(counts.opened, delivered),
        click_through_rate=rate(counts.clicked, delivered),
        click_to_open_rate=rate(counts.clicked, counts.opened, most=_WIDEST),
        conversion_rate=rate(counts.conversions, delivered),
        conversion_to_open_rate=rate(counts.conversions, counts.opened, most=_WIDEST),
        unsubscribe_rate=rate(counts.unsubscribed, delivered),
    )


def rate(part: int | None, whole: int | None, *, most: Decimal = _ALL) -> Decimal | None:
    """Return a percentage, rounded half up to two decimals, at most `most`; None without a denominator.

    A mail may be opened and bounce later, so a part can exceed its whole; the column then gets its maximum.
    """
    if part is None or not whole:
        return None
    return min((Decimal(part) * 100 / Decimal(whole)).quantize(_CENT, ROUND_HALF_UP), most)


def differences(counts: MailingCounts) -> Mapping[str, tuple[int, int]]:
    """Return where the platform's counts contradict each other: name, expected count, the platform's count."""
    found: dict[str, tuple[int, int]] = {}
    delivered = figures(counts).delivered
    if delivered is not None and counts.accepted is not None and delivered != counts.accepted:
        found["accepted"] = (delivered, counts.accepted)
    for name, part, whole in (
        ("rendered", counts.rendered, counts.opened),
        ("clicked", counts.clicked, counts.opened),
        ("conversions", counts.conversions, counts.clicked),
    ):
        if part is not None and whole is not None and part > whole:
            found[name] = (whole, part)
    return found


def _sum(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else first + second
