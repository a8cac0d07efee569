"""Every setting of the connector: app settings in Azure, `local.settings.json` or the environment elsewhere.

Whatever is not configured falls back to the embedded parts, so that the app runs on a laptop with nothing set.
"""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.core.bounce_text import Language
from shared.core.lists import ListKind
from shared.core.newcomers import NewcomerTarget
from shared.core.plan import EndAction
from shared.core.records import PersonTable
from shared.errors import ConfigurationError

DEFAULT_SPOTLER_URL = "https://restapi.mailplus.nl/integrationservice"
NCRONTAB = r"^\S+( \S+){5}$"
"""Six fields, the seconds first; Azure Functions says more about a wrong one."""

SERVICE_BUS_LOCK = timedelta(minutes=5)
"""The lock duration of the queues in Service Bus, the longest there is, and `functionTimeout` of host.json."""

OWN_TAG = "spotler-connector"
"""Marks our writes to Dataverse, so that their events can be told from other people's."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
"""A logical name of a column."""

_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(BaseSettings):
    """Read from the environment; names are those of the fields, in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    # --- what to synchronise
    environment: str = Field(
        default="default",
        pattern=r"^[a-z0-9]{1,20}$",
        description="Name of this pair of Dataverse organisation and Spotler account; keeps their state apart.",
    )
    sync_enabled: bool = Field(
        default=True, description="Switches synchronisation of the whole environment on or off (SET-19)."
    )
    sync_tables: Annotated[frozenset[PersonTable], NoDecode] = Field(
        default=frozenset(PersonTable), description="Person tables to synchronise, separated by commas (C-09)."
    )
    mapping_file: Path | None = Field(
        default=None,
        description="The mapping that the very first start stores, as YAML; without it, "
        "`shared/core/mapping/default.yaml`. Later changes: `python -m shared mapping apply`.",
    )
    on_delete: EndAction = Field(
        default=EndAction.ANONYMIZE,
        description="What happens in Spotler when a record is deleted: anonymize (irreversible), blank, "
        "permissionsOff, nothing (C-01).",
    )
    anonymize_contact_when_inactive: bool = Field(
        default=True,
        description="*Anonymize Contact When Inactive*: whether deactivating a record has an effect in Spotler. "
        "Anonymising is irreversible (C-02).",
    )
    on_inactive: EndAction = Field(
        default=EndAction.ANONYMIZE,
        description="What that effect is: anonymize, blank, permissionsOff, nothing (C-02).",
    )
    mass_erasure_limit: int = Field(
        default=500,
        ge=0,
        le=10_000,
        description="How many Spotler contacts may be erased within an hour because their records ended. Further ones "
        "are held until an administrator releases the brake. 0: no limit.",
    )
    mass_missing_limit: int = Field(
        default=50,
        ge=0,
        le=10_000,
        description="How many records of one table may be missing in Dataverse at night without a message of their "
        "deletion. If there are more, all of them are held: perhaps the connector lost the right to read. 0: no limit.",
    )
    mass_change_limit: int = Field(
        default=500,
        ge=0,
        le=10_000,
        description="How many contacts may lose permissions that nobody refuses, or values because the mapping "
        "changed, within an hour; and how many members one synchronisation may take out of a list. Beyond it the brake "
        "holds them. 0: no limit.",
    )
    mass_change_percent: int = Field(
        default=20,
        ge=1,
        le=100,
        description="The share of a list that must be about to leave it before the brake holds the synchronisation; "
        "and of the records in a sample for which a new mapping may empty a field without a warning.",
    )
    purge_existing_properties_when_not_set: bool = Field(
        default=False,
        description="*PurgeExistingPropertiesWhenNotSet*: empties Spotler fields that the mapping does not fill "
        "(PURGE-01).",
    )

    new_subscriber_target: NewcomerTarget = Field(
        default=NewcomerTarget.NONE,
        description="What new subscribers of Spotler become in Dataverse (NEW-01): none, lead (a new one each time), "
        "contact (the one that matches, else a new one), membershipentry (a row of the mapping's entityTable).",
    )
    new_subscriber_match: Annotated[tuple[Name, ...], NoDecode] = Field(
        default=(),
        description="Columns of contact by which the contact of a new subscriber is found, separated by commas "
        "(NEW-05). Empty: the one with the e-mail address.",
    )

    # --- marketing lists
    spotler_list_kind: ListKind = Field(
        default=ListKind.AUDIENCE,
        description="What a marketing list becomes in Spotler: audience (needs Mail+ Automation or eCommerce) or "
        "temporary; a list's own Spotler List Kind wins. Spotler's API does not offer static: such lists are refused "
        "(C-06).",
    )
    list_removals_at_once: bool = Field(
        default=False,
        description="Whether somebody who leaves a static list leaves Spotler's list at once, as who joins it enters "
        "at once; otherwise at the next sync of the list (C-28).",
    )

    # --- Dataverse
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
        description="Whether Dataverse's duplicate detection rules apply to what comes from Spotler: a duplicate is "
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

    # --- Spotler
    spotler_url: str = Field(default=DEFAULT_SPOTLER_URL, description="Base address of the REST API, with its prefix.")
    spotler_key: str = Field(default="", repr=False, description="Consumer key of the REST API. Empty: the sandbox.")
    spotler_secret: SecretStr = Field(default=SecretStr(""), description="Consumer secret of the REST API.")
    spotler_concurrency: int = Field(default=4, ge=1, le=16, description="Requests to Spotler at the same time.")

    # --- queue and state
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
    state_table: str = Field(
        default="spotlerconnector", pattern=r"^[A-Za-z][A-Za-z0-9]{2,62}$", description="Name of the state table."
    )
    fingerprint_key: SecretStr = Field(
        default=SecretStr(""),
        description="Secret of at least 16 characters for the fingerprints of values. Never change it: every record "
        "would be written again. Empty: made once, for the embedded state store only.",
    )
    claim_seconds: int = Field(
        default=120,
        ge=2,
        le=240,
        description="How long a worker may hold a contact; below the lock time of the queues (five minutes, or "
        "LOCAL_LOCK_SECONDS).",
    )

    # --- timers
    poll_schedule: str = Field(
        default="0 */15 * * * *",
        pattern=NCRONTAB,
        description="When Spotler is asked what has changed there (S2D-01, C-05); NCRONTAB, in the time zone of the "
        "app.",
    )
    reconcile: bool = Field(
        default=True,
        description="Whether everything is compared once a night, on the slow lane (C-05): finds what no message told, "
        "such as a change of a related row.",
    )
    reconcile_schedule: str = Field(
        default="0 0 2 * * *", pattern=NCRONTAB, description="When that comparison begins, as NCRONTAB."
    )
    automations_schedule: str = Field(
        default="0 0 6,18 * * *",
        pattern=NCRONTAB,
        description="When automations and campaigns are refreshed (AUT-05); NCRONTAB, in the time zone of the app.",
    )
    permissions_schedule: str = Field(
        default="0 30 5 * * *",
        pattern=NCRONTAB,
        description="When the environment variable `dh_spotlerpermissions` is updated (ENV-05).",
    )
    variable_prefix: str = Field(
        default="dh",
        pattern=r"^[A-Za-z][A-Za-z0-9]{1,7}$",
        description="Publisher's prefix of the environment variables `dh_spotlerpermissions` and "
        "`dh_spotlerpermissionsenabledbydefault`, if a solution of your own has them (C-19).",
    )
    job_sweep_schedule: str = Field(
        default="0 */5 * * * *",
        pattern=NCRONTAB,
        description="When Spotler Jobs are looked for that were created while the connector was down, and renamed "
        "permissions are carried over to Dataverse.",
    )
    drift_schedule: str = Field(
        default="0 15 5 * * *",
        pattern=NCRONTAB,
        description="When both sides are compared with what the mapping names, as NCRONTAB.",
    )
    stuck_jobs_schedule: str = Field(
        default="0 10 * * * *",
        pattern=NCRONTAB,
        description="When stuck Spotler Jobs are looked for and logged (C-23).",
    )
    missed_job_minutes: int = Field(
        default=5, ge=0, description="How old a Spotler Job must be to count as missed while nobody has begun it."
    )

    # --- consent and bounces
    consent_retention_days: int = Field(
        default=0,
        ge=0,
        description="How long changes of consent are kept; 0: for ever. They prove why somebody gets mail, and hold "
        "ids only.",
    )
    create_bounce_task: bool = Field(
        default=True,
        description="*CreateBounceTask*: whether the owner of a record gets a task when mail to its address came back "
        "(C-14).",
    )
    bounce_task_language: Language | None = Field(
        default=None, description="Language of those tasks: nl or en. Empty: by the language of the mapping, else en."
    )
    housekeeping_schedule: str = Field(
        default="0 30 3 * * *",
        pattern=NCRONTAB,
        description="When old changes of consent are deleted, tasks about bounces are made up for, and permissions are "
        "looked at that were renamed in Spotler (PERM-21).",
    )

    # --- watching
    applicationinsights_connection_string: SecretStr = Field(
        default=SecretStr(""),
        description="Where traces, metrics and logs go (`docs/observability.md`). Empty: nowhere.",
    )
    telemetry_sampling: float = Field(
        default=1.0, gt=0, le=1, description="Share of the traces that is sent; metrics are always whole."
    )
    watch_schedule: str = Field(
        default="0 * * * * *",
        pattern=NCRONTAB,
        description="When queues and services are measured; the alarms expect once a minute.",
    )

    # --- running on one machine
    local_folder: Path = Field(default=Path(".local"), description="Where the embedded queue and state store live.")
    local_lock_seconds: int = Field(
        default=300,
        ge=3,
        le=300,
        description="Lock time of the embedded queue, above CLAIM_SECONDS: what a killed worker has left behind comes "
        "again so much later.",
    )

    @field_validator("bounce_task_language", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return value or None

    @field_validator("sync_tables", "dataverse_organisation_ids", "new_subscriber_match", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        for name in ("dataverse_url", "dataverse_authority", "spotler_url"):
            if wrong := _complaint_about(getattr(self, name)):
                raise ValueError(f"{name.upper()} {wrong}")
        if self.state_storage_tables and (wrong := _complaint_about(self.state_storage_tables)):
            raise ValueError(f"STATE_STORAGE__tableServiceUri {wrong}")
        if self.service_bus_namespace and not _HOST_NAME.fullmatch(self.service_bus_namespace):
            raise ValueError("SERVICE_BUS__fullyQualifiedNamespace is a host name, without https:// and path")
        if self.spotler_key and not self.spotler_secret.get_secret_value():
            raise ValueError("SPOTLER_SECRET is missing; SPOTLER_KEY alone cannot sign requests")
        if self.uses_azure_tables and len(self.fingerprint_key.get_secret_value()) < 16:  # noqa: PLR2004  # see its text
            raise ValueError("FINGERPRINT_KEY is missing or shorter than 16 characters")
        if self.claim_time >= self.queue_lock:
            raise ValueError(
                f"CLAIM_SECONDS ({self.claim_seconds}) must be below LOCAL_LOCK_SECONDS ({self.local_lock_seconds}): a "
                "batch ends within the locks of its messages, and a claim within the batch"
            )
        return self

    @property
    def uses_service_bus(self) -> bool:
        """Whether messages travel over Azure Service Bus."""
        return bool(self.service_bus.get_secret_value() or self.service_bus_namespace)

    @property
    def uses_azure_tables(self) -> bool:
        """Whether state is kept in Azure Tables."""
        return bool(self.state_storage.get_secret_value() or self.state_storage_tables)

    @property
    def missed_after(self) -> timedelta:
        """How long the message of a new job may be on its way."""
        return timedelta(minutes=self.missed_job_minutes)

    @property
    def consent_retention(self) -> timedelta | None:
        """How long changes of consent are kept; None for ever."""
        return timedelta(days=self.consent_retention_days) if self.consent_retention_days else None

    @property
    def spotler_is_simulated(self) -> bool:
        """Whether Spotler is on this very machine, where only the sandbox can be."""
        return urlsplit(self.spotler_url).hostname in _LOOPBACK

    @property
    def claim_time(self) -> timedelta:
        """How long a worker may hold a contact."""
        return timedelta(seconds=self.claim_seconds)

    @property
    def queue_lock(self) -> timedelta:
        """How long the queues lock a message: the embedded one as set, Service Bus as `docs/host.md` demands."""
        return SERVICE_BUS_LOCK if self.uses_service_bus else timedelta(seconds=self.local_lock_seconds)

    @property
    def work_time(self) -> timedelta:
        """How long after its begin a call that handles messages may begin parts of its work.

        The last part lasts as long as a claim; a third of what is left of the lock is for reading before, and for
        reporting and settling afterwards.
        """
        return (self.queue_lock - self.claim_time) * 2 / 3


def _complaint_about(url: str) -> str:
    """Say what is wrong with an address that credentials are sent to; "" if it is fine, or empty."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no address"
    if not host or not url.isprintable() or {" ", "\\"}.intersection(url):
        return "is no address"
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        return "must begin with https://"
    if parts.username is not None or parts.query or parts.fragment:
        return "must have neither a user name nor a query"
    return ""


def _is_this_machine(host: str) -> bool:
    """Whether a name leads here, however it is written: `127.1` is 127.0.0.1 to every resolver."""
    if host in _LOOPBACK:
        return True
    try:
        return IPv4Address(socket.inet_aton(host)).is_loopback
    except OSError:
        return False


def load_settings() -> Settings:
    """Read and check the settings; ConfigurationError names each setting that is wrong, never its value."""
    try:
        return Settings()
    except ValidationError as problem:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']).upper() or 'settings'}: {_in_words(error)}"
            for error in problem.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"The settings are not valid. {wrong}") from None


def _in_words(error: ErrorDetails) -> str:
    """Say what is expected; a pattern alone says that to few people."""
    if error.get("ctx", {}).get("pattern") == NCRONTAB:
        return 'expected six fields, the seconds first, such as "0 */15 * * * *"'
    return error["msg"].removeprefix("Value error, ")
