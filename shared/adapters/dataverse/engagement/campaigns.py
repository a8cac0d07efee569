"""Campaign rows: one for each mailing, marked as sent by Spotler, with its counts and rates (BULK-03, BULK-08..27)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from shared.adapters.dataverse.engagement.bulk_messages import BulkMessage, BulkMessages, BulkRow
from shared.adapters.dataverse.engagement.names import CAMPAIGNS, MAILING_TYPES, text_of
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.domain.engagement.statistics import MailingFigures
from shared.domain.values.values import clipped
from shared.errors import ConfigurationError, NotFoundError
from shared.ports.engagement import CampaignWrite, Refused

_NAME, _DESCRIPTION, _HANDLE, _CODE, _LINK, _REMARK = 128, 2000, 100, 32, 2000, 500
_DIRECT_MARKETING = 2
_LAUNCHED, _COMPLETED = 2, 3
_ACTIVE = 0


class DataverseCampaigns:
    """Implements the port `CampaignRows`. Dataverse fills in the base currency of a new campaign itself."""

    def __init__(self, client: DataverseClient, bulk: BulkMessages) -> None:
        self._client = client
        self._bulk = bulk
        self._available: bool | None = None

    async def are_available(self) -> bool:
        """Ask once whether there are campaigns with the columns of the connector."""
        if self._available is None:
            try:
                async for _ in self._client.query(CAMPAIGNS.entity_set, select=("dh_spotlermailingid",), top=1):
                    break
                self._available = True
            except (ConfigurationError, NotFoundError) as error:
                if error.status in {401, 403}:  # not a statement about the table
                    raise
                self._available = False
        return self._available

    async def write(self, campaigns: Sequence[CampaignWrite]) -> Sequence[Refused]:
        """Create or update rows."""
        return await self._bulk.write(
            CAMPAIGNS, BulkMessage.UPSERT, [BulkRow(one.id, campaign_values(one)) for one in campaigns]
        )


def campaign_values(write: CampaignWrite) -> dict[str, Any]:
    """Return the columns of a Campaign row. Counts that are unknown, and rates without a denominator, are null."""
    mailing = write.mailing
    name = mailing.name.strip() or mailing.handle
    values: dict[str, Any] = {
        "name": clipped(name, _NAME),
        "description": clipped(name, _DESCRIPTION) if len(name) > _NAME else None,
        "codename": clipped(mailing.handle, _CODE),
        "typecode": _DIRECT_MARKETING,
        "statecode": _ACTIVE,
        "statuscode": _COMPLETED if write.is_frozen else _LAUNCHED,
        "dh_spotlermailingid": clipped(mailing.handle, _HANDLE),
        "dh_spotlertype": MAILING_TYPES[mailing.kind],
        "dh_onlineversion": clipped(mailing.online_version, _LINK) or None,
        "dh_statisticson": text_of(write.read_on),
        "dh_statisticsfrozen": write.is_frozen,
        "dh_spotlerremark": clipped(write.remark, _REMARK) or None,
    }
    if mailing.begun is not None:
        values["actualstart"] = text_of(mailing.begun)
    if write.figures is not None:
        values |= _figures(write.figures)
    return values


def _figures(figures: MailingFigures) -> dict[str, Any]:
    return {
        "dh_sentcount": figures.sent,
        "dh_hardbouncecount": figures.hard_bounces,
        "dh_softbouncecount": figures.soft_bounces,
        "dh_bouncecount": figures.bounces,
        "dh_deliverycount": figures.delivered,
        "dh_opencount": figures.opened,
        "dh_renderedopencount": figures.rendered,
        "dh_clickcount": figures.clicked,
        "dh_conversionclickcount": figures.conversions,
        "dh_unsubscribecount": figures.unsubscribed,
        "dh_notretainedafterbouncecount": figures.not_retained,
        "dh_deliveryrate": _number(figures.delivery_rate),
        "dh_bouncerate": _number(figures.bounce_rate),
        "dh_openrate": _number(figures.open_rate),
        "dh_clickthroughrate": _number(figures.click_through_rate),
        "dh_clicktoopenrate": _number(figures.click_to_open_rate),
        "dh_conversionrate": _number(figures.conversion_rate),
        "dh_conversionclicktoopenrate": _number(figures.conversion_to_open_rate),
        "dh_unsubscriberate": _number(figures.unsubscribe_rate),
    }


def _number(rate: Decimal | None) -> float | None:
    return None if rate is None else float(rate)
