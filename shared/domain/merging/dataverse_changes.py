"""What comes back from Spotler for one record: fields, subscriptions, a refusal of bulk mail (S2D-02, OPT-07)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyValue


@dataclass(frozen=True, slots=True)
class FieldReturn:
    """One mapped field whose Spotler value shall stand in Dataverse; None or "" empties the column.

    The row's source for the record's table says which column. A source that is no column of the record itself cannot
    be written and becomes a `FieldProblem`.
    """

    row: MappingRow
    definition: PropertyDefinition
    value: PropertyValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubscriptionReturn:
    """One option of a set property, and what its row in Dataverse shall say.

    `name` is the option's name in Spotler: the name of the permission, of the marketing list, or of the periodiek.
    `row` is `PermissionRow.id` of the row as it was read (for a marketing list, the list). None creates a row with an
    id that follows from record and name, so that a repetition creates no second one.
    """

    option_source: OptionSource
    name: str
    subscribed: bool
    row: UUID | None


@dataclass(frozen=True, slots=True)
class DataverseChanges:
    """Everything that shall be written to Dataverse for one record; false if that is nothing.

    `prints` are fingerprints to remember, by field, once Dataverse has taken it; `address` is that of an e-mail address
    that comes option_source, else empty.
    """

    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()
    refuses_bulk: bool | None = None
    prints: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    def __bool__(self) -> bool:
        return bool(self.fields or self.subscriptions or self.refuses_bulk is not None)


NOTHING = DataverseChanges()
"""Nothing comes home."""
