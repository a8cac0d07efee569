"""Calls of Spotler whose wire format is not published: each is used only where it has been proven to work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CAPABILITY_OFF = "CAPABILITY_OFF"
"""The code of the DataError that a call raises, before anything is sent, when its capability is switched off."""


class Capability(StrEnum):
    """What an administrator's connection check proves one by one."""

    TAGS = "tags"
    SCORES = "scores"
    AUTOMATION_LIST = "automation-list"
    AUTOMATION_STOP = "automation-stop"
    AUTOMATION_FIELDS = "automation-fields"


class CapabilityState(StrEnum):
    """What a check came to. UNDECIDED (no answer, a busy service) leaves an earlier verdict as it is."""

    PROVEN = "proven"
    DISPROVEN = "disproven"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CapabilityFinding:
    """What a check found out. `evidence` says what was asked and what came back, without data of the account."""

    capability: Capability
    verdict: CapabilityState
    evidence: str
