"""The administration client, also for an emulator, and the check of a queue's settings."""

from datetime import timedelta
from typing import Any

from azure.core.pipeline.transport import AioHttpTransport
from azure.servicebus import parse_connection_string
from azure.servicebus.aio.management import ServiceBusAdministrationClient
from azure.servicebus.management import QueueProperties

from shared.domain.wording.letters import QueueText
from shared.domain.wording.phrase import Phrase, series

_HTTPS = "https://"

# The administration port of Microsoft's emulator; messages use another port
# (https://learn.microsoft.com/azure/service-bus-messaging/test-locally-with-service-bus-emulator).
_EMULATOR_PORT = 5300


class _PlainTransport(AioHttpTransport):  # type: ignore[misc]  # the package hides its type
    """HTTP to an emulator: the client makes every address one of https."""

    async def send(self, request: Any, **config: Any) -> Any:
        request.url = f"http://{request.url.removeprefix(_HTTPS)}"
        return await super().send(request, **config)


def administration_client(connection_string: str) -> ServiceBusAdministrationClient:
    """Return the client; ValueError if the string is malformed.

    With `UseDevelopmentEmulator=true`, requests use plain HTTP, and the port of the string, or else the port of
    Microsoft's emulator.
    """
    parsed = parse_connection_string(connection_string)
    if not _is_for_an_emulator(connection_string):
        return ServiceBusAdministrationClient.from_connection_string(connection_string)
    host = parsed.fully_qualified_namespace
    if ":" not in host:
        connection_string = connection_string.replace(f"//{host}", f"//{host}:{_EMULATOR_PORT}", 1)
    return ServiceBusAdministrationClient.from_connection_string(connection_string, transport=_PlainTransport())


def _is_for_an_emulator(connection_string: str) -> bool:
    fields = (field.partition("=") for field in connection_string.split(";"))
    return any((name.strip(), value.strip().lower()) == ("UseDevelopmentEmulator", "true") for name, _, value in fields)


def problem_of(queue: QueueProperties, *, lock: timedelta) -> str:
    """Return how the settings of a queue must be changed (`docs/host.md`); empty if they are correct.

    `lock` is the lock duration that the connector requires: a batch ends within it.
    """
    wrong: list[Phrase] = []
    duration = queue.lock_duration
    if isinstance(duration, timedelta) and duration < lock:
        wrong.append(QueueText.LOCK(seconds=round(duration.total_seconds()), least=round(lock.total_seconds())))
    if not queue.dead_lettering_on_message_expiration:
        wrong.append(QueueText.EXPIRY())
    return series(*wrong) if wrong else ""
