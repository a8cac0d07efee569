"""Permission rows of a new record without a usable address, which cannot have a contact yet (PERM-11, ENV-02).

They show the administrator's defaults, so that a user can tick them while entering the record. A default is not the
person's answer: at the first merge with an existing contact, an unchanged default row takes over the platform's answer.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.merging.dataverse_changes import DataverseChanges, SubscriptionReturn
from shared.domain.planning.binding import Binding
from shared.domain.planning.decisions import Decision, Rest
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition
from shared.domain.records.outcomes import Reason
from shared.domain.values.fields import Scalar, option_name

_NOT_YET = frozenset({Reason.NO_EMAIL, Reason.INVALID_EMAIL})
"""Why a record is not in the platform yet."""


def with_default_rows(
    decision: Decision, plan_input: PlanInput, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue
) -> Decision:
    """Add the rows to the plan of a record that has no rows and never had a contact."""
    record, binding = plan_input.record, plan_input.binding
    if not isinstance(decision, Rest) or decision.reason not in _NOT_YET or record is None or record.permissions:
        return decision
    definition = _permissions(rows, plan_input, catalogue)
    if definition is None or binding.is_live or plan_input.base_state is BaseState.NOTHING or binding.default_rows:
        return decision
    default_rows = {
        option_name(definition.name, entry.bit): default
        for default in plan_input.defaults
        if (entry := definition.entry(default.name)) is not None
    }
    if not default_rows:
        return decision
    answers = {name: default.subscribed for name, default in default_rows.items()}
    return replace(
        decision,
        binding=replace(decision.binding, default_rows=answers),
        dataverse_changes=DataverseChanges(subscriptions=_rows(default_rows)),
    )


def untouched_defaults(binding: Binding, values: Mapping[str, Scalar]) -> set[str]:
    """Return the default rows that still have their default."""
    return {name for name, answer in binding.default_rows.items() if values.get(name) is answer}


def _rows(default_rows: Mapping[str, PermissionDefault]) -> tuple[SubscriptionReturn, ...]:
    return tuple(
        SubscriptionReturn(OptionSource.PERMISSIONS, one.name, one.subscribed, None) for one in default_rows.values()
    )


def _permissions(
    rows: tuple[MappingRow, ...], plan_input: PlanInput, catalogue: PropertyCatalogue
) -> PropertyDefinition | None:
    for row in rows:
        source = row.sources[plan_input.key.table]
        if (
            isinstance(source, MapTo)
            and source.option_source is OptionSource.PERMISSIONS
            and row.direction.reaches_dataverse
        ):
            return catalogue.named(row.property_name)
    return None
