"""Whether a Spotler contact holds anything that is not what both sides agreed on (C-44)."""

from __future__ import annotations

from functools import partial

from shared.core.consent import BULK_EMAIL, DO_NOT_EMAIL
from shared.core.fields import enabled_options
from shared.core.mapped_fields import has_moved, mapped_fields
from shared.core.marketing import PropertyCatalogue, SpotlerContact
from shared.core.records import RecordKey
from shared.core.situation import Binding, Reach, Rules, Unmapped
from shared.core.two_way import YES, Fingerprint
from shared.core.writing import left_in, unmapped


def is_echo(
    contact: SpotlerContact, key: RecordKey, binding: Binding, rules: Rules, catalogue: PropertyCatalogue
) -> bool:
    """Whether a contact shows nothing new to a record: an echo of what was agreed on, or of our own writes."""
    is_known = binding.reach is not Reach.CLOSED and contact.is_unreachable is (binding.reach is not Reach.OPEN)
    if not (binding.has_met and is_known):
        return False
    rows = rules.mapping.for_table(key.table)
    if left_in(contact, unmapped(rules, rows, catalogue)):
        return False
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    if any(_is_news(name, binding, fingerprint) for name in enabled_options(contact)):
        return False
    mirrors = rules.unmapped is Unmapped.CLEAR
    fields = mapped_fields((row for row in rows if mirrors or row.direction.reaches_dataverse), key.table, catalogue)
    return not has_moved(contact, binding.base, fields, fingerprint, rules.mapping.zone)


def _is_news(name: str, binding: Binding, fingerprint: Fingerprint) -> bool:
    """Whether a permission that is on in Spotler was agreed to be off, or to be off with all others (PERM-08).

    Whoever refuses takes it back, also where the mapping lets no permission come home.
    """
    refuses_all = bool(binding.refused & {BULK_EMAIL, DO_NOT_EMAIL})
    return refuses_all or binding.base.get(name, fingerprint(name, YES)) != fingerprint(name, YES)
