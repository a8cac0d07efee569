"""Recognises contacts that hold only what both sides agreed on (C-44)."""

from functools import partial

from shared.domain.consent.changes import BULK_EMAIL, DO_NOT_EMAIL
from shared.domain.merging.agreement import YES, Fingerprint
from shared.domain.planning.binding import Binding
from shared.domain.planning.contact_write import left_in, unmapped
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.records import RecordKey
from shared.domain.values.fields import enabled_options
from shared.domain.values.mapped_fields import has_moved, mapped_fields


def is_echo(
    contact: MarketingContact, key: RecordKey, binding: Binding, rules: Rules, catalogue: PropertyCatalogue
) -> bool:
    """Whether a contact has nothing new for a record: an echo of the agreement, or of the connector's own writes."""
    if not (binding.initial_merge_done and binding.agrees_on_mail(contact)):
        return False
    rows = rules.mapping.for_table(key.table)
    if left_in(contact, unmapped(rules, rows, catalogue)):
        return False
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    if any(_is_news(name, binding, fingerprint) for name in enabled_options(contact)):
        return False
    concerned = rows if rules.unmapped is Unmapped.CLEAR else rules.mapping.rows_back(key.table)
    fields = mapped_fields(concerned, key.table, catalogue)
    return not has_moved(contact, binding.base, fields, fingerprint, rules.mapping.zone)


def _is_news(name: str, binding: Binding, fingerprint: Fingerprint) -> bool:
    """Whether a permission that is on in the platform was agreed to be off, alone or with all others (PERM-08).

    The refusing side switches it off again, even if the mapping does not write permissions to Dataverse.
    """
    refuses_all = bool(binding.refused & {BULK_EMAIL, DO_NOT_EMAIL})
    return refuses_all or binding.base.get(name, fingerprint(name, YES)) != fingerprint(name, YES)
