"""Makes clients, state store and queue from the settings. No connection is opened before its first use."""

import contextlib
import logging
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import httpx

from shared.adapters.dataverse.events.execution_context import without_values
from shared.adapters.dataverse.web_api.client import DataverseClient
from shared.adapters.dataverse.web_api.credentials import (
    AzureCli,
    Certificate,
    ClientSecret,
    Credential,
    ManagedIdentity,
    token_provider,
)
from shared.adapters.messaging.sqlite import SqliteQueue
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.storage.keys.key_register import ConfiguredKeys
from shared.adapters.storage.sqlite import SqliteStateStore
from shared.composition.settings import OWN_TAG, Settings
from shared.domain.wording.causes.state_causes import StateCause
from shared.domain.wording.errors import ErrorText
from shared.errors import ConfigurationError, Service
from shared.ports.clock import Clock
from shared.ports.queue import Queue, QueueName
from shared.ports.state import WholeStore
from shared.telemetry.calls import explain_retries, observe
from shared.telemetry.signals import watch_budget


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Aware, in UTC."""
        return datetime.now(UTC)


def dataverse_client(settings: Settings) -> DataverseClient:
    """Make the Web API client."""
    if not settings.dataverse_url:
        raise ConfigurationError(ErrorText.NO_DATAVERSE_URL())
    tokens = token_provider(
        dataverse_credential(settings), settings.dataverse_url, authority=settings.dataverse_authority
    )
    client = DataverseClient(settings.dataverse_url, tokens, tag=OWN_TAG, observe=observe)
    watch_budget(Service.DATAVERSE, lambda: client.budget.share)
    return client


def dataverse_credential(settings: Settings) -> Credential:
    """Return the credential of the connector's own user; in commands without one, of whoever is signed in to az."""
    tenant, client = settings.dataverse_tenant_id, settings.dataverse_client_id
    if secret := settings.dataverse_client_secret.get_secret_value():
        return ClientSecret(tenant, client, secret)
    if source := settings.dataverse_certificate.get_secret_value():
        return Certificate(tenant, client, source, settings.dataverse_certificate_password.get_secret_value() or None)
    is_in_azure = "IDENTITY_ENDPOINT" in os.environ  # set by App Service where an app has an identity
    return ManagedIdentity(client or None) if client or is_in_azure else AzureCli(tenant)


def certificate_end(settings: Settings) -> datetime | None:
    """Return until when the certificate of the app registration is valid; None without one, or if it is unreadable."""
    match dataverse_credential(settings):
        case Certificate() as certificate:
            from shared.adapters.dataverse.web_api import entra  # noqa: PLC0415  # imports the Azure SDK

            with contextlib.suppress(ConfigurationError):
                return entra.certificate_end(certificate)
    return None


def spotler_client(settings: Settings, clock: Clock) -> SpotlerClient:
    """Make the client of Spotler's REST API."""
    if not settings.spotler_key:
        raise ConfigurationError(ErrorText.NO_SPOTLER_KEY())
    client = SpotlerClient(
        settings.spotler_url,
        settings.spotler_key,
        settings.spotler_secret.get_secret_value(),
        http=httpx.AsyncClient(),
        clock=clock,
        concurrency=settings.spotler_concurrency,
        observe=observe,
    )
    watch_budget(Service.SPOTLER, lambda: client.transport.free)
    return client


def state_store(settings: Settings, clock: Clock) -> WholeStore:
    """Make the state store; the Azure SDK is imported only when it is used."""
    if not settings.uses_azure_tables:
        return SqliteStateStore(settings.local_folder / "state.db", clock=clock)
    from shared.adapters.storage.tables import TableStateStore  # noqa: PLC0415

    if text := settings.state_storage.get_secret_value():
        return TableStateStore.from_connection_string(text, table=settings.state_table)
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

    return TableStateStore.from_account(
        settings.state_storage_tables, DefaultAzureCredential(), table=settings.state_table
    )


def redact(queue: QueueName, body: bytes) -> bytes:
    """Return what a dead letter may keep of a message: ids, never values. Empty if no part is known to be safe."""
    match queue:
        case QueueName.EVENTS:
            return without_values(body)
        case QueueName.LIVE | QueueName.BULK:
            return body


def message_queue(settings: Settings, clock: Clock) -> Queue:
    """Make the queue; the Azure SDK is imported only when it is used."""
    if not settings.uses_service_bus:
        return SqliteQueue(
            settings.local_folder / "queue.db",
            clock=clock,
            redact=redact,
            lock_duration=settings.queue_lock,
        )
    from shared.adapters.messaging.servicebus import ServiceBusQueue  # noqa: PLC0415

    if text := settings.service_bus.get_secret_value():
        return ServiceBusQueue.from_connection_string(text, redact=redact)
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415

    return ServiceBusQueue.from_namespace(settings.service_bus_namespace, DefaultAzureCredential(), redact=redact)


def fingerprint_keys(settings: Settings) -> ConfiguredKeys:
    """Return the fingerprint key and its predecessor; the embedded state store makes its own key once.

    When several processes start at once, the first one makes the key, and no process reads half a key. Raises
    ConfigurationError.
    """
    if text := settings.fingerprint_key.get_secret_value():
        return ConfiguredKeys(text.encode(), settings.fingerprint_key_previous.get_secret_value().encode())
    path, former = key_files(settings)
    try:
        if not path.exists():
            _write_once(path, secrets.token_urlsafe(32))
        key = path.read_bytes()
        previous = former.read_bytes() if former.exists() else b""
    except OSError as error:
        raise ConfigurationError(StateCause.KEY_FILE(problem=str(error.strerror))) from None
    if not key:
        raise ConfigurationError(StateCause.KEY_FILE_EMPTY())
    return ConfiguredKeys(key, previous)


def key_files(settings: Settings) -> tuple[Path, Path]:
    """Return the files of the embedded state store's key, and of the former key during a change."""
    return settings.local_folder / "fingerprint.key", settings.local_folder / "fingerprint-previous.key"


def _write_once(path: Path, text: str) -> None:
    """Write a file that only its owner reads, atomically, unless the file exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, prefix=f".{path.name}-") as written:  # mode 0600
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(written.name, path)


def quieten_libraries() -> None:
    """Keep libraries from logging URLs, signed texts, answers and SQL, which may hold addresses of people."""
    for name in ("httpx", "httpcore", "azure", "oauthlib", "aiosqlite"):
        logging.getLogger(name).setLevel(logging.WARNING)
    explain_retries()


def export_telemetry(settings: Settings) -> None:
    """Send telemetry if a destination is set; OpenTelemetry's SDK is imported only then."""
    if text := settings.applicationinsights_connection_string.get_secret_value():
        from shared.telemetry.export import start  # noqa: PLC0415

        start(text, sampling=settings.telemetry_sampling, environment=settings.environment)
