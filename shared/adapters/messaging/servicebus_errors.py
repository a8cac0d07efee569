"""Turns errors of Service Bus into the connector's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.servicebus.exceptions import (
    MessageSizeExceededError,
    MessagingEntityDisabledError,
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusAuthorizationError,
    ServiceBusError,
    ServiceBusQuotaExceededError,
    ServiceBusServerBusyError,
)

from shared.adapters.backends.azure_errors import from_azure
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, ConnectorError, DataError, Service, ThrottledError, TransientError

# The pause that the service recommends for throttling
# (https://learn.microsoft.com/azure/service-bus-messaging/service-bus-throttling).
_DEFAULT_PAUSE = timedelta(seconds=10)


def from_service_bus(error: AzureError, *, queue: str = "") -> ConnectorError:
    """Classify an error that the client raised after its own retries; its text goes to `detail`."""
    code = type(error).__name__
    detail = error.message
    match error:
        case ServiceBusServerBusyError() | ServiceBusQuotaExceededError():
            return ThrottledError(
                ErrorText.NAMESPACE_BUSY(),
                retry_after=_DEFAULT_PAUSE,
                service=Service.QUEUE,
                code=code,
                detail=detail,
            )
        case ServiceBusAuthenticationError() | ServiceBusAuthorizationError():
            return ConfigurationError(ErrorText.CREDENTIALS(), service=Service.QUEUE, code=code, detail=detail)
        case MessagingEntityNotFoundError() | MessagingEntityDisabledError() | ResourceNotFoundError():
            is_disabled = isinstance(error, MessagingEntityDisabledError)
            wording = ErrorText.QUEUE_DISABLED if is_disabled else ErrorText.QUEUE_MISSING
            summary = wording(queue=queue or ErrorText.ASKED_FOR())
            return ConfigurationError(summary, service=Service.QUEUE, code=code, detail=detail)
        case MessageSizeExceededError():
            return DataError(StateCause.MESSAGE_LARGE(), service=Service.QUEUE, code=code, detail=detail)
        case ServiceBusError():
            return TransientError(ErrorText.NO_USABLE_ANSWER(), service=Service.QUEUE, code=code, detail=detail)
        case _:  # of the administration client, which uses HTTP
            return from_azure(error, service=Service.QUEUE)


@contextmanager
def translated(queue: str = "") -> Iterator[None]:
    """Turn errors of the client about `queue` into ConnectorErrors."""
    try:
        yield
    except AzureError as error:
        raise from_service_bus(error, queue=queue) from error
