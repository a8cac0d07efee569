"""Reads the steps of the service endpoint that posts to the connector's queue: the saves that it reports (MAP-35)."""

from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.odata import Expand, ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.domain.records.table_schema import EventStep
from shared.ports.queue import QueueName

_ENABLED = 0
_MESSAGE, _FILTER = "sdkmessageid", "sdkmessagefilterid"


async def read_steps(client: DataverseClient) -> list[EventStep]:
    """Read the enabled steps of every endpoint that posts to the queue of Dataverse events; usually there is one."""
    endpoints = client.query(
        "serviceendpoints",
        select=("serviceendpointid",),
        filter=odata.compare("path", ODataComparison.EQUAL, QueueName.EVENTS.value),
    )
    ids = [UUID(row["serviceendpointid"]) async for page in endpoints for row in page]
    return [step for endpoint in ids for step in await _steps_of(client, endpoint)]


async def _steps_of(client: DataverseClient, endpoint: UUID) -> list[EventStep]:
    pages = client.query(
        "sdkmessageprocessingsteps",
        select=("filteringattributes",),
        filter=odata.all_of(
            odata.compare("_eventhandler_value", ODataComparison.EQUAL, endpoint),
            odata.compare("statecode", ODataComparison.EQUAL, _ENABLED),
        ),
        expand=(Expand(_MESSAGE, ("name",)), Expand(_FILTER, ("primaryobjecttypecode",))),
    )
    return [_step(row) async for page in pages for row in page]


def _step(row: Row) -> EventStep:
    columns = (row["filteringattributes"] or "").split(",")
    return EventStep(
        table=(row[_FILTER] or {}).get("primaryobjecttypecode", ""),
        message=row[_MESSAGE]["name"],
        columns=frozenset(name.strip() for name in columns if name.strip()),
    )
