"""The list in Spotler that a marketing list becomes: create, rename, change its kind, fill and delete it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus

from shared.domain.features.lists import ListIdentity, ListKind, identity_of
from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.domain.wording.refused_acts import ListRefusal
from shared.errors import ConfigurationError, ConnectorError, DataError, NotFoundError, Service
from shared.lists.list_state import ListState
from shared.ports.dataverse import MarketingList
from shared.ports.marketing_platform import Audiences, ContactLists

_NAME_TAKEN = frozenset({HTTPStatus.EXPECTATION_FAILED, HTTPStatus.BAD_REQUEST})
NO_EDITION = "403"
IN_USE = "list-in-use"


class ListTargets:
    """The two kinds of lists that Spotler's API offers."""

    def __init__(self, kinds: Mapping[ListKind, ContactLists]) -> None:
        self._kinds = kinds

    def of(self, kind: ListKind) -> ContactLists:
        """Return the lists of a kind."""
        return self._kinds[kind]

    async def open(self, marketing_list: MarketingList, kind: ListKind, state: ListState | None) -> ListState:
        """Create the list in Spotler with this kind and name unless it exists; returns its state.

        The content is unknown if the list exists and no state tells it. Raises ConnectorErrors; DataError with IN_USE
        if Spotler does not delete the list of another kind.
        """
        if state is not None and state.kind is not kind:
            await self.delete(state)
            state = replace(state, kind=kind, snapshots={}, is_listed=False)
        identity, place = identity_of(marketing_list.id, marketing_list.name), self.of(kind)
        known = state.snapshots if state is not None else None
        if not await place.exists(identity.id):
            await create(place, identity)
            known = {}
        elif state is not None and state.name != identity.name:
            known = await _rename(place, identity, known)
        start = state or ListState(
            marketing_list.id, marketing_list.table, marketing_list.is_dynamic, kind, identity.id, identity.name
        )
        return replace(start, name=identity.name, rules=marketing_list.rules, snapshots=known)

    async def add(self, state: ListState, contacts: Sequence[str]) -> frozenset[str]:
        """Add contacts; returns those that Spotler does not know."""
        return await self.of(state.kind).add(state.spotler_id, contacts)

    async def remove(self, state: ListState, contacts: Sequence[str]) -> None:
        """Remove contacts."""
        await self.of(state.kind).remove(state.spotler_id, contacts)

    async def clear(self, state: ListState) -> None:
        """Remove all contacts; DataError with IN_USE if Spotler uses the list."""
        place, identity = self.of(state.kind), identity_of(state.id, state.name)
        try:
            try:
                await place.clear(state.spotler_id, identity.name)
            except NotFoundError:
                await create(place, identity)
            except DataError as error:
                # The list may be gone and its name in use by another one: then it gets its other name.
                if error.status not in _NAME_TAKEN or await place.exists(state.spotler_id):
                    raise
                await place.create(state.spotler_id, identity.other_name)
        except DataError as error:
            raise _in_use(error) from error

    async def delete(self, state: ListState) -> None:
        """Delete the list; DataError with IN_USE if Spotler uses it."""
        try:
            await self.of(state.kind).delete(state.spotler_id)
        except DataError as error:
            raise _in_use(error) from error


def is_edition_missing(error: ConnectorError) -> bool:
    """Whether Spotler refuses lists because of the account's product; Dataverse's 403 means a missing privilege."""
    is_refused = isinstance(error, ConfigurationError) and error.status == HTTPStatus.FORBIDDEN
    return is_refused and error.service is not Service.DATAVERSE


def refusal(error: ConnectorError) -> tuple[str, str] | None:
    """Return code and text of a refusal that another attempt would not change, None otherwise."""
    if is_edition_missing(error):
        return NO_EDITION, ListRefusal.EDITION()
    if isinstance(error, DataError):
        detail = error.detail.strip()
        text = SpotlerCause.LIST_REFUSED(summary=error.summary)
        if detail:
            text = SpotlerCause.LIST_REFUSED_AS(summary=error.summary, detail=detail)
        return error.code or str(error.status or "refused"), text
    return None


async def create(place: Audiences, identity: ListIdentity) -> None:
    """Create a list, with its other name if its name is taken. DataError if Spotler refuses it."""
    try:
        await place.create(identity.id, identity.name)
    except DataError as error:
        if error.status not in _NAME_TAKEN:
            raise
        await place.create(identity.id, identity.other_name)  # most likely the name is taken


async def _rename(
    place: ContactLists, identity: ListIdentity, known: Mapping[str, int] | None
) -> Mapping[str, int] | None:
    """Rename the list (ML-20). One that cannot be renamed is created anew when its contacts are sent."""
    if not place.can_remove:
        return None
    try:
        await place.rename(identity.id, identity.name)
    except DataError as error:
        if error.status not in _NAME_TAKEN:
            raise
        await place.rename(identity.id, identity.other_name)
    return known


def _in_use(error: DataError) -> DataError:
    return DataError(
        SpotlerCause.LIST_IN_USE(),
        service=error.service,
        status=error.status,
        code=IN_USE,
        detail=error.detail,
    )
