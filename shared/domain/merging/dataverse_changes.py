"""The changes of one record in Dataverse: fields, subscriptions, a refusal of bulk mail (S2D-02, OPT-07)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from shared.domain.mapping.language.expression import OptionSource
from shared.domain.mapping.model import MappingRow
from shared.domain.records.marketing_contact import PropertyDefinition, PropertyValue


@dataclass(frozen=True, slots=True)
class FieldReturn:
    """A mapped field whose value is written to Dataverse; None or "" empties the column.

    The row's source for the record's table is the column. A source that is no column of the record itself cannot be
    written and becomes a `FieldProblem`.
    """

    row: MappingRow
    definition: PropertyDefinition
    value: PropertyValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class SubscriptionReturn:
    """One option of a set property, with the new answer of its row in Dataverse.

    `name` is the option's name in the platform: the name of the permission, of the marketing list, or of the periodiek.
    `row` is `PermissionRow.id` of the row that was read (for a marketing list, the list). None creates a row with an id
    that follows from record and name, so that a repetition creates no second row.
    """

    option_source: OptionSource
    name: str
    subscribed: bool
    row: UUID | None


@dataclass(frozen=True, slots=True)
class DataverseChanges:
    """All changes of one record in Dataverse; false without any.

    `prints` are the fingerprints to store, by field, once Dataverse has accepted the values. `address` is the
    fingerprint of an e-mail address that is written to Dataverse, else empty.
    """

    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()
    refuses_bulk: bool | None = None
    prints: Mapping[str, str] = field(default_factory=dict)
    address: str = ""

    def __bool__(self) -> bool:
        return bool(self.fields or self.subscriptions or self.refuses_bulk is not None)


NOTHING = DataverseChanges()
"""No changes in Dataverse."""
