"""The two states of a form, view, script or app: as it was last saved, and as it was last published.

A plain GET answers the published state; a new row has none. Source: Microsoft's page "RetrieveUnpublishedMultiple".
"""

from collections.abc import Iterable
from enum import Enum

from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.wire.customization_client import CustomizationClient


class State(Enum):
    """A state, by what follows the entity set in the address."""

    SAVED = "/Microsoft.Dynamics.CRM.RetrieveUnpublishedMultiple()"
    PUBLISHED = ""


async def read_state(
    client: CustomizationClient, entity_set: str, columns: Iterable[str], where: str, state: State
) -> list[Row]:
    """Read the rows that meet a filter, in one state. Raises the errors of the client."""
    return await client.rows(f"{entity_set}{state.value}", select=",".join(columns), filter=where)
