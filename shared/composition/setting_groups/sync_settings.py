"""The settings of what the connector does: synchronisation, lists, timers, consent."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, NoDecode

from shared.composition.setting_groups.schedules import SCHEDULES
from shared.composition.setting_groups.setting_texts import Schedule, TimeZone
from shared.domain.consent.bounce_text import Language
from shared.domain.features.lists import ListKind
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.planning.rules import EndAction
from shared.domain.records.records import PersonTable

SHORT_NAME = r"^[a-z0-9]{1,20}$"
PREFIX = r"^[A-Za-z][A-Za-z0-9]{1,7}$"
LOGICAL_NAME = r"^[a-z][a-z0-9_]*$"

Name = Annotated[str, Field(pattern=LOGICAL_NAME)]
"""A logical name of a column."""

Limit = Annotated[int, Field(ge=0, le=10_000)]
"""How many records or contacts; 0 is no limit."""

Days = Annotated[int, Field(ge=0)]
"""Days of retention; 0 is for ever."""


class SynchronisationSettings(BaseSettings):
    """What is synchronised, and how much may change at once."""

    environment: str = Field(
        default="default",
        pattern=SHORT_NAME,
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
    mass_erasure_limit: Limit = Field(
        default=500,
        description="How many Spotler contacts may be erased within an hour because their records ended. Further ones "
        "are held until an administrator releases the brake. 0: no limit.",
    )
    mass_missing_limit: Limit = Field(
        default=50,
        description="How many records of one table may be missing in Dataverse at night without a message of their "
        "deletion. If there are more, all of them are held: perhaps the connector lost the right to read. 0: no limit.",
    )
    mass_change_limit: Limit = Field(
        default=500,
        description="How many contacts may lose permissions without a refusal, or values because the mapping "
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


class ListSettings(BaseSettings):
    """Marketing lists."""

    spotler_list_kind: ListKind = Field(
        default=ListKind.AUDIENCE,
        description="What a marketing list becomes in Spotler: audience (needs Mail+ Automation or eCommerce) or "
        "temporary; a list's own Spotler List Kind wins. Spotler's API does not offer static: such lists are refused "
        "(C-06).",
    )
    list_removals_at_once: bool = Field(
        default=False,
        description="Whether a person who leaves a static list leaves Spotler's list at once, as a person who joins "
        "enters it at once; otherwise at the next sync of the list (C-28).",
    )


class TimerSettings(BaseSettings):
    """When timers run."""

    schedule_time_zone: TimeZone = Field(
        default="",
        description="Time zone of the schedules, such as Europe/Amsterdam, for hosts that count in UTC, as Flex "
        "Consumption does: never set WEBSITE_TIME_ZONE or TZ there. Empty: the schedules are the host's.",
    )
    poll_schedule: Schedule = Field(
        default=SCHEDULES["poll_schedule"],
        description="When the poll asks Spotler for changes (S2D-01, C-05); NCRONTAB.",
    )
    reconcile: bool = Field(
        default=True,
        description="Whether everything is compared once a night, on the slow lane (C-05): finds changes without a "
        "message, such as one of a related row.",
    )
    reconcile_days: int = Field(
        default=7,
        ge=1,
        le=90,
        description="Within how many nights every contact of the Spotler account is read and compared, a slice each "
        "night: one call for 100 contacts.",
    )
    reconcile_schedule: Schedule = Field(
        default=SCHEDULES["reconcile_schedule"],
        description="When that comparison begins, as NCRONTAB: apart from the poll, and at a time that no change of "
        "clocks skips or repeats.",
    )
    automations_schedule: Schedule = Field(
        default=SCHEDULES["automations_schedule"],
        description="When automations and campaigns are refreshed (AUT-05); NCRONTAB.",
    )
    permissions_schedule: Schedule = Field(
        default=SCHEDULES["permissions_schedule"],
        description="When the environment variable `dh_spotlerpermissions` is updated (ENV-05).",
    )
    variable_prefix: str = Field(
        default="dh",
        pattern=PREFIX,
        description="Publisher's prefix of the environment variables `dh_spotlerpermissions` and "
        "`dh_spotlerpermissionsenabledbydefault`, if a solution of your own has them (C-19).",
    )
    job_sweep_schedule: Schedule = Field(
        default=SCHEDULES["job_sweep_schedule"],
        description="When jobs are enqueued that were created while the connector was down, and the rows of renamed "
        "permissions are renamed in Dataverse.",
    )
    drift_schedule: Schedule = Field(
        default=SCHEDULES["drift_schedule"],
        description="When both sides are compared with the mapping, as NCRONTAB.",
    )
    stuck_jobs_schedule: Schedule = Field(
        default=SCHEDULES["stuck_jobs_schedule"],
        description="When stuck Spotler Jobs are logged (C-23).",
    )
    missed_job_minutes: int = Field(
        default=5, ge=0, description="How old a Spotler Job that was not begun must be to count as missed."
    )

    @property
    def missed_after(self) -> timedelta:
        """How long the message of a new job may take to arrive."""
        return timedelta(minutes=self.missed_job_minutes)


class ConsentSettings(BaseSettings):
    """Consent, bounces, retention."""

    consent_retention_days: Days = Field(
        default=0,
        description="How long changes of consent are kept; 0: for ever. They prove why a person gets mail, and hold "
        "ids only.",
    )
    state_retention_days: Days = Field(
        default=90,
        description="How long the state store keeps documents without use: bindings of erased contacts, contacts "
        "that no record uses, reviews that led to a record; and how long dead letters are kept. 0: for ever. "
        "Refusals, opt-outs and held records are always kept.",
    )
    erased_consent_retention_days: Days = Field(
        default=1096,
        description="How long changes of consent are kept after the erasure of a record, under a pseudonym in place of "
        "its id; 0: for ever (`docs/howto/data-protection.md`).",
    )
    create_bounce_task: bool = Field(
        default=True,
        description="*CreateBounceTask*: whether the owner of a record gets a task when mail to its address bounces "
        "(C-14).",
    )
    bounce_task_language: Language | None = Field(
        default=None, description="Language of those tasks: nl or en. Empty: by the language of the mapping, else en."
    )
    housekeeping_schedule: Schedule = Field(
        default=SCHEDULES["housekeeping_schedule"],
        description="When old changes of consent are deleted, missing tasks about bounces are written, and permissions "
        "that were renamed in Spotler are found (PERM-21).",
    )

    @property
    def consent_retention(self) -> timedelta | None:
        """How long changes of consent are kept; None for ever."""
        return timedelta(days=self.consent_retention_days) if self.consent_retention_days else None

    @property
    def state_retention(self) -> timedelta | None:
        """How long documents are kept that nothing needs any more; None for ever."""
        return timedelta(days=self.state_retention_days) if self.state_retention_days else None

    @property
    def erased_consent_retention(self) -> timedelta | None:
        """How long the consent of erased records is kept; None for ever."""
        return timedelta(days=self.erased_consent_retention_days) if self.erased_consent_retention_days else None
