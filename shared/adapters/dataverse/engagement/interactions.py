"""Marketing Interaction rows (INT-01): written in bulk, removed with their person, and deleted when they are old."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.adapters.dataverse.engagement.bulk_messages import (
    BulkMessage,
    BulkMessages,
    BulkRow,
    remove_rows,
)
from shared.adapters.dataverse.engagement.names import (
    ATTRIBUTIONS,
    BOUNCE_TYPES,
    CAMPAIGNS,
    INTERACTION_TYPES,
    INTERACTIONS,
    TITLES,
    person_column,
    person_lookup,
    text_of,
)
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.faults import UNKNOWN_MEMBER
from shared.adapters.dataverse.web_api.operations import Method, Retrieve, WebApiOperation
from shared.domain.engagement.interactions import InteractionKind
from shared.domain.records.records import PersonTable, RecordKey
from shared.domain.values.values import clipped
from shared.errors import ConfigurationError, NotFoundError
from shared.ports.engagement import InteractionWrite, Refused

log = logging.getLogger(__name__)

_NAME, _LINK_NAME, _URL, _LINK_TYPE, _REASON, _PAGES = 200, 200, 2000, 100, 100, 10_000
_JOB = "Spotler Connector: old marketing interactions"


class DataverseInteractions:
    """Implements the port `InteractionRows`."""

    def __init__(self, client: DataverseClient, bulk: BulkMessages) -> None:
        self._client = client
        self._bulk = bulk

    async def write(self, rows: Sequence[InteractionWrite]) -> Sequence[Refused]:
        """Create or update rows. A row whose person or campaign is gone is refused."""
        return await self._bulk.write(
            INTERACTIONS, BulkMessage.UPSERT, [BulkRow(row.id, interaction_values(row)) for row in rows]
        )

    async def write_points(self, points: Mapping[UUID, int]) -> None:
        """Update one column. Old rows may be gone: Dataverse deletes them."""
        rows = [BulkRow(identifier, {"dh_points": number}) for identifier, number in points.items()]
        refused = await self._bulk.write(INTERACTIONS, BulkMessage.UPDATE, rows)
        for one in refused:
            if not isinstance(one.error, NotFoundError):
                log.warning("Dataverse refused the points of the interaction %s: %s", one.id, one.error)

    async def remove_of(self, records: Sequence[RecordKey]) -> int:
        """Find the rows of records, and delete them in batches. Without the table there are none."""
        reads = [
            Retrieve(INTERACTIONS.entity_set, person_column(table), ids, (INTERACTIONS.key,))
            for table in PersonTable
            if (ids := [record.id for record in records if record.table is table])
        ]
        try:
            answers = await self._client.retrieve_many(reads) if reads else []
        except ConfigurationError as error:
            if error.code != UNKNOWN_MEMBER:
                raise
            return 0
        found = [UUID(row[INTERACTIONS.key]) for rows in answers for row in rows]
        await self.remove(found)
        return len(found)

    async def remove(self, ids: Sequence[UUID]) -> None:
        """Delete rows in batches."""
        await remove_rows(self._client, INTERACTIONS, ids)

    async def remove_before(self, moment: datetime, *, begin: datetime) -> None:
        """Let Dataverse delete old rows in a job of its own."""
        condition = {
            "AttributeName": "dh_lastoccurredon",
            "Operator": "LessThan",
            "Values": [{"Value": text_of(moment), "Type": "System.DateTime"}],
        }
        body = {
            "JobName": _JOB,
            "QuerySet": [
                {
                    "EntityName": INTERACTIONS.name,
                    "Criteria": {"FilterOperator": "And", "Conditions": [condition]},
                }
            ],
            "RecurrencePattern": "",
            "SendEmailNotification": False,
            "ToRecipients": [],
            "CCRecipients": [],
            "StartDateTime": text_of(begin),
        }
        await self._client.execute(WebApiOperation(Method.POST, "BulkDelete", body))


def interaction_values(row: InteractionWrite) -> dict[str, Any]:
    """Return the columns of a row: all of them, so that a repetition corrects what has changed."""
    one, link = row.interaction, row.interaction.link
    name = row.mailing.title
    values: dict[str, Any] = {
        "dh_name": clipped(f"{TITLES[one.kind]}: {name}", _NAME),
        "dh_type": INTERACTION_TYPES[one.kind],
        "dh_occurredon": text_of(one.first),
        "dh_lastoccurredon": text_of(one.last),
        "dh_count": one.count,
        "dh_linkname": clipped(link.name, _LINK_NAME) or None if link else None,
        "dh_linkurl": clipped(link.url, _URL) or None if link else None,
        "dh_linktype": clipped(link.type, _LINK_TYPE) or None if link else None,
        "dh_bouncetype": BOUNCE_TYPES[one.bounce] if one.bounce else None,
        "dh_attribution": ATTRIBUTIONS[one.confidence] if one.confidence else None,
        "dh_onlineversion": clipped(row.mailing.online_version, _URL) or None
        if one.kind in {InteractionKind.SENT, InteractionKind.AUTOMATION_MAIL}
        else None,
        "dh_suspect": one.suspect is not None,
        "dh_suspectreason": clipped(str(one.suspect), _REASON) if one.suspect else None,
        "dh_points": one.points,
        **person_lookup(row.record),
    }
    if one.kind is InteractionKind.WEBSITE_VISIT:
        values["dh_pages"] = clipped(row.pages, _PAGES) or None
    if row.campaign is not None:
        values["dh_CampaignId@odata.bind"] = f"/{odata.row(CAMPAIGNS.entity_set, row.campaign)}"
    return values
