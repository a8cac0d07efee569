"""Every setting of the connector: app settings in Azure, `local.settings.json` or the environment elsewhere.

Parts that are not configured are embedded ones, so that the app runs on a laptop without any setting.
"""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any, Self

from pydantic import ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsConfigDict

from shared.composition.setting_groups.connection_settings import (
    TABLE_NAME,
    DataverseSettings,
    LocalSettings,
    SpotlerSettings,
    StorageSettings,
    TelemetrySettings,
)
from shared.composition.setting_groups.engagement_settings import EngagementSettings
from shared.composition.setting_groups.setting_texts import NCRONTAB, complaint_about_address, given, in_right_case
from shared.composition.setting_groups.sync_settings import (
    LOGICAL_NAME,
    PREFIX,
    SHORT_NAME,
    ConsentSettings,
    ListSettings,
    SynchronisationSettings,
    TimerSettings,
)
from shared.domain.consent.bounce_text import Language
from shared.domain.engagement.weights import Preset
from shared.domain.features.lists import ListKind
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.planning.rules import EndAction
from shared.domain.records.fingerprint_keys import SHORTEST, key_problem
from shared.domain.records.records import PersonTable
from shared.domain.values.texts import trimmed
from shared.engagement.choices import AccountScores, ResponseKind
from shared.errors import ConfigurationError

SERVICE_BUS_LOCK = timedelta(minutes=5)
"""The lock duration of the queues in Service Bus, the longest there is, and `functionTimeout` of host.json."""

OWN_TAG = "spotler-connector"
"""Marks the connector's writes to Dataverse, so that their events are recognised."""

_IN_WORDS: Mapping[str | None, str] = {
    NCRONTAB: 'six fields, the seconds first, such as "0 */15 * * * *"',
    SHORT_NAME: "at most 20 small letters and digits",
    TABLE_NAME: "3 to 63 letters and digits, a letter first",
    PREFIX: "2 to 8 letters and digits, a letter first",
    LOGICAL_NAME: "logical names of columns, such as emailaddress1",
}

_CHOICES: Mapping[str, type[Enum]] = {
    "on_delete": EndAction,
    "on_inactive": EndAction,
    "new_subscriber_target": ImportTarget,
    "spotler_list_kind": ListKind,
    "bounce_task_language": Language,
    "engagement_weights": Preset,
    "account_scores": AccountScores,
}
NO_RESPONSES = "none"
"""The value of CREATE_CAMPAIGN_RESPONSES for no kind at all; an empty setting has the default."""

_VERBATIM = frozenset({"fingerprint_key", "dataverse_certificate_password"})
"""Another fingerprint key would write every record again; a password may begin and end with anything."""

_SINGLE_WORDS = frozenset(
    {"spotler_key", "spotler_secret", "dataverse_tenant_id", "dataverse_client_id", "dataverse_client_secret"}
)
_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Settings(
    LocalSettings,
    TelemetrySettings,
    EngagementSettings,
    ConsentSettings,
    TimerSettings,
    StorageSettings,
    SpotlerSettings,
    DataverseSettings,
    ListSettings,
    SynchronisationSettings,
):
    """Read from the environment; names are those of the fields, in capitals.

    The fields of the last base come first, here and in the table of the README.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, hide_input_in_errors=True)

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
        """Refuse points: pydantic reads `1.000` as 1, and some languages write a thousand so."""
        is_number = cls.model_fields[info.field_name or ""].annotation is int
        if is_number and isinstance(value, str) and "." in value:
            raise ValueError("expected a whole number, without points")
        return value

    @field_validator(
        "sync_tables",
        "dataverse_organisation_ids",
        "new_subscriber_match",
        "create_campaign_responses",
        "free_mail_domains",
        mode="before",
    )
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
            case "create_campaign_responses":
                chosen = [in_right_case(word, ResponseKind) for word in words]
                return [] if words == [NO_RESPONSES] else chosen
            case "free_mail_domains":
                return [word.lower().removeprefix("@") for word in words]
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
    def queue_lock(self) -> timedelta:
        """How long the queues lock a message: the embedded queue as set, Service Bus as `docs/host.md` requires."""
        return SERVICE_BUS_LOCK if self.uses_service_bus else timedelta(seconds=self.local_lock_seconds)

    @property
    def work_time(self) -> timedelta:
        """How long after its start a call that handles messages may begin parts of its work.

        The last part lasts as long as a claim; a third of the rest of the lock is for reading before it, and for
        reporting and settling after it.
        """
        return (self.queue_lock - self.claim_time) * 2 / 3


_AZURE = "WEBSITE_SITE_NAME"
"""Azure gives it to every function app."""


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings; ConfigurationError names each setting that is wrong, never its value.

    `environment` says whether this is Azure. There nothing may be embedded: files of an instance are lost with it.
    """
    settings = _read()
    if environment.get(_AZURE) and (missing := _embedded(settings)):
        raise ConfigurationError(f"These settings are missing, which a function app in Azure needs: {missing}")
    return settings


def _embedded(settings: Settings) -> str:
    """Name the settings without which a part would be embedded, or not exist."""
    parts = {
        "DATAVERSE_URL": settings.dataverse_url,
        "SPOTLER_KEY": settings.spotler_key,
        "SERVICE_BUS__fullyQualifiedNamespace": settings.uses_service_bus,
        "STATE_STORAGE__tableServiceUri": settings.uses_azure_tables,
    }
    return ", ".join(name for name, given in parts.items() if not given)


def _read() -> Settings:
    try:
        return Settings()
    except ValidationError as problem:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in error['loc']).upper() or 'settings'}: {_in_words(error)}"
            for error in problem.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"The settings are not valid. {wrong}") from None


def _in_words(error: ErrorDetails) -> str:
    """Return what is expected in words; few people read patterns."""
    if (pattern := error.get("ctx", {}).get("pattern")) in _IN_WORDS:
        return f"expected {_IN_WORDS[pattern]}"
    return error["msg"].removeprefix("Value error, ")
