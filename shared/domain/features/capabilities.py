"""Capabilities of a marketing platform account: calls that are used only after a check has proven them."""

from dataclasses import dataclass
from enum import StrEnum

CAPABILITY_OFF = "CAPABILITY_OFF"
"""The code of the DataError that a call raises, before anything is sent, when its capability is switched off."""


class Capability(StrEnum):
    """A capability that the connection check of an administrator proves."""

    TAGS = "tags"
    SCORES = "scores"
    AUTOMATION_LIST = "automation-list"
    AUTOMATION_STOP = "automation-stop"
    AUTOMATION_FIELDS = "automation-fields"


class CapabilityState(StrEnum):
    """The result of a check. UNDECIDED (no answer, a busy service) leaves an earlier result as it is."""

    PROVEN = "proven"
    DISPROVEN = "disproven"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CapabilityFinding:
    """The result for one capability. `evidence` has the call and its answer, without data of the account."""

    capability: Capability
    state: CapabilityState
    evidence: str
