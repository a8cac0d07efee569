"""Every setting of the connector: app settings in Azure, `local.settings.json` or the environment elsewhere.

Whatever is not configured falls back to the embedded parts, so that the app runs on a laptop with nothing set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.composition.setting_texts import LOOPBACK, complaint_about_address, given, in_right_case
from shared.domain.consent.bounce_text import Language
from shared.domain.features.lists import ListKind
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.planning.rules import EndAction
from shared.domain.records.fingerprint_keys import SHORTEST, key_problem
from shared.domain.records.records import PersonTable
from shared.domain.values.texts import trimmed
from shared.errors import ConfigurationError

DEFAULT_SPOTLER_URL = "https://restapi.mailplus.nl/integrationservice"
NCRONTAB = r"^\S+( \S+){5}$"
"""Six fields, the seconds first; Azure Functions says more about a wrong one."""

SERVICE_BUS_LOCK = timedelta(minutes=5)
"""The lock duration of the queues in Service Bus, the longest there is, and `functionTimeout` of host.json."""

OWN_TAG = "spotler-connector"
"""Marks our writes to Dataverse, so that their events can be told from other people's."""

_SHORT_NAME = r"^[a-z0-9]{1,20}$"
_TABLE_NAME = r"^[A-Za-z][A-Za-z0-9]{2,62}$"
_PREFIX = r"^[A-Za-z][A-Za-z0-9]{1,7}$"
_LOGICAL_NAME = r"^[a-z][a-z0-9_]*$"
_IN_WORDS: Mapping[str | None, str] = {
    NCRONTAB: 'six fields, the seconds first, such as "0 */15 * * * *"',
    _SHORT_NAME: "at most 20 small letters and digits",
    _TABLE_NAME: "3 to 63 letters and digits, a letter first",
    _PREFIX: "2 to 8 letters and digits, a letter first",
    _LOGICAL_NAME: "logical names of columns, such as emailaddress1",
}

Name = Annotated[str, Field(pattern=_LOGICAL_NAME)]
"""A logical name of a column."""

_CHOICES: Mapping[str, type[Enum]] = {
    "on_delete": EndAction,
    "on_inactive": EndAction,
    "new_subscriber_target": ImportTarget,
    "spotler_list_kind": ListKind,
    "bounce_task_language": Language,
}
_VERBATIM = frozenset({"fingerprint_key", "dataverse_certificate_password"})
"""Another fingerprint key would write every record again; a password may begin and end with anything."""

_SINGLE_WORDS = frozenset(
    {"spotler_key", "spotler_secret", "dataverse_tenant_id", "dataverse_client_id", "dataverse_client_secret"}
)
_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Settings(BaseSettings):
    """Read from the environment; names are those of the fields, in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

    # --- what to synchronise
    environment: str = Field(
        default="default",
        pattern=_SHORT_NAME,
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
        "`shared/domain/mapping/default.yaml`. Later changes: `python -m shared mapping apply`.",
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

    new_subscriber_target: ImportTarget = Field(
        default=ImportTarget.NONE,
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
    state_table: str = Field(default="spotlerconnector", pattern=_TABLE_NAME, description="Name of the state table.")
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
    reconcile_days: int = Field(
        default=7,
        ge=1,
        le=90,
        description="Within how many nights every contact of the Spotler account is read and compared, a slice each "
        "night: one call for 100 contacts.",
    )
    reconcile_schedule: str = Field(
        default="0 7 4 * * *",
        pattern=NCRONTAB,
        description="When that comparison begins, as NCRONTAB: apart from the poll, and at a time that no change of "
        "clocks skips or repeats.",
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
        pattern=_PREFIX,
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
    state_retention_days: int = Field(
        default=90,
        ge=0,
        description="How long the state store keeps what nothing needs any more: bindings of erased contacts, contacts "
        "that no record uses, reviews that led to a record; and how long dead letters are kept. 0: for ever. "
        "Refusals, opt-outs and held records are always kept.",
    )
    erased_consent_retention_days: int = Field(
        default=1096,
        ge=0,
        description="How long changes of consent are kept after the erasure of a record, under a pseudonym in place of "
        "its id; 0: for ever (`docs/howto/data-protection.md`).",
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
        default="0 37 4 * * *",
        pattern=NCRONTAB,
        description="When old changes of consent are deleted, tasks about bounces are made up for, and permissions are "
        "looked at that were renamed in Spotler (PERM-21).",
    )

    http_rate_limits: bool = Field(
        default=True,
        description="Whether each caller of an HTTP route is held to a number of calls a minute (`docs/security.md`).",
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

    @model_validator(mode="before")
    @classmethod
    def _given(cls, values: Any) -> Any:
        return given(values, verbatim=_VERBATIM, single_words=_SINGLE_WORDS) if isinstance(values, dict) else values

    @field_validator(*_CHOICES, mode="before")
    @classmethod
    def _in_right_case(cls, value: object, info: ValidationInfo) -> object:
        return in_right_case(value, _CHOICES[info.field_name or ""])

    @field_validator("*", mode="before")
    @classmethod
    def _without_thousands(cls, value: object, info: ValidationInfo) -> object:
        """To pydantic `1.000` is 1, which is not what somebody means by it who writes a thousand so."""
        is_number = cls.model_fields[info.field_name or ""].annotation is int
        if is_number and isinstance(value, str) and "." in value:
            raise ValueError("expected a whole number, without points")
        return value

    @field_validator("sync_tables", "dataverse_organisation_ids", "new_subscriber_match", mode="before")
    @classmethod
    def _split(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        words = [word for part in value.split(",") if (word := trimmed(part))]
        if not words:
            raise ValueError("names nothing; leave it empty for the default")
        match info.field_name:
            case "sync_tables":
                return [in_right_case(word, PersonTable) for word in words]
            case "new_subscriber_match":  # logical names of columns
                return [word.lower() for word in words]
            case _:
                return words

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        for name in ("dataverse_url", "dataverse_authority", "spotler_url"):
            if wrong := complaint_about_address(getattr(self, name)):
                raise ValueError(f"{name.upper()} {wrong}")
        if self.state_storage_tables and (wrong := complaint_about_address(self.state_storage_tables)):
            raise ValueError(f"STATE_STORAGE__tableServiceUri {wrong}")
        if self.service_bus_namespace and not _HOST_NAME.fullmatch(self.service_bus_namespace):
            raise ValueError("SERVICE_BUS__fullyQualifiedNamespace is a host name, without https:// and path")
        if self.spotler_key and not self.spotler_secret.get_secret_value():
            raise ValueError("SPOTLER_SECRET is missing; SPOTLER_KEY alone cannot sign requests")
        self._check_fingerprint_keys()
        if self.claim_time > self.queue_lock * 5 / 6:
            raise ValueError(
                f"CLAIM_SECONDS ({self.claim_seconds}) must be below LOCAL_LOCK_SECONDS ({self.local_lock_seconds}) by "
                "a sixth of it at least: a batch ends within the locks of its messages, and a claim within the batch"
            )
        return self

    def _check_fingerprint_keys(self) -> None:
        key, previous = self.fingerprint_key.get_secret_value(), self.fingerprint_key_previous.get_secret_value()
        if (key or previous or self.uses_azure_tables) and (wrong := key_problem(key)):
            raise ValueError(f"FINGERPRINT_KEY {wrong}")
        if previous and len(previous) < SHORTEST:
            raise ValueError(f"FINGERPRINT_KEY_PREVIOUS is shorter than {SHORTEST} characters: that was never a key")
        if key and key == previous:
            raise ValueError("FINGERPRINT_KEY and FINGERPRINT_KEY_PREVIOUS are the same: one must be the former key")

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
    def state_retention(self) -> timedelta | None:
        """How long what nothing needs any more is kept; None for ever."""
        return timedelta(days=self.state_retention_days) if self.state_retention_days else None

    @property
    def erased_consent_retention(self) -> timedelta | None:
        """How long the consent of erased records is kept; None for ever."""
        return timedelta(days=self.erased_consent_retention_days) if self.erased_consent_retention_days else None

    @property
    def spotler_is_simulated(self) -> bool:
        """Whether Spotler is on this very machine, where only the sandbox can be."""
        return urlsplit(self.spotler_url).hostname in LOOPBACK

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
    if (pattern := error.get("ctx", {}).get("pattern")) in _IN_WORDS:
        return f"expected {_IN_WORDS[pattern]}"
    return error["msg"].removeprefix("Value error, ")
