"""Events of one person in one mailing, by minutes after a fixed moment."""

from datetime import UTC, datetime, timedelta

from shared.domain.engagement.events import BounceType, Confidence, Event, EventKind, event
from shared.domain.engagement.interactions import ReadingRules
from shared.domain.engagement.mailings import Link
from shared.domain.engagement.weights import Preset, weights_of

START = datetime(2026, 5, 1, 9, 0, tzinfo=UTC)
WEIGHTS = weights_of(Preset.B2B)
RULES = ReadingRules(WEIGHTS)

LINKS = {
    link.id: link
    for link in (
        Link("1", "Shop", "https://shop.example/"),
        Link("2", "Offer", "https://shop.example/offer"),
        Link("3", "Order", "https://shop.example/order", type="conversion"),
        Link("4", "Stories", "https://shop.example/stories"),
        Link("5", "Unsubscribe", "https://shop.example/bye", type="unsubscribe"),
        Link("6", "honeypot", "https://shop.example/nothing"),
    )
}


def after(minutes: float = 0, *, seconds: float = 0) -> datetime:
    return START + timedelta(minutes=minutes, seconds=seconds)


def sent(minutes: float = 0) -> Event:
    return event(EventKind.SENT, after(minutes))


def opened(minutes: float) -> Event:
    return event(EventKind.OPENED, after(minutes))


def clicked(link: str, minutes: float, *, seconds: float = 0) -> Event:
    return event(EventKind.CLICKED, after(minutes, seconds=seconds), link)


def bounced(kind: BounceType, minutes: float = 1) -> Event:
    return event(EventKind.BOUNCED, after(minutes), kind)


def unsubscribed(minutes: float, confidence: Confidence = Confidence.ASSUMED) -> Event:
    return event(EventKind.UNSUBSCRIBED, after(minutes), confidence)
