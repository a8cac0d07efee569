"""Audiences of Mail+ (AUD): named sets of contacts, the source of dynamic lists."""

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import TypeAdapter

from shared.adapters.spotler.rest.models import AudienceAnswer, UnknownContactsAnswer
from shared.adapters.spotler.rest.paths import segment
from shared.adapters.spotler.rest.transport import SpotlerCall, SpotlerTransport
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, NotFoundError

CONTACTS_PER_CALL = 2500

_AUDIENCE = TypeAdapter(AudienceAnswer)
_DONE_OR_UNKNOWN = TypeAdapter(UnknownContactsAnswer | None)


class SpotlerAudiences:
    """Implements the ports `Audiences` and `ContactLists`. The transport belongs to the client, which closes it."""

    can_remove = True

    def __init__(self, transport: SpotlerTransport) -> None:
        self._transport = transport

    async def exists(self, audience: str) -> bool:
        """Return whether there is an audience with this external id."""
        return await self._read(audience) is not None

    async def create(self, audience: str, name: str) -> None:
        """Create one; DataError (HTTP 417) if id or name is taken, or there are too many."""
        body = {"externalId": audience, "name": name}
        try:
            await self._transport.send(SpotlerCall("audience.create", "POST", "/audience", body=body, fixed_path=True))
        except DataError as error:
            if error.status != HTTPStatus.EXPECTATION_FAILED:
                raise
            # An earlier attempt or another worker has created an audience with the same id and name.
            found = await self._read(audience)
            if found is None or found.name != name:
                raise

    async def add(self, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts, 2,500 to a call; return those that Spotler does not have. The others are members then."""
        return await self._all("audience.add", "POST", audience, contacts)

    async def remove(self, audience: str, contacts: Sequence[str]) -> None:
        """Remove contacts, 2,500 to a call; contacts that are not members are ignored."""
        await self._all("audience.remove", "DELETE", audience, contacts)

    async def rename(self, audience: str, name: str) -> None:
        """Rename an audience; DataError (HTTP 417) if the name is taken."""
        body = {"externalId": audience, "name": name}
        await self._transport.send(SpotlerCall("audience.update", "PUT", _path(audience), body=body))

    async def clear(self, audience: str, name: str) -> None:  # noqa: ARG002  # audiences keep theirs
        """Remove all members, by a removal without a body."""
        await self._transport.send(SpotlerCall("audience.clear", "DELETE", f"{_path(audience)}/contact"))

    async def delete(self, audience: str) -> None:
        """Delete an audience if it exists; DataError (HTTP 417) if it is in use."""
        try:
            await self._transport.send(SpotlerCall("audience.delete", "DELETE", _path(audience)))
        except NotFoundError:
            return

    async def _read(self, audience: str) -> AudienceAnswer | None:
        try:
            return await self._transport.fetch(SpotlerCall("audience.get", "GET", _path(audience)), _AUDIENCE)
        except NotFoundError:
            return None

    async def _all(self, operation: str, method: str, audience: str, contacts: Sequence[str]) -> frozenset[str]:
        unknown: set[str] = set()
        # Without contacts there is no chunk, hence no call: a removal without a body empties the audience.
        for start in range(0, len(contacts), CONTACTS_PER_CALL):
            unknown |= await self._send_known(operation, method, audience, contacts[start : start + CONTACTS_PER_CALL])
        return frozenset(unknown)

    async def _send_known(self, operation: str, method: str, audience: str, contacts: Sequence[str]) -> set[str]:
        """Send one chunk, and again without the contacts that Spotler reports as unknown, until it accepts the call."""
        unknown: set[str] = set()
        left = list(contacts)
        while left:
            answering = frozenset({int(HTTPStatus.NOT_FOUND)})
            call = SpotlerCall(
                operation, method, f"{_path(audience)}/contact", body={"contacts": left}, answering=answering
            )
            refused = await self._transport.fetch(call, _DONE_OR_UNKNOWN)
            if refused is None:
                break
            named = set(refused.external_contact_ids)
            if named.isdisjoint(left):
                raise DataError(SpotlerCause.UNSENT_CONTACTS(operation=operation))
            unknown |= named.intersection(left)
            left = [contact for contact in left if contact not in named]
        return unknown


def _path(audience: str) -> str:
    return f"/audience/{segment(audience)}"
