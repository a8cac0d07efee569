"""Which operation a job's option value stands for (part E of the specification)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.core.jobs import Operation
from shared.operations.add_tag import AddTag
from shared.operations.add_to_audience import AddToAudience
from shared.operations.anonymize_contact import AnonymizeContact
from shared.operations.clear_contact_field import ClearContactField
from shared.operations.deactivate_contact import DeactivateContact
from shared.operations.decrease_score import DecreaseScore
from shared.operations.increase_score import IncreaseScore
from shared.operations.operation import JobOperation
from shared.operations.purge_contact import PurgeContact
from shared.operations.refresh_automations import RefreshAutomations
from shared.operations.remove_from_audience import RemoveFromAudience
from shared.operations.remove_tag import RemoveTag
from shared.operations.set_contact_field import SetContactField
from shared.operations.set_score import SetScore
from shared.operations.start_automation import StartAutomation
from shared.operations.stop_automation import StopAutomation
from shared.operations.sync_contact import SyncContact
from shared.operations.sync_list import SyncList

OPERATIONS: Mapping[Operation, JobOperation[Any]] = {
    one.operation: one
    for one in (
        SyncList(),
        StartAutomation(),
        StopAutomation(),
        AddToAudience(),
        RefreshAutomations(),
        DeactivateContact(),
        SyncContact(),
        PurgeContact(),
        AnonymizeContact(),
        AddTag(),
        RemoveTag(),
        SetScore(),
        IncreaseScore(),
        DecreaseScore(),
        RemoveFromAudience(),
        SetContactField(),
        ClearContactField(),
    )
}
