"""Which records a user of the console may read in Dataverse, by the user's own rights there.

Dataverse computes them (`RetrievePrincipalAccess`), so the connector acts for nobody (decisions 6 and 29). They are
rights on whole records: columns that a column security profile hides from the user are not asked for.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from shared.adapters.dataverse.metadata.record_access import DataverseRecordAccess
from shared.adapters.dataverse.records import tables
from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.domain.records.access_rights import AccessRight
from shared.domain.records.records import RecordKey
from shared.ports.clock import Clock

_KEPT = timedelta(minutes=10)
_KEY = "systemuserid"


class DataverseReaders:
    """Asks for users by their object id in Entra. The client belongs to `DataverseCrm`, which closes it."""

    def __init__(self, client: DataverseClient, access: DataverseRecordAccess, clock: Clock) -> None:
        self._client = client
        self._access = access
        self._clock = clock
        self._users: dict[UUID, tuple[datetime, UUID | None]] = {}

    async def readable(self, account: UUID, keys: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Return those of the records that the user of an Entra account may read; none if there is no such user.

        Raises ConnectorErrors.
        """
        user = await self._user_of(account) if keys else None
        if user is None:
            return frozenset()
        rights = await self._access.rights([(user, key) for key in keys])
        return frozenset(key for key in keys if AccessRight.READ in rights[user, key])

    async def _user_of(self, account: UUID) -> UUID | None:
        """Return the user of an Entra account; None if there is none, or it is disabled."""
        now = self._clock.now()
        known = self._users.get(account)
        if known is None or now >= known[0] + _KEPT:
            wanted = odata.all_of(
                odata.compare("azureactivedirectoryobjectid", ODataComparison.EQUAL, account),
                odata.compare("isdisabled", ODataComparison.NOT_EQUAL, True),  # noqa: FBT003  # the value itself
            )
            pages = self._client.query(tables.USERS, select=(_KEY,), filter=wanted, top=1)
            found = [UUID(row[_KEY]) async for page in pages for row in page]
            known = (now, found[0] if found else None)
            self._users[account] = known
        return known[1]
