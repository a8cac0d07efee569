"""Automations and campaigns: the published ones, their rows in Dataverse, the results of start and stop (AUT)."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class AutomationKind(StrEnum):
    """The two kinds of automations; campaigns are the older one (AUT-01)."""

    AUTOMATION = "Automation"
    CAMPAIGN = "Campaign"


class FieldType(StrEnum):
    """The type of a personalisation field (AUT-14). STRING and URL are one text, PRODUCTLIST is product ids."""

    STRING = "STRING"
    URL = "URL"
    PRODUCTLIST = "PRODUCTLIST"


@dataclass(frozen=True, slots=True)
class AutomationField:
    """A personalisation field that the messages of an automation have (AUT-13). Names are case-sensitive."""

    name: str
    type: FieldType = FieldType.STRING


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field filled in for one start: `values` has one text for STRING and URL, any number for PRODUCTLIST."""

    name: str
    type: FieldType
    values: tuple[str, ...]


LONGEST_NAME = 297
"""The room in the name column of Spotler Automation (300) next to the icon and a blank, in UTF-16."""


@dataclass(frozen=True, slots=True)
class PublishedAutomation:
    """One external trigger that can be used now; an automation with several triggers is several of these.

    `code` starts it, `platform_id` (of the automation or campaign) stops it.
    """

    kind: AutomationKind
    platform_id: str
    code: str
    name: str
    fields: tuple[AutomationField, ...] = ()


@dataclass(frozen=True, slots=True)
class AutomationRow:
    """A row of `dh_spotlerautomation`, found again by kind and code. `fields` is text: the hints of AUT-14."""

    id: UUID
    kind: AutomationKind
    platform_id: str
    code: str
    name: str
    fields: str
    is_active: bool


# -------------------------------------------------------------------------------------------------- starting, stopping


class StartRefusal(StrEnum):
    """Why the platform has started nothing."""

    TRIGGER_UNKNOWN = "TRIGGER_NOTFOUND"
    CONTACT_UNKNOWN = "CONTACT_NOTFOUND"
    INACTIVE = "AUTOMATION_INACTIVE"
    LIMIT_REACHED = "PARTICIPATION_LIMIT_REACHED"
    NOT_TRIGGERED = "NOT_TRIGGERED"
    INVALID_STATE = "INVALID_STATE"


@dataclass(frozen=True, slots=True)
class Started:
    """At least one run began. `runs` are the AutomationContactIds (JOB-27); campaigns have none."""

    runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Nothing was started. `detail` is the platform's own text: for the row of the job only."""

    refusal: StartRefusal
    detail: str = ""


StartResult = Started | NotStarted


class StopResult(StrEnum):
    """How a stop ended; all three leave nothing running."""

    STOPPED = "stopped"
    NOT_RUNNING = "not-running"
    UNKNOWN = "unknown"
    """The platform does not have the automation, the run or the contact."""
