"""The consent that a job may write: any no, and a yes without a refusal (PERM-06, FLD-09). Pure.

Everyone who may create a job, also a flow, can ask for consent, so it is not the person's answer. A yes of a job never
replaces a no. Both travel by the row in Dataverse, like the answer of a user.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.suppression import ALL_PERMISSIONS, Suppression
from shared.domain.mapping.language.expression import OptionSource
from shared.domain.merging.dataverse_changes import SubscriptionReturn
from shared.domain.merging.permission_agreement import changed_rows
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import option_name, rows_of
from shared.domain.values.mapped_fields import MappedField

_TEXTS: Mapping[ConsentSource, str] = {
    ConsentSource.PLATFORM_PROFILE: "The person has switched it off in Spotler.",
    ConsentSource.PLATFORM_OPT_OUT: "The person has opted out in Spotler.",
    ConsentSource.DO_NOT_BULK_EMAIL: "A record with this e-mail address does not allow bulk e-mail.",
    ConsentSource.DO_NOT_EMAIL: "A record with this e-mail address has Do Not Email.",
}
_ANOTHER = "It was refused at this e-mail address."
_ADVICE = (
    "A job cannot give it again: the person can, or a user who changes the permission on the record and answers for it."
)


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A job's wish to switch on one option of a person, with the facts about it.

    `was_agreed`: both sides had agreed on yes. `contact` is the contact as just read; None if it does not exist.
    """

    record: PersonRecord
    one: MappedField
    was_agreed: bool
    contact: MarketingContact | None
    suppression: Suppression


def refusal_of_yes(request: ConsentRequest) -> str | None:
    """Return why a job may not switch the option on, in words for its author; None if it may."""
    return next((f"{why} {_ADVICE}" for why in _refusals(request)), None)


def rows_to_write(one: MappedField, record: PersonRecord, *, answer: bool) -> tuple[SubscriptionReturn, ...]:
    """Return the rows to write in Dataverse: rows with another answer, or a new row if there is none.

    A person outside a marketing list needs no row for a no.
    """
    entry = one.definition.entry_with_bit(one.bit) if one.bit is not None else None
    assert one.option_source is not None, "consent is an option with rows in Dataverse"
    assert entry is not None, "the option was found in the account"
    if any(one.definition.entry(row.name) == entry for row in rows_of(one.option_source, record)):
        return changed_rows(one, record, subscribed=answer)
    if one.option_source is OptionSource.LIST and not answer:
        return ()
    return (SubscriptionReturn(one.option_source, entry.label.strip(), answer, None),)


def _refusals(request: ConsentRequest) -> Iterator[str]:
    record, one, contact = request.record, request.one, request.contact
    if refuses_bulk(record):
        yield "The record does not allow bulk e-mail."
    if contact is not None and contact.is_unreachable:
        yield "Spotler does not mail the person: they opted out, or mail came back."
    option = option_name(one.definition.name, one.bit or 0)
    for refusal in request.suppression.refusals:
        is_about = refusal.subject in {option, *ALL_PERMISSIONS} or (refusal.subject == OPT_OUT and contact is None)
        is_taken_back = refusal.source is ConsentSource.JOB and refusal.record == str(record.key)
        if is_about and refusal.is_active and not is_taken_back:
            yield _TEXTS.get(refusal.source, _ANOTHER)
    if request.was_agreed and contact is not None and not _is_on(contact, one):
        yield _TEXTS[ConsentSource.PLATFORM_PROFILE]  # since the last poll
    entries = (
        {one.definition.entry(row.name) for row in rows_of(one.option_source, record)}
        if one.option_source is not None
        else set()
    )
    if (
        request.was_agreed
        and one.option_source is OptionSource.PERMISSIONS
        and one.definition.entry_with_bit(one.bit or 0) not in entries
    ):
        yield "Its row was deleted."


def _is_on(contact: MarketingContact, one: MappedField) -> bool:
    value = contact.properties.get(one.definition.name)
    return isinstance(value, tuple) and any(option.bit == one.bit and option.enabled for option in value)
