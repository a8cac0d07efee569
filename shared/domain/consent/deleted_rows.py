"""Permissions whose rows were deleted in Dataverse: deleting the evidence of a consent withdraws it."""

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.consent.changes import ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.merging.agreement import YES
from shared.domain.merging.permission_agreement import row_state
from shared.domain.merging.permission_merge import Row
from shared.domain.planning.plan_input import PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import Scalar
from shared.domain.values.mapped_fields import MappedField


def withdrawn(
    plan_input: PlanInput, record: PersonRecord, fields: Mapping[str, MappedField], rules: Rules
) -> dict[str, Scalar]:
    """Return the permissions whose rows were deleted, as off."""
    binding = plan_input.binding
    if not (binding.is_live and binding.initial_merge_done):
        return {}
    fingerprint = rules.fingerprints.of_contact(binding.external_id).value
    return {
        name: False
        for name, one in fields.items()
        if one.option_source is not None
        and one.row.direction.reaches_platform
        and row_state(one, record, plan_input.names, agreed_yes=binding.base.get(name) == fingerprint(name, YES))
        is Row.DELETED
    }


def with_deleted_rows_refused(plan_input: PlanInput, fields: Mapping[str, MappedField], rules: Rules) -> PlanInput:
    """Return the input with a refusal for each deleted row, for a contact that is created again.

    Without it, the administrator's default would give the permission again.
    """
    record = plan_input.record
    assert record is not None, "a record that does not exist has no rows"
    gone = withdrawn(plan_input, record, fields, rules)
    if not gone:
        return plan_input
    refusals = [AddressRefusal(name, plan_input.now, ConsentSource.DATAVERSE_ROW) for name in gone]
    return replace(plan_input, suppression=plan_input.suppression.adding(refusals))
