"""Finds records of people by a part of their name: for an administrator of the console, in one request."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from shared.adapters.dataverse.records.tables import PEOPLE
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.records import PersonTable, RecordKey

_NAME: Mapping[PersonTable, str] = {
    PersonTable.CONTACT: "fullname",
    PersonTable.LEAD: "fullname",
    PersonTable.ACCOUNT: "name",
}
_LONGEST = 100


class PeopleSearch:
    """Searches the synchronised tables."""

    def __init__(self, client: DataverseClient, tables: Collection[PersonTable]) -> None:
        self._client = client
        self._tables = sorted(tables)

    async def named(self, text: str, *, limit: int) -> Sequence[RecordKey]:
        """Return records whose name contains a text, at most `limit` of each table. Raises ConnectorErrors."""
        literal = "'" + text[:_LONGEST].replace("'", "''") + "'"
        questions = []
        for table in self._tables:
            shape = operations.shape([PEOPLE[table].key], ())
            options = shape | {"$filter": f"contains({_NAME[table]},{literal})", "$top": str(limit)}
            path = odata.reads(odata.name(PEOPLE[table].entity_set), options)
            questions.append(WebApiOperation(Method.GET, path))
        answers = await self._client.batch(questions)
        found: list[RecordKey] = []
        for table, answer in zip(self._tables, answers, strict=True):
            if answer.error is not None:
                raise answer.error
            found += [RecordKey(table, UUID(row[PEOPLE[table].key])) for row in answer.body["value"]]
        return found[:limit]
