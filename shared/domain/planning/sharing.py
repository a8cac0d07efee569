"""Records that share a Spotler contact: whose values come home, and what the others synchronise (DUP-02, decision 5).

One of the records is the primary user of the contact. Values of `<->` and `<-` rows travel between the contact and this
record only: otherwise the values of one person would overwrite those of another one who has the same e-mail address.
"""

from __future__ import annotations

from dataclasses import replace

from shared.domain.mapping.language.expression import MapTo
from shared.domain.mapping.model import EMAIL, Direction, MappingRow
from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import Fetched, PlanInput, SharingRecords
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.records import PersonTable


def as_user(plan_input: PlanInput, rules: Rules) -> tuple[PlanInput, Rules]:
    """Reduce a situation and the rules to what this user of its contact synchronises: the primary one, everything.

    A user that finds no contact in Spotler makes it anew, with all its values, and becomes primary.
    """
    table, sharing_records = plan_input.key.table, plan_input.sharing_records
    if sharing_records.primary is None:
        return replace(plan_input, binding=_succeeding(plan_input, rules)), rules
    if plan_input.fetched is Fetched.YES and plan_input.contact is None:
        return plan_input, rules
    withheld = [row for row in rules.mapping.for_table(table) if _is_for_primary(row, table)]
    return replace(plan_input, binding=_without(plan_input.binding, withheld)), rules_of(table, sharing_records, rules)


def rules_of(table: PersonTable, sharing_records: SharingRecords, rules: Rules) -> Rules:
    """Return the rules for one user of a contact: all rows if it is primary, else those whose values do not come home.

    Only the primary user empties what the mapping does not mention: to the others, that is also what is withheld.
    """
    if sharing_records.primary is None:
        return rules
    rows = tuple(row for row in rules.mapping.rows if not _is_for_primary(row, table))
    return replace(rules, mapping=replace(rules.mapping, rows=rows), unmapped=Unmapped.KEEP)


def _is_for_primary(row: MappingRow, table: PersonTable) -> bool:
    """Whether a row exchanges a value. Permissions have a rule of their own; the address is what the records share."""
    is_subscription = isinstance(row.sources.get(table), MapTo)
    return row.direction.reaches_dataverse and not is_subscription and row.property_name != EMAIL


def _without(binding: Binding, rows: list[MappingRow]) -> Binding:
    """Forget what was agreed on of these rows: should the record become primary, a first comparison is due."""
    names = _properties(rows)
    return replace(
        binding,
        base={name: text for name, text in binding.base.items() if _property(name) not in names},
        flap_history={name: move for name, move in binding.flap_history.items() if _property(name) not in names},
        merge_decisions={
            name: decision for name, decision in binding.merge_decisions.items() if _property(name) not in names
        },
    )


def _succeeding(plan_input: PlanInput, rules: Rules) -> Binding:
    """Prepare the first comparison of a record that has become primary because another one has left the contact.

    The values of `<->` rows in Spotler are still those of the record that left: they count as agreed on, so that this
    record's own values are sent and only later edits in Spotler come home.
    """
    binding, table = plan_input.binding, plan_input.key.table
    if plan_input.succession is None:
        return binding
    rows = rules.mapping.for_table(table)
    names = _properties([row for row in rows if _is_for_primary(row, table) and row.direction is Direction.BOTH])
    former = {name: text for name, text in plan_input.succession.items() if _property(name) in names}
    own = binding.base if binding.is_live else {}
    return replace(binding, base={**former, **own}, is_stale=binding.is_live)


def _properties(rows: list[MappingRow]) -> set[str]:
    return {name for row in rows for name in (row.property_name, row.foreign) if name}


def _property(field: str) -> str:
    """Name the property of a field, as `topics` of `topics:4`."""
    return field.partition(":")[0]
