"""The operation of each option value of a job (part E of the specification)."""

from collections.abc import Mapping
from typing import Any

from shared.domain.records.jobs import Operation
from shared.operations.audiences.add_to_audience import AddToAudience
from shared.operations.audiences.remove_from_audience import RemoveFromAudience
from shared.operations.audiences.sync_list import SyncList
from shared.operations.automations.refresh_automations import RefreshAutomations
from shared.operations.automations.start_automation import StartAutomation
from shared.operations.automations.stop_automation import StopAutomation
from shared.operations.contacts.contact_field import ClearContactField, SetContactField
from shared.operations.contacts.deactivate_contact import DeactivateContact
from shared.operations.contacts.person_operation import AnonymizeContact, PurgeContact, SyncContact
from shared.operations.model.operation import JobOperation
from shared.operations.tags.scores import DecreaseScore, IncreaseScore, SetScore
from shared.operations.tags.tags import AddTag, RemoveTag

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
