"""The audiences of jobs: their identity, creation and filling.

The audience of a list name differs from the audience of a marketing list with the same name (AUD-05, C-43). The first
is identified by its name, the second by the id of the list. The names that users see must differ as well.
"""

from collections.abc import Mapping
from http import HTTPStatus
from unicodedata import normalize
from uuid import UUID, uuid5

from shared.domain.features.lists import LONGEST_NAME, ListIdentity
from shared.domain.records.records import RecordKey
from shared.domain.wording.refused_acts import ListRefusal
from shared.errors import ConnectorError
from shared.lists.list_targets import create, is_edition_missing
from shared.operations.contacts.person_contacts import Contact, failure, synchronise_again
from shared.operations.model.operation import Failed, Later, Unknown
from shared.operations.model.services import JobServices
from shared.ports.marketing_platform import Audiences
from shared.ports.queue import QueueName

_NAMES = UUID("5c8f7b0a-9d1e-4f37-8b52-0e6a4d2c9171")
"""Namespace of the ids that are made from names."""


def audience_named(name: str) -> ListIdentity:
    """Return the audience of a list name; upper and lower case count (AUD-06: the exact name)."""
    name = normalize("NFC", name.strip())
    return ListIdentity(f"name-{uuid5(_NAMES, name)}", name, _marked(name, "audience"))


async def ensure(audience: ListIdentity, audiences: Audiences) -> None:
    """Create the audience unless it exists. DataError if the platform refuses."""
    if not await audiences.exists(audience.id):
        await create(audiences, audience)


async def fill(
    audience: ListIdentity,
    contacts: Mapping[RecordKey, Contact],
    services: JobServices,
    *,
    lane: QueueName = QueueName.LIVE,
) -> dict[RecordKey, Contact]:
    """Add people, thousands to a call. Returns the external id of each member, or why the person is not in the list.

    A contact that the platform does not have, although the ledger does, is synchronised again and added once more.
    """
    ends = dict(contacts)
    unknown = await services.audiences.add(audience.id, _ids(contacts))
    missing = [person for person, contact in contacts.items() if contact in unknown]
    if missing:
        ends |= (again := await synchronise_again(missing, services, lane=lane))
        unknown = await services.audiences.add(audience.id, _ids(again))
        ends |= {person: CONTACT_NOT_FOUND for person, contact in again.items() if contact in unknown}
    return ends


def refusal(error: ConnectorError) -> Failed | Unknown | Later:
    """Return the end of a job whose audience cannot be used: without the licence, a retry would not help (AUD-02)."""
    if is_edition_missing(error):
        return Failed(str(HTTPStatus.FORBIDDEN.value), ListRefusal.EDITION())
    return failure(error)


CONTACT_NOT_FOUND = Failed("CONTACT_NOT_FOUND", "Spotler has taken the person's data, and does not know the person.")


def _ids(contacts: Mapping[RecordKey, Contact]) -> list[str]:
    return list(dict.fromkeys(contact for contact in contacts.values() if isinstance(contact, str)))


def _marked(name: str, mark: str) -> str:
    suffix = f" ({mark})"
    return name[: LONGEST_NAME - len(suffix)] + suffix
