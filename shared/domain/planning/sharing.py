"""Records that share a contact: which values each of them synchronises (DUP-02, decision 5).

One of the records is the primary user of the contact. Values of `<->` and `<-` rows are exchanged with this record
only: otherwise the values of one person would overwrite those of another person with the same e-mail address.
"""

from collections.abc import Mapping
from dataclasses import replace

from shared.domain.mapping.language.expression import MapTo
from shared.domain.mapping.model import EMAIL, Direction, MappingRow
from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import Fetched, PlanInput, SharingRecords
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.records import PersonTable


def as_user(plan_input: PlanInput, rules: Rules) -> tuple[PlanInput, Rules]:
    """Reduce the input and the rules to what this user of the contact synchronises; the primary user synchronises all.

    A user whose contact does not exist creates it with all its values and becomes primary.
    """
    table, sharing_records = plan_input.key.table, plan_input.sharing_records
    if sharing_records.primary is None:
        if plan_input.succession is None:
            return plan_input, rules
        return replace(plan_input, binding=_succeeding(plan_input, rules, plan_input.succession)), rules
    if plan_input.fetched is Fetched.YES and plan_input.contact is None:
        return plan_input, rules
    withheld = [row for row in rules.mapping.for_table(table) if _is_for_primary(row, table)]
    return replace(plan_input, binding=_without(plan_input.binding, withheld)), rules_of(table, sharing_records, rules)


def rules_of(table: PersonTable, sharing_records: SharingRecords, rules: Rules) -> Rules:
    """Return the rules for one user of a contact: all rows if it is primary, else those that do not reach Dataverse.

    Only the primary user empties unmapped properties: for the others, the withheld rows would count as unmapped.
    """
    if sharing_records.primary is None:
        return rules
    rows = tuple(row for row in rules.mapping.rows if not _is_for_primary(row, table))
    return replace(rules, mapping=replace(rules.mapping, rows=rows), unmapped=Unmapped.KEEP)


def _is_for_primary(row: MappingRow, table: PersonTable) -> bool:
    """Whether a row exchanges a value. Permissions have their own rule; the address is what the records share."""
    is_subscription = isinstance(row.sources.get(table), MapTo)
    return row.direction.reaches_dataverse and not is_subscription and row.property_name != EMAIL


def _without(binding: Binding, rows: list[MappingRow]) -> Binding:
    """Remove the agreement on these rows: if the record becomes primary, it needs a first comparison."""
    names = _properties(rows)
    return replace(
        binding,
        base={name: text for name, text in binding.base.items() if _property(name) not in names},
        flap_history={name: move for name, move in binding.flap_history.items() if _property(name) not in names},
        merge_decisions={
            name: decision for name, decision in binding.merge_decisions.items() if _property(name) not in names
        },
    )


def _succeeding(plan_input: PlanInput, rules: Rules, succession: Mapping[str, str]) -> Binding:
    """Prepare the first comparison of a record that became primary because another record left the contact.

    The contact still has the values of the former record in `<->` rows. They count as agreed on, so that this record's
    own values are sent and only later edits in the platform are written back.
    """
    binding, table = plan_input.binding, plan_input.key.table
    rows = rules.mapping.for_table(table)
    names = _properties([row for row in rows if _is_for_primary(row, table) and row.direction is Direction.BOTH])
    former = {name: text for name, text in succession.items() if _property(name) in names}
    own = binding.base if binding.is_live else {}  # older: the record was primary before the former one
    return replace(binding, base={**own, **former}, is_stale=binding.is_live)


def _properties(rows: list[MappingRow]) -> set[str]:
    return {name for row in rows for name in (row.property_name, row.foreign) if name}


def _property(field: str) -> str:
    """Name the property of a field, as `topics` of `topics:4`."""
    return field.partition(":")[0]
