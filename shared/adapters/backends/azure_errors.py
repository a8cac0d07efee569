"""Turns errors of Azure into the connector's errors."""

import re
from collections.abc import Mapping
from datetime import timedelta

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError

from shared.domain.wording.errors import ErrorText
from shared.errors import (
    ConfigurationError,
    ConflictError,
    ConnectorError,
    DataError,
    Service,
    ThrottledError,
    TransientError,
    foreign_code,
)

# Azure Storage often throttles without Retry-After.
_DEFAULT_PAUSE = timedelta(seconds=5)
_SECONDS = re.compile(r"[0-9]{1,6}")


def from_azure(error: AzureError, *, service: Service) -> ConnectorError:
    """Classify an error that an Azure client raised after its own retries.

    Status codes as in https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes, where 503 means
    "over the account's or the partition's limit". The text of the answer goes to `detail`.
    """
    status = error.status_code if isinstance(error, HttpResponseError) else None
    code = error_code(error)
    detail = error.message
    if isinstance(error, ClientAuthenticationError):
        return ConfigurationError(ErrorText.CREDENTIALS(), service=service, status=status, code=code, detail=detail)
    match status:
        case 429 | 503:
            return ThrottledError(
                ErrorText.TOO_MANY(),
                retry_after=_retry_after(error),
                service=service,
                status=status,
                code=code,
                detail=detail,
            )
        case None | 408 | 500 | 502 | 504:
            return TransientError(
                ErrorText.NO_USABLE_ANSWER(), service=service, status=status, code=code, detail=detail
            )
        case 400 | 413:
            return DataError(ErrorText.CONTENT(), service=service, status=status, code=code, detail=detail)
        case 409 | 412:
            return ConflictError(ErrorText.CHANGED(), service=service, status=status, code=code, detail=detail)
        case _:
            return ConfigurationError(ErrorText.ACCESS(), service=service, status=status, code=code, detail=detail)


def error_code(error: AzureError) -> str:
    """Return the service's own code, or else the name of the exception."""
    code = getattr(error, "error_code", None)
    return foreign_code(Service.STATE, getattr(code, "value", code)) or type(error).__name__


def _retry_after(error: AzureError) -> timedelta:
    response = error.response if isinstance(error, HttpResponseError) else None
    headers: Mapping[str, str] = getattr(response, "headers", {})  # the client's own type hides them
    text = headers.get("Retry-After", "")
    return timedelta(seconds=int(text)) if _SECONDS.fullmatch(text) else _DEFAULT_PAUSE
