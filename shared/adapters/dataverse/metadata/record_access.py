"""Reads the rights of users on records, as Dataverse computes them (`RetrievePrincipalAccess`).

The answer includes roles with their depths, ownership, sharing, teams and business units. It is kept for a minute.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.rows.reports import ReportBatch
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.records import RecordKey
from shared.errors import ConnectorError, NotFoundError
from shared.ports.clock import Clock
from shared.ports.dataverse import Asked, Report

_KEPT = timedelta(minutes=1)
_FUNCTION = "Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@target)"


class DataverseRecordAccess:
    """Implements the port `RecordAccess`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[Asked, tuple[datetime, frozenset[AccessRight]]] = {}

    async def rights(self, asked: Collection[Asked]) -> Mapping[Asked, frozenset[AccessRight]]:
        """Return the rights, with one request for the unknown ones. Raises the first error of an answer but 404."""
        unknown = self._unknown(asked)
        results = await self._client.batch([_question(user, key) for user, key in unknown]) if unknown else []
        for one, result in zip(unknown, results, strict=True):
            if (error := self._keep(one, result)) is not None:
                raise error
        return {one: self._known[one][1] for one in asked}

    async def report_and_ask(
        self, reports: Sequence[Report], asked: Collection[Asked]
    ) -> Sequence[ConnectorError | None]:
        """Write the reports and read the unknown rights in one batch; `rights` asks again for what was refused."""
        batch = ReportBatch(reports)
        unknown = self._unknown(asked)
        questions = [_question(user, key) for user, key in unknown]
        results = await self._client.batch([*batch.operations, *questions])
        for one, result in zip(unknown, results[len(batch.operations) :], strict=True):
            self._keep(one, result)
        return batch.problems(results)

    def _unknown(self, asked: Collection[Asked]) -> list[Asked]:
        now = self._clock.now()
        self._known = {one: known for one, known in self._known.items() if now < known[0] + _KEPT}
        return [one for one in dict.fromkeys(asked) if one not in self._known]

    def _keep(self, one: Asked, result: OperationResult) -> ConnectorError | None:
        """Keep the answer; return its error unless the user or the record is gone, which leaves no rights."""
        match result.error:
            case None:
                rights = _rights(str(result.body["AccessRights"]))
            case NotFoundError():
                rights = frozenset()
            case error:
                return error
        self._known[one] = (self._clock.now(), rights)
        return None


def _question(user: UUID, key: RecordKey) -> WebApiOperation:
    target = {"@odata.id": odata.row(tables.PEOPLE[key.table].entity_set, key.id)}
    path = f"{odata.row(tables.USERS, user)}/{_FUNCTION}"
    return operations.WebApiOperation(Method.GET, odata.reads(path, {"@target": json.dumps(target)}))


def _rights(text: str) -> frozenset[AccessRight]:
    """Read `ReadAccess, WriteAccess`; None and unknown rights grant nothing."""
    words = {word.strip() for word in text.split(",")}
    return frozenset(right for right in AccessRight if right in words)
