"""Reads the rights of users on records, as Dataverse computes them (`RetrievePrincipalAccess`).

The answer includes roles with their depths, ownership, sharing, teams and business units. It is kept for a minute.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata, operations
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.records import RecordKey
from shared.errors import NotFoundError
from shared.ports.clock import Clock

_KEPT = timedelta(minutes=1)
_FUNCTION = "Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@target)"

Asked = tuple[UUID, RecordKey]


class DataverseRecordAccess:
    """Implements the port `RecordAccess`. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[Asked, tuple[datetime, frozenset[AccessRight]]] = {}

    async def rights(self, asked: Collection[Asked]) -> Mapping[Asked, frozenset[AccessRight]]:
        """Return the rights, with one request for the unknown ones. Raises the first error of an answer but 404."""
        now = self._clock.now()
        self._known = {one: known for one, known in self._known.items() if now < known[0] + _KEPT}
        unknown = [one for one in dict.fromkeys(asked) if one not in self._known]
        results = await self._client.batch([_question(user, key) for user, key in unknown]) if unknown else []
        for one, result in zip(unknown, results, strict=True):
            match result.error:
                case None:
                    self._known[one] = (now, _rights(str(result.body["AccessRights"])))
                case NotFoundError():
                    self._known[one] = (now, frozenset())
                case error:
                    raise error
        return {one: self._known[one][1] for one in asked}


def _question(user: UUID, key: RecordKey) -> WebApiOperation:
    target = {"@odata.id": odata.row(tables.PEOPLE[key.table].entity_set, key.id)}
    path = f"{odata.row(tables.USERS, user)}/{_FUNCTION}"
    return operations.WebApiOperation(Method.GET, odata.reads(path, {"@target": json.dumps(target)}))


def _rights(text: str) -> frozenset[AccessRight]:
    """Read `ReadAccess, WriteAccess`; None and unknown rights grant nothing."""
    words = {word.strip() for word in text.split(",")}
    return frozenset(right for right in AccessRight if right in words)
