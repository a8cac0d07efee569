"""Request headers: those that may be ignored, and those that ask for something that is not simulated.

Source: Microsoft's page "Compose HTTP requests and handle errors", section "HTTP headers".
"""

from __future__ import annotations

import re

from shared.local.dataverse_sandbox.organisation.errors import bad_request, not_implemented
from shared.local.dataverse_sandbox.requests.consumption import Parts

# Headers that Dataverse reads. Other headers do not change its answer (Accept-Language, User-Agent, traceparent …).
_MEANT_FOR_DATAVERSE = re.compile(
    r"mscrm.*|odata-.*|x-ms-.*|if-.*|prefer|caller.*|autodisassociate|range|content-range|x-http-method.*|slug"
)
# Headers that change no answer of the sandbox: ids for logs, and switches for Power Automate or plug-ins only.
_HARMLESS = re.compile(
    r"x-ms-(client-request-id|correlation-id|correlation-request-id|client-session-id|useragent|user-agent"
    r"|return-client-request-id|date|version|session-id|app-.*)"
    r"|mscrm\.(suppresscallbackregistrationexpanderjob|bypasscustompluginexecution)"
)
_VERSIONS = ("odata-version", "odata-maxversion")
_FORMAT = re.compile(
    r"odata\.metadata\s*=\s*(full|none)|ieee754compatible\s*=\s*true|odata\.streaming\s*=\s*false", re.IGNORECASE
)


def check(headers: Parts) -> None:
    """Refuse unread headers that would change the answer of Dataverse (WebApiError 400 or 501)."""
    for name in _VERSIONS:
        if headers.get(name, "4.0").strip() not in {"4.0", "4.01" if name == "odata-maxversion" else ""}:
            raise bad_request(f"The value of the header '{name}' is not supported.")
    wanted = _FORMAT.search(headers.get("accept", ""))
    if wanted is not None:
        raise not_implemented(f"The format '{wanted[0]}' of the header 'accept'")
    if headers.get("if-none-match") == "null":
        pass  # Microsoft's samples send it with every GET
    for part in headers.unread():
        name = part.partition("'")[2].rstrip("'")
        if _MEANT_FOR_DATAVERSE.fullmatch(name) and not _HARMLESS.fullmatch(name):
            raise not_implemented(f"The {part} in this request")
