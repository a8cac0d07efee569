"""TriggerServiceEndpointCheck, bound to an endpoint: whether it could deliver. No test message is posted.

Source: Microsoft's page "TriggerServiceEndpointCheck Action"; the code of the refusal is inferred.
"""

from __future__ import annotations

from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.requests.invocation import Invocation

_SAS_KEY = 2


def check_service_endpoint(call: Invocation) -> None:
    """WebApiError 400 for an endpoint without a key."""
    row = call.writer.store.rows("serviceendpoint")[call.bound_row.id]
    if row.get("authtype") == _SAS_KEY and not row.get("issaskeyset"):
        raise bad_request("The service endpoint has no SAS key.", "0x8004418b")
