"""Spotler Jobs: the operations and statuses (JOB-07..JOB-25), with the option values of the specification."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from shared.domain.records.records import RecordKey


class Operation(IntEnum):
    """Option values of `dh_operation`, to the letter (part E of the specification)."""

    SYNC_LIST = 480000000
    START_AUTOMATION = 480000001
    STOP_AUTOMATION = 480000002
    ADD_TO_AUDIENCE = 480000003
    REFRESH_AUTOMATIONS = 480000004
    DEACTIVATE_CONTACT = 480000005
    SYNC_CONTACT = 480000006
    PURGE_CONTACT = 480000007
    ANONYMIZE_CONTACT = 480000008
    ADD_TAG = 480000009
    REMOVE_TAG = 480000010
    SET_SCORE = 480000011
    INCREASE_SCORE = 480000012
    DECREASE_SCORE = 480000013
    REMOVE_FROM_AUDIENCE = 480000014
    SET_CONTACT_FIELD = 480000015
    CLEAR_CONTACT_FIELD = 480000016

    @property
    def label(self) -> str:
        """The name that users see, e.g. `Sync Contact`."""
        return _LABELS.get(self) or self.name.replace("_", " ").title()


_LABELS = {Operation.INCREASE_SCORE: "Increase Score (+)", Operation.DECREASE_SCORE: "Decrease Score (-)"}


class JobStatus(StrEnum):
    """The life of a job (JOB-25)."""

    QUEUED = "Queued"
    IN_PROGRESS = "In Progress"
    COMPLETED = "Completed"
    FAILED = "Failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self in {JobStatus.COMPLETED, JobStatus.FAILED}


class JobResult(StrEnum):
    """Result codes that are words; operations also report HTTP status codes (JOB-26)."""

    OK = "OK"
    NOT_VALID = "[JOB_NOT_VALID]"
    NOT_ALLOWED = "[NOT_ALLOWED]"
    """The job's creator lacks the right to it."""
    CONSENT_REFUSED = "[CONSENT_REFUSED]"
    """The person has refused the consent that the job asked for."""
    OUTCOME_UNKNOWN = "outcome-unknown"
    """The effect is unknown, and a repetition could double it: a person must check in Spotler."""


class Repetition(StrEnum):
    """Whether running an operation twice is the same as running it once."""

    SAFE = "safe"
    HARMFUL = "harmful"


class ScoreChange(StrEnum):
    """The change of a score (TAG-07..TAG-09)."""

    SET = "SET"
    INCREASE = "INCREASE"
    DECREASE = "DECREASE"


@dataclass(frozen=True, slots=True)
class JobRow:
    """A Spotler Job row as just read from Dataverse. `operation` is None for an unknown option value.

    Parameters are as typed; an empty column is "" or None. `person` is Customer or Lead, `automation` the row of
    `dh_spotlerautomation`, `marketing_list` the row of `list`. `creator` is the user who created the job,
    `creator_name` the user's name.
    """

    id: UUID
    status: JobStatus
    operation: Operation | None
    person: RecordKey | None
    etag: str
    created_on: str = ""
    started_on: datetime | None = None
    automation: UUID | None = None
    automation_fields: str = ""
    automation_contact_id: str = ""
    marketing_list: UUID | None = None
    parameter_name: str = ""
    parameter_value: str = ""
    creator: UUID | None = None
    creator_name: str = field(default="", repr=False, compare=False)
