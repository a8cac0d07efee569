"""TriggerServiceEndpointCheck: whether an endpoint could deliver. The form of its parameter is inferred."""

from __future__ import annotations

from collections.abc import Mapping

from shared.local.dataverse_sandbox.organisation.errors import bad_request
from shared.local.dataverse_sandbox.requests.invocation import Invocation

_SAS_KEY = 2


def check_service_endpoint(call: Invocation) -> None:
    """TriggerServiceEndpointCheck: the endpoint exists and has a key. No test message is posted."""
    value = call.arguments.get("Entity")
    if not isinstance(value, Mapping):
        raise bad_request("The action needs the Entity of a service endpoint.", "0x80048d19")
    row = call.writer.store.rows("serviceendpoint")[call.described_row(value).id]
    if row.get("authtype") == _SAS_KEY and not row.get("issaskeyset"):
        raise bad_request("The service endpoint has no SAS key.", "0x8004418b")
