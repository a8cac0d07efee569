"""In what a Spotler contact differs from what both sides agreed on, by kind. Pure; names no values."""

from __future__ import annotations

from enum import StrEnum
from functools import partial

from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.contact_write import left_in, unmapped
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.records import RecordKey
from shared.domain.values.mapped_fields import mapped_fields, moved_fields


class Divergence(StrEnum):
    """A kind of divergence between Spotler and Dataverse."""

    FIELDS = "fields-differ"
    """A field that reaches Dataverse holds another value than both sides agreed on."""
    PERMISSIONS = "permissions-differ"
    REACH = "reach-differs"
    """An opt-out, a bounce or a return that Dataverse does not know."""
    NEVER_COMPARED = "never-compared"
    """Both sides have not met yet: there is nothing that they agreed on."""
    KEPT = "kept-in-spotler"
    """Somebody edited a field in Spotler that is mapped `->`: it stays until Dataverse changes it."""
    MISSING = "missing-in-spotler"
    """A record that should have a contact had none."""
    UNKNOWN = "unknown-to-dataverse"
    """The external id is that of a record which is not (any more) in an enabled table."""
    UNLINKED = "without-record"
    """The contact has no external id of ours: a subscriber that no record belongs to."""


def divergences(
    contact: MarketingContact, key: RecordKey, binding: Binding, rules: Rules, catalogue: PropertyCatalogue
) -> frozenset[Divergence]:
    """Name in what a contact differs from what one of its records agreed on; empty where nothing differs."""
    found: set[Divergence] = set()
    if binding.mail_status is MailStatus.CLOSED or contact.is_unreachable is not (
        binding.mail_status is not MailStatus.OPEN
    ):
        found.add(Divergence.REACH)
    if not binding.initial_merge_done:
        return frozenset(found | {Divergence.NEVER_COMPARED})
    rows = rules.mapping.for_table(key.table)
    fields = mapped_fields(rows, key.table, catalogue)
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    for name in moved_fields(contact, binding.base, fields, fingerprint, rules.mapping.zone):
        dataverse_changes = rules.unmapped is Unmapped.CLEAR or fields[name].row.direction.reaches_dataverse
        if fields[name].bit is not None:
            found.add(Divergence.PERMISSIONS)
        else:
            found.add(Divergence.FIELDS if dataverse_changes else Divergence.KEPT)
    if left_in(contact, unmapped(rules, rows, catalogue)):
        found.add(Divergence.FIELDS)
    return frozenset(found)
