"""New subscribers: contacts without a record, and the row that each of them gets (NEW, C-07).

A contact is new if its external id is empty or no GUID (S2D-09), also an old contact with a foreign number (NEW-08). A
new row gets the columns of the mapping's rows that reach Dataverse, including fixed values (MAP-25). It gets the e-mail
address whatever the direction, because the row could not be found without it. If the platform has no last name, the
part of the address before the @ is used: forms of Dataverse require a last name (CS-24).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID, uuid5

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.mapping.language.expression import Column, MapTo, OptionSource
from shared.domain.mapping.model import EMAIL, Direction, Mapping, MappingRow
from shared.domain.mapping.reading import DO_NOT_EMAIL as DO_NOT_EMAIL_COLUMN
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.records.marketing_contact import (
    MarketingContact,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    PropertyValue,
)
from shared.domain.records.outcomes import FieldProblem
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.addresses import address_text
from shared.domain.values.fields import enabled_options
from shared.domain.values.texts import cut
from shared.domain.values.values import is_blank
from shared.domain.wording.causes.work_causes import WorkCause
from shared.domain.wording.phrase import PhraseError

_NAMESPACE = UUID("3d0d1a2c-5f0e-4f59-8d5e-2f3a9d1c7b64")
LAST_NAME = "lastname"
"""The column that a new person must have, whatever its requirement level (CS-24)."""

_LAST_NAME_LENGTH = 50  # as Dataverse delivers the column


class ImportTarget(StrEnum):
    """The table of a new subscriber in Dataverse (NEW-01, NEW-02)."""

    NONE = "none"
    """Nothing: the feature is off (NEW-07)."""
    LEAD = "lead"
    """A new lead each time, even if the address is in use (NEW-03)."""
    CONTACT = "contact"
    """The contact that matches, else a new one (NEW-04)."""
    MEMBERSHIP_ENTRY = "membershipentry"
    """A row of the mapping's entity table, which then goes its own way (IF-04)."""

    @property
    def person_table(self) -> PersonTable | None:
        """The person table that takes new subscribers; None if none does."""
        match self:
            case ImportTarget.LEAD:
                return PersonTable.LEAD
            case ImportTarget.CONTACT:
                return PersonTable.CONTACT
            case ImportTarget.NONE | ImportTarget.MEMBERSHIP_ENTRY:
                return None


@dataclass(frozen=True, slots=True)
class NewField:
    """A value of the platform for a column of a new row, or of a row to find."""

    column: Column
    row: MappingRow
    definition: PropertyDefinition
    value: PropertyValue = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewRow:
    """The content of a new row. `subscriptions` are the options of the contact, also those that are off (NEW-09)."""

    fields: tuple[NewField, ...]
    subscriptions: tuple[SubscriptionReturn, ...] = ()


class ImportOutcome(StrEnum):
    """The result for a new subscriber."""

    OFF = "off"
    """The settings import no subscribers."""
    CREATED = "created"
    KNOWN = "known"
    """An earlier attempt created the record; the contact does not point to it yet."""
    MATCHED = "matched"
    ENTERED = "entered"
    """A membership entry was created, or updated if there was one."""
    NO_EMAIL = "no-email"
    """Without an address, a person can be neither found nor mailed."""
    UNREACHABLE = "unreachable"
    """The person has opted out, or mail bounced: an old contact that unsubscribes is no new subscriber."""
    AMBIGUOUS = "ambiguous"
    OTHER_ADDRESS = "other-address"
    REFUSED = "refused"
    REFUSES_MAIL = "refuses-mail"
    """The record has Do Not Email or Do Not Bulk Email: a person decides whether the sign-up is the newer act."""
    DISMISSED = "dismissed"
    """A person decided to leave the contact alone."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result for one contact. `key` is the record to synchronise with it, None if there is none yet.

    `candidates` are the records among which a person must choose, `problems` the values that did not fit. `text` is the
    refusal of Dataverse or of the record.
    """

    encrypted_id: str
    outcome: ImportOutcome
    key: RecordKey | None = None
    candidates: tuple[RecordKey, ...] = ()
    problems: tuple[FieldProblem, ...] = ()
    text: str = ""

    @property
    def is_asked(self) -> bool:
        """Whether a person must decide."""
        return self.outcome in _ASKED


_ASKED = frozenset(
    {
        ImportOutcome.AMBIGUOUS,
        ImportOutcome.OTHER_ADDRESS,
        ImportOutcome.REFUSED,
        ImportOutcome.REFUSES_MAIL,
    }
)


def standing_refusals(record: PersonRecord, binding: Binding) -> tuple[str, ...]:
    """Return the refusals of a record, as subjects of consent, that a sign-up alone must not overrule.

    Do Not Bulk Email that follows an opt-out in the platform is no such refusal: a sign-up by form ends the opt-out
    (OPT-07, OPT-09, P-02).
    """
    followed_opt_out = binding.mail_status is MailStatus.OPTED_OUT_HERE or BULK_EMAIL in binding.write_intents
    refusals = [DO_NOT_EMAIL] if record.values.get(DO_NOT_EMAIL_COLUMN) else []
    if refuses_bulk(record) and not followed_opt_out:
        refusals.append(BULK_EMAIL)
    return tuple(refusals)


def row_id(target: ImportTarget, identity: str) -> UUID:
    """Return the id of the row for a contact: the same each time, so that a repetition creates no second one."""
    return uuid5(_NAMESPACE, f"{target}/{identity}")


def was_made_from(key: RecordKey, contact: MarketingContact) -> bool:
    """Whether a person's record was created for this contact when it was a new subscriber."""
    identity, tables = contact.encrypted_id, ((target, target.person_table) for target in ImportTarget)
    return bool(identity) and any(
        key == RecordKey(table, row_id(target, identity)) for target, table in tables if table
    )


def email_of(contact: MarketingContact) -> str:
    """Return the contact's e-mail address, "" if it has none."""
    return address_text(contact.properties.get(EMAIL))


def given(contact: MarketingContact, mapping: Mapping) -> tuple[str, ...]:
    """Name the mapped options that a contact has switched on, as in `permissions:4`."""
    mapped = {
        row.property_name for row in mapping.rows if any(isinstance(source, MapTo) for source in row.sources.values())
    }
    return tuple(sorted(name for name in enabled_options(contact) if name.partition(":")[0] in mapped))


def new_row(contact: MarketingContact, target: ImportTarget, mapping: Mapping, catalogue: PropertyCatalogue) -> NewRow:
    """Return the content of the new row for a contact, without empty values."""
    if (table := target.person_table) is None:
        return NewRow(tuple(_entry_fields(contact, mapping, catalogue)))
    fields = list(_fields(contact, table, mapping, catalogue))
    if not any(one.column.name == LAST_NAME for one in fields):
        fields.append(_last_name(contact))
    return NewRow(tuple(fields), tuple(_subscriptions(contact, table, mapping, catalogue)))


def criteria(
    contact: MarketingContact,
    columns: Sequence[str],
    table: PersonTable,
    mapping: Mapping,
    catalogue: PropertyCatalogue,
) -> tuple[NewField, ...]:
    """Return the values by which the record of a contact is found (NEW-05); columns without a value are left out.

    PhraseError names a column that no row of the mapping fills.
    """
    found: list[NewField] = []
    for name in columns:
        row = next((one for one in mapping.for_table(table) if one.sources[table] == Column(name)), None)
        if row is None or row.fixed is not None:
            raise PhraseError(WorkCause.MATCH_UNMAPPED(table=table, column=name))
        found += _field(contact, Column(name), row, catalogue)
    return tuple(found)


def _fields(
    contact: MarketingContact, table: PersonTable, mapping: Mapping, catalogue: PropertyCatalogue
) -> Iterator[NewField]:
    for row in mapping.for_table(table):
        source = row.sources[table]
        if isinstance(source, Column) and (row.direction is not Direction.TO_PLATFORM or row.property_name == EMAIL):
            yield from _field(contact, source, row, catalogue)


def _entry_fields(contact: MarketingContact, mapping: Mapping, catalogue: PropertyCatalogue) -> Iterator[NewField]:
    """MAP-10, IF-05: rows with an Entity Column; the mapping lets only those have one that reach Dataverse."""
    for row in mapping.rows:
        if row.entity is not None:
            yield from _field(contact, row.entity, row, catalogue)


def _field(
    contact: MarketingContact, column: Column, row: MappingRow, catalogue: PropertyCatalogue
) -> Iterator[NewField]:
    if row.fixed is not None:
        yield NewField(column, row, _text(row.property_name), row.fixed)
        return
    for name in (row.property_name, row.foreign):  # a post code that is not Dutch is in a property of its own (VAL-07)
        value, definition = contact.properties.get(name), catalogue.named(name)
        if definition is not None and not is_blank(value):
            yield NewField(column, row, definition, value)
            return


def _last_name(contact: MarketingContact) -> NewField:
    column = Column(LAST_NAME)
    row = MappingRow(EMAIL, dict.fromkeys((PersonTable.CONTACT, PersonTable.LEAD), column), Direction.TO_DATAVERSE)
    return NewField(column, row, _text(EMAIL), cut(email_of(contact).partition("@")[0], _LAST_NAME_LENGTH))


def _subscriptions(
    contact: MarketingContact, table: PersonTable, mapping: Mapping, catalogue: PropertyCatalogue
) -> Iterator[SubscriptionReturn]:
    for row in mapping.for_table(table):
        source, value, definition = (
            row.sources[table],
            contact.properties.get(row.property_name),
            catalogue.named(row.property_name),
        )
        if not (isinstance(source, MapTo) and row.direction.reaches_dataverse and isinstance(value, tuple)):
            continue
        for option in value:
            entry = definition.entry_with_bit(option.bit) if definition is not None else None
            if entry is not None and (option.enabled or source.option_source is OptionSource.PERMISSIONS):
                yield SubscriptionReturn(source.option_source, entry.label, option.enabled, None)


def _text(name: str) -> PropertyDefinition:
    return PropertyDefinition(name, name, PropertyType.STRING)
