"""The settings of what the connector is connected to: services, queue, state store, telemetry."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode

from shared.composition.setting_groups.schedules import SCHEDULES
from shared.composition.setting_groups.setting_texts import LOOPBACK, Schedule
from shared.domain.records.records import RecordKey

DEFAULT_SPOTLER_URL = "https://restapi.mailplus.nl/integrationservice"
TABLE_NAME = r"^[A-Za-z][A-Za-z0-9]{2,62}$"


class DataverseSettings(BaseSettings):
    """The Dataverse organisation and the way to sign in."""

    dataverse_url: str = Field(
        default="", description="Organisation URL, such as https://contoso.crm4.dynamics.com. Empty: the sandbox."
    )
    dataverse_organisation_ids: Annotated[frozenset[UUID], NoDecode] = Field(
        default=frozenset(),
        description="Ids of the organisations whose messages are accepted, separated by commas. Empty: the one behind "
        "DATAVERSE_URL.",
    )
    duplicate_detection: bool = Field(
        default=False,
        description="Whether Dataverse's duplicate detection rules apply to writes of the connector: a duplicate is "
        "then refused and reported. Leads of new subscribers are exempt (NEW-03).",
    )
    dataverse_tenant_id: str = Field(default="", description="Microsoft Entra tenant of the app registration.")
    dataverse_client_id: str = Field(
        default="", description="App registration; without secret and certificate: user-assigned managed identity."
    )
    dataverse_client_secret: SecretStr = Field(default=SecretStr(""), description="Secret of the app registration.")
    dataverse_certificate: SecretStr = Field(
        default=SecretStr(""),
        description="Certificate instead of a secret: path of a PEM or PFX file, or its content in base64.",
    )
    dataverse_certificate_password: SecretStr = Field(default=SecretStr(""), description="Password of the PFX file.")
    dataverse_authority: str = Field(
        default="https://login.microsoftonline.com", description="Where tokens come from; other in national clouds."
    )


class SpotlerSettings(BaseSettings):
    """The account of the marketing platform."""

    spotler_url: str = Field(default=DEFAULT_SPOTLER_URL, description="Base address of the REST API, with its prefix.")
    spotler_key: str = Field(default="", repr=False, description="Consumer key of the REST API. Empty: the sandbox.")
    spotler_secret: SecretStr = Field(default=SecretStr(""), description="Consumer secret of the REST API.")
    spotler_concurrency: int = Field(default=4, ge=1, le=16, description="Requests to Spotler at the same time.")

    @property
    def spotler_is_simulated(self) -> bool:
        """Whether Spotler is on this machine, where only the sandbox can be."""
        return urlsplit(self.spotler_url).hostname in LOOPBACK


class StorageSettings(BaseSettings):
    """Queue, state store and fingerprint keys."""

    service_bus: SecretStr = Field(
        default=SecretStr(""), description="Connection string of the Service Bus namespace. Empty: embedded queue."
    )
    service_bus_namespace: str = Field(
        default="",
        alias="SERVICE_BUS__fullyQualifiedNamespace",
        description="Instead of a connection string: the namespace, reached by managed identity.",
    )
    state_storage: SecretStr = Field(
        default=SecretStr(""), description="Connection string of the storage account. Empty: embedded state store."
    )
    state_storage_tables: str = Field(
        default="",
        alias="STATE_STORAGE__tableServiceUri",
        description="Instead of a connection string: the table endpoint, reached by managed identity.",
    )
    state_table: str = Field(default="spotlerconnector", pattern=TABLE_NAME, description="Name of the state table.")
    fingerprint_key: SecretStr = Field(
        default=SecretStr(""),
        description="Secret of at least 16 random characters for the fingerprints of values and addresses. Change it "
        "as `docs/howto/fingerprint-key.md` says; another key alone stops the app. Empty: made once, for the embedded "
        "state store only.",
    )
    fingerprint_key_previous: SecretStr = Field(
        default=SecretStr(""),
        description="The former key, from the change of FINGERPRINT_KEY until `python -m shared rekey` has ended.",
    )
    claim_seconds: int = Field(
        default=120,
        ge=2,
        le=240,
        description="How long a worker may hold a contact; at most five sixths of the lock time of the queues (five "
        "minutes, or LOCAL_LOCK_SECONDS).",
    )

    @property
    def uses_service_bus(self) -> bool:
        """Whether messages travel over Azure Service Bus."""
        return bool(self.service_bus.get_secret_value() or self.service_bus_namespace)

    @property
    def uses_azure_tables(self) -> bool:
        """Whether state is kept in Azure Tables."""
        return bool(self.state_storage.get_secret_value() or self.state_storage_tables)

    @property
    def claim_time(self) -> timedelta:
        """How long a worker may hold a contact."""
        return timedelta(seconds=self.claim_seconds)


class TelemetrySettings(BaseSettings):
    """HTTP and telemetry."""

    http_rate_limits: bool = Field(
        default=True,
        description="Whether calls of each caller of an HTTP route are limited, by minute (`docs/security.md`).",
    )
    applicationinsights_connection_string: SecretStr = Field(
        default=SecretStr(""),
        description="Where traces, metrics and logs go (`docs/observability.md`). Empty: nowhere.",
    )
    telemetry_sampling: float = Field(
        default=1.0, gt=0, le=1, description="Share of the traces that is sent; metrics are always whole."
    )
    watch_schedule: Schedule = Field(
        default=SCHEDULES["watch_schedule"],
        description="When queues and services are measured; the alarms expect once a minute.",
    )
    round_trip_record: RecordKey | None = Field(
        default=None,
        description="A record made for this, such as `contact:` and its id: its way from Dataverse to Spotler is "
        "measured. Each time costs a write on both sides and some reads. Empty: off.",
    )
    round_trip_column: str = Field(
        default="jobtitle",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="The text column of that record which is written; the mapping must send it to Spotler as it is.",
    )
    round_trip_schedule: Schedule = Field(
        default=SCHEDULES["round_trip_schedule"], description="When the round trip is measured; NCRONTAB."
    )


class LocalSettings(BaseSettings):
    """The embedded queue and state store."""

    local_folder: Path = Field(default=Path(".local"), description="Where the embedded queue and state store live.")
    local_lock_seconds: int = Field(
        default=300,
        ge=3,
        le=300,
        description="Lock time of the embedded queue, above CLAIM_SECONDS: messages of a killed worker are "
        "redelivered after this time.",
    )
