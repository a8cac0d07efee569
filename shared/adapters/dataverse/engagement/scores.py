"""The score columns of contacts, leads and accounts (ENG-01, ENG-02). Every write carries the connector's tag."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from uuid import UUID

from shared.adapters.dataverse.engagement.bulk_messages import BulkMessage, BulkMessages, BulkRow
from shared.adapters.dataverse.engagement.names import PEOPLE
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Retrieve
from shared.domain.engagement.scores import Score
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import NotFoundError
from shared.ports.engagement import Refused, ScoreWrite

_MASTER, _COMPANY = "_masterid_value", "_parentcustomerid_value"
_TOTAL, _RECENT = "dh_engagementscore", "dh_engagementweightedscore"


class DataverseScores:
    """Implements the port `ScoreRows`. `enabled` are the tables that are synchronised."""

    def __init__(self, client: DataverseClient, bulk: BulkMessages, enabled: Collection[PersonTable]) -> None:
        self._client = client
        self._bulk = bulk
        self._enabled = enabled

    async def write(self, scores: Sequence[ScoreWrite]) -> Sequence[Refused]:
        """Update rows, table by table. A record that is gone needs no score."""
        by_table: defaultdict[PersonTable, list[BulkRow]] = defaultdict(list)
        for one in scores:
            values = {_TOTAL: one.score.engagement, _RECENT: one.score.recent}
            by_table[one.record.table].append(BulkRow(one.record.id, values))
        refused: list[Refused] = []
        for table, rows in by_table.items():
            refused += await self._bulk.write(PEOPLE[table], BulkMessage.UPDATE, rows)
        return [one for one in refused if not isinstance(one.error, NotFoundError)]

    async def masters(self, records: Sequence[RecordKey]) -> Mapping[RecordKey, RecordKey]:
        """Read the master of records that were merged."""
        asked = {table: ids for table in PersonTable if (ids := [one.id for one in records if one.table is table])}
        reads = [
            Retrieve(PEOPLE[table].entity_set, PEOPLE[table].key, ids, (PEOPLE[table].key, _MASTER))
            for table, ids in asked.items()
        ]
        answers = await self._client.retrieve_many(reads) if reads else []
        return {
            RecordKey(table, UUID(row[PEOPLE[table].key])): RecordKey(table, UUID(row[_MASTER]))
            for table, rows in zip(asked, answers, strict=True)
            for row in rows
            if row.get(_MASTER)
        }

    async def contacts_of_accounts(self) -> AsyncIterator[Sequence[tuple[RecordKey, Score]]]:
        """Read the contacts whose company is an account, and that show a score."""
        names = PEOPLE[PersonTable.CONTACT]
        pages = self._client.query(
            names.entity_set,
            select=(names.key, _TOTAL, _RECENT, _COMPANY),
            filter=f"{_TOTAL} gt 0 and parentcustomerid_account/accountid ne null",
            page_size=1000,
        )
        async for page in pages:
            yield [
                (
                    RecordKey(PersonTable.ACCOUNT, UUID(row[_COMPANY])),
                    Score(row[_TOTAL], row.get(_RECENT) or 0),
                )
                for row in page
            ]

    async def scored(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        """Read the records that show a recent score."""
        for table in self._enabled:
            async for page in self._showing(table, _RECENT):
                yield page

    async def scored_accounts(self) -> AsyncIterator[Sequence[ScoreWrite]]:
        """Read the accounts that show a score."""
        async for page in self._showing(PersonTable.ACCOUNT, _TOTAL):
            yield page

    async def _showing(self, table: PersonTable, column: str) -> AsyncIterator[Sequence[ScoreWrite]]:
        names = PEOPLE[table]
        pages = self._client.query(
            names.entity_set,
            select=(names.key, _TOTAL, _RECENT),
            filter=odata.compare(column, ODataComparison.GREATER_OR_EQUAL, 1),
            page_size=1000,
        )
        async for page in pages:
            yield [
                ScoreWrite(RecordKey(table, UUID(row[names.key])), Score(row.get(_TOTAL) or 0, row.get(_RECENT) or 0))
                for row in page
            ]
