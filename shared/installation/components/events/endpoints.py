"""The service endpoint: the queue of Service Bus that Dataverse sends its messages to.

The key (SAS, with the right Send on that one queue) cannot be read back: it is written whenever it is given, and never
otherwise. The endpoint joins no solution: a solution file would carry the queue of one environment to others.
Source: Microsoft's page "serviceendpoint entity reference"; the set of columns is that of public tools.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.errors import ConfigurationError
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.desired.state import DesiredState, Endpoint
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_PERSISTENT_QUEUE, _NORMAL, _USER_ID, _ADDRESS, _SAS_KEY, _JSON, _UTF8 = 6, 1, 2, 2, 2, 2, 1
_FIXED: Final = {
    "contract": _PERSISTENT_QUEUE,
    "userclaim": _USER_ID,
    "authtype": _SAS_KEY,
    "messageformat": _JSON,
    "messagecharset": _UTF8,
}
_COLUMNS: Final = "contract,userclaim,authtype,messageformat,messagecharset,path,solutionnamespace"
_SET: Final = "serviceendpoints"


class Endpoints(ComponentKind[Endpoint, Row]):
    """The service endpoint, if its namespace is known."""

    kind = Kind.ENDPOINT

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[Endpoint]:
        """Return the endpoint, if its namespace is known."""
        return () if desired.endpoint is None else (desired.endpoint,)

    async def find(
        self, client: CustomizationClient, wanted: Sequence[Endpoint], organisation: Organisation
    ) -> Mapping[str, Row]:
        """Read the endpoint, without its key."""
        found: dict[str, Row] = {}
        for one in wanted:
            of_that_name = odata.compare("name", ODataComparison.EQUAL, one.name)
            for row in await client.rows(_SET, select=f"serviceendpointid,name,{_COLUMNS}", filter=of_that_name):
                found[one.name] = row
        return found

    def differences(self, wanted: Endpoint, found: Row, organisation: Organisation) -> Sequence[str]:
        """Compare the columns; a given key always counts as a difference."""
        columns = [name for name, own in _compared(wanted).items() if found.get(name) != own]
        return [*columns, *(("key is given",) if wanted.key else ())]

    async def create(self, client: CustomizationClient, wanted: Endpoint, organisation: Organisation) -> None:
        """Insert the endpoint. Raises ConfigurationError without a key."""
        if not wanted.key:
            raise ConfigurationError(
                "The service endpoint needs the key of the queue: give it in the environment variable "
                "SERVICE_BUS_SEND_KEY, or by --sas-key"
            )
        await client.outside_the_solution().create(_SET, {"name": wanted.name} | _body(wanted))

    async def change(
        self, client: CustomizationClient, wanted: Endpoint, found: Row, organisation: Organisation
    ) -> None:
        """Write all columns, and the key if it is given."""
        path = f"{_SET}({found['serviceendpointid']})"
        await client.outside_the_solution().change(path, _body(wanted))

    async def remove(self, client: CustomizationClient, wanted: Endpoint, found: Row) -> None:
        """Delete the endpoint, whose steps were deleted before."""
        await client.outside_the_solution().remove(f"{_SET}({found['serviceendpointid']})")


def _compared(endpoint: Endpoint) -> dict[str, object]:
    return _FIXED | {"path": endpoint.queue, "solutionnamespace": endpoint.namespace.split(".")[0]}


def _body(endpoint: Endpoint) -> dict[str, object]:
    key = {"saskeyname": endpoint.key_name, "saskey": endpoint.key} if endpoint.key else {}
    address = f"sb://{endpoint.namespace}/"
    more = {"connectionmode": _NORMAL, "namespaceformat": _ADDRESS, "namespaceaddress": address}
    return _compared(endpoint) | more | key
