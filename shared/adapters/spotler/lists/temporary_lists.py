"""Temporary lists of Mail+ (SEL-01, P-14): made from external ids for one mailing.

The API can create, fill and delete them, but neither rename them nor remove single contacts. A call with an unknown
contact is refused as a whole, without naming the contact.
"""

from collections.abc import Sequence
from urllib.parse import quote

from pydantic import TypeAdapter

from shared.adapters.spotler.lists.audiences import CONTACTS_PER_CALL
from shared.adapters.spotler.rest.models import TemporaryListAnswer
from shared.adapters.spotler.rest.transport import SpotlerCall, SpotlerTransport
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, NotFoundError

_ALL = TypeAdapter(list[TemporaryListAnswer])
_CONTACT_UNKNOWN = "CONTACT_NOT_FOUND"
_PATH = "/templist"


class SpotlerTemporaryLists:
    """Implements the port `ContactLists`. The transport belongs to the client, which closes it."""

    can_remove = False

    def __init__(self, transport: SpotlerTransport) -> None:
        self._transport = transport

    async def exists(self, audience: str) -> bool:
        """Return whether there is a temporary list with this external id."""
        return await self._name_of(audience) is not None

    async def create(self, audience: str, name: str) -> None:
        """Create an empty one; DataError (HTTP 400) if id or name is taken, or there are too many."""
        body = {"externalTemporaryListId": audience, "name": name}
        try:
            await self._transport.send(SpotlerCall("templist.create", "POST", _PATH, body=body, fixed_path=True))
        except DataError:
            # An earlier attempt has created a list with the same id and name.
            if await self._name_of(audience) != name:
                raise

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts, 2,500 to a call; return those that Spotler does not have. The others are members then."""
        unknown: set[str] = set()
        for start in range(0, len(contacts), CONTACTS_PER_CALL):
            unknown |= await self._send_known(audience, contacts[start : start + CONTACTS_PER_CALL])
        return frozenset(unknown)

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:  # noqa: ARG002  # the port's signature
        """Raise DataError: Spotler has no such call. The caller must create the list again."""
        if contacts:
            raise DataError(SpotlerCause.NO_REMOVAL())

    async def rename(self, audience: str, name: str) -> None:  # noqa: ARG002  # the port's signature
        """Raise DataError: Spotler has no such call. The caller must create the list again."""
        raise DataError(SpotlerCause.NO_RENAMING())

    async def clear(self, audience: str, name: str) -> None:
        """Create the list again; DataError (HTTP 400) if a mailing uses it, or the name is taken."""
        await self.delete(audience)
        await self.create(audience, name)

    async def delete(self, audience: str) -> None:
        """Delete a list if it exists; DataError (HTTP 400) if a mailing uses it."""
        try:
            await self._transport.send(SpotlerCall("templist.delete", "DELETE", _path(audience)))
        except NotFoundError:
            return

    async def _send_known(self, audience: str, contacts: Sequence[str]) -> set[str]:
        """Send one chunk; halve it while it is refused, until each unknown contact is found."""
        if not contacts:
            return set()
        call = SpotlerCall("templist.add", "POST", _path(audience), body={"contacts": list(contacts)})
        try:
            await self._transport.send(call)
        except NotFoundError as error:
            if error.code != _CONTACT_UNKNOWN:
                raise
            if len(contacts) == 1:
                return set(contacts)
            middle = len(contacts) // 2
            first = await self._send_known(audience, contacts[:middle])
            return first | await self._send_known(audience, contacts[middle:])
        return set()

    async def _name_of(self, audience: str) -> str | None:
        lists = await self._transport.fetch(SpotlerCall("templist.list", "GET", _PATH, fixed_path=True), _ALL)
        return next((one.name for one in lists if one.external_temporary_list_id == audience), None)


def _path(audience: str) -> str:
    return f"{_PATH}/{quote(audience, safe='')}"
