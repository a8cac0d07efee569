"""The switches of the sandbox.

Known behaviour of the service is the default; unknown behaviour can be tried both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.local.spotler_sandbox.account.automations import DEFAULT_AUTOMATIONS, Automation
from shared.local.spotler_sandbox.account.campaigns import DEFAULT_CAMPAIGNS, Campaign
from shared.local.spotler_sandbox.account.catalogue import DEFAULT_CATALOGUE
from shared.local.spotler_sandbox.account.contacts import AnonymizedGet, Deduplication, OptOutUpsert
from shared.local.spotler_sandbox.account.properties import Property
from shared.local.spotler_sandbox.http.wire import DateStyle, Format

CURRENT_PREFIX = "/integrationservice"
VERSIONED_PREFIX = "/integrationservice-1.1.0"


class PrefixMode(StrEnum):
    """Which path prefixes answer. On the versioned one some lists are bare arrays."""

    BOTH = "both"
    CURRENT = "current"
    VERSIONED = "versioned"

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The paths under which the service is mounted."""
        match self:
            case PrefixMode.BOTH:
                return (CURRENT_PREFIX, VERSIONED_PREFIX)
            case PrefixMode.CURRENT:
                return (CURRENT_PREFIX,)
            case PrefixMode.VERSIONED:
                return (VERSIONED_PREFIX,)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotlerSandboxSettings:
    """One Mail+ account with one key pair. Statuses are HTTP statuses; `now` must give aware times."""

    consumer_key: str
    consumer_secret: str
    prefix_mode: PrefixMode = PrefixMode.BOTH
    auth_failure_status: int = 401
    timestamp_tolerance: timedelta | None = timedelta(seconds=300)
    refuse_replays: bool = True
    missing_contact_status: int = 404
    native_dates: DateStyle = DateStyle.EPOCH_MILLISECONDS
    default_format: Format = Format.XML
    optout_upsert: OptOutUpsert = OptOutUpsert.ACCEPT_WITHOUT_REACTIVATION
    deduplication: Deduplication = Deduplication.EXTERNAL_ID_THEN_EMAIL
    anonymized_get: AnonymizedGet = AnonymizedGet.NOT_FOUND
    audience_licence: bool = True
    audience_limit: int = 250
    temporary_list_limit: int = 250
    product_properties: tuple[str, ...] = ("colour", "size")
    product_images_required: bool = False
    clicks_are_opens: bool = False
    campaigns_in_feed: bool = False
    automations_in_feed: bool = True
    latency: timedelta = timedelta()
    catalogue: tuple[Property, ...] = DEFAULT_CATALOGUE
    automations: tuple[Automation, ...] = DEFAULT_AUTOMATIONS
    campaigns: tuple[Campaign, ...] = DEFAULT_CAMPAIGNS
    now: Callable[[], datetime] = field(default=_utc_now)
