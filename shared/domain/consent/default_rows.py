"""Permission rows of a new record that cannot be in Spotler yet, because it has no usable address (PERM-11, ENV-02).

They show what the administrator's defaults say, so that a user can tick them while the record is filled in. Nobody has
said anything by that: when the record meets a contact that was in Spotler before, a row that still says the default
takes over what Spotler says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.mapping.language.expression import Home, MapTo
from shared.domain.mapping.model import MappingRow
from shared.domain.merging.dataverse_changes import SubscriptionReturn, WayBack
from shared.domain.planning.context import Binding, Decision, Rest, Situation, Trust
from shared.domain.records.marketing_contact import PropertyCatalogue, PropertyDefinition
from shared.domain.records.outcomes import Reason
from shared.domain.values.fields import Scalar, option_name

_NOT_YET = frozenset({Reason.NO_EMAIL, Reason.INVALID_EMAIL})
"""Why a record that is meant to be in Spotler is not there yet."""


def with_early_rows(
    decision: Decision, situation: Situation, rows: tuple[MappingRow, ...], catalogue: PropertyCatalogue
) -> Decision:
    """Add the rows to the plan of a record that has none and was never in Spotler."""
    record, binding = situation.record, situation.binding
    if not isinstance(decision, Rest) or decision.reason not in _NOT_YET or record is None or record.permissions:
        return decision
    definition = _permissions(rows, situation, catalogue)
    if definition is None or binding.is_live or situation.trust is Trust.NOTHING or binding.early:
        return decision
    early = {
        option_name(definition.name, entry.bit): default
        for default in situation.defaults
        if (entry := definition.entry(default.name)) is not None
    }
    if not early:
        return decision
    answers = {name: default.subscribed for name, default in early.items()}
    return replace(decision, binding=replace(decision.binding, early=answers), home=WayBack(subscriptions=_rows(early)))


def still_early(binding: Binding, values: Mapping[str, Scalar]) -> set[str]:
    """Name the early rows that still say their default: nobody has touched them."""
    return {name for name, answer in binding.early.items() if values.get(name) is answer}


def _rows(early: Mapping[str, PermissionDefault]) -> tuple[SubscriptionReturn, ...]:
    return tuple(SubscriptionReturn(Home.PERMISSIONS, one.name, one.subscribed, None) for one in early.values())


def _permissions(
    rows: tuple[MappingRow, ...], situation: Situation, catalogue: PropertyCatalogue
) -> PropertyDefinition | None:
    for row in rows:
        source = row.sources[situation.key.table]
        if isinstance(source, MapTo) and source.home is Home.PERMISSIONS and row.direction.reaches_dataverse:
            return catalogue.named(row.spotler)
    return None
