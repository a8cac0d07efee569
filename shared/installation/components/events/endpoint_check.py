"""Asks Dataverse to check the service endpoint, once it has been written.

Source: Microsoft's page "TriggerServiceEndpointCheck Action": it is bound to the endpoint, takes no parameters and
returns nothing. Whether a test message arrives is not documented; the connector dead-letters a message that names no
record.
"""

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.errors import ConnectorError, NotFoundError
from shared.installation.desired.state import Endpoint
from shared.installation.wire.customization_client import CustomizationClient

_CHECK = "Microsoft.Dynamics.CRM.TriggerServiceEndpointCheck"


async def check_endpoint(client: CustomizationClient, endpoint: Endpoint) -> str | None:
    """Return what to do if Dataverse cannot use the endpoint; None if it can."""
    of_that_name = odata.compare("name", ODataComparison.EQUAL, endpoint.name)
    try:
        for row in await client.rows("serviceendpoints", select="serviceendpointid", filter=of_that_name):
            await client.outside_the_solution().act(f"serviceendpoints({row['serviceendpointid']})/{_CHECK}", {})
    except NotFoundError:
        return None  # an environment that does not offer the check says nothing about the endpoint
    except ConnectorError as error:
        return _cure(endpoint, error)
    return None


def _cure(endpoint: Endpoint, error: ConnectorError) -> str:
    return (
        f"Dataverse cannot use the service endpoint {endpoint.name} ({error}). Check that {endpoint.namespace} has the "
        f"queue {endpoint.queue}, that its firewall lets Dataverse in, and that the rule {endpoint.key_name} has Send "
        "on this queue; then give its key in SERVICE_BUS_SEND_KEY and run `python -m shared install --only steps` again"
    )
