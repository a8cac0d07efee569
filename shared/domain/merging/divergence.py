"""Finds the kinds of differences between a contact and what both sides agreed on. Pure; without values."""

from enum import StrEnum
from functools import partial

from shared.domain.planning.binding import Binding
from shared.domain.planning.contact_write import left_in, unmapped
from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.marketing_contact import MarketingContact, PropertyCatalogue
from shared.domain.records.records import RecordKey
from shared.domain.values.mapped_fields import mapped_fields, moved_fields


class Divergence(StrEnum):
    """A kind of divergence between the platform and Dataverse."""

    FIELDS = "fields-differ"
    """A field that reaches Dataverse holds another value than both sides agreed on."""
    PERMISSIONS = "permissions-differ"
    REACH = "reach-differs"
    """An opt-out, a bounce or an ended opt-out that Dataverse does not have."""
    NEVER_COMPARED = "never-compared"
    """Both sides were never merged, so there is no agreement."""
    KEPT = "kept-in-spotler"
    """A field mapped `->` was edited in the platform: it stays until Dataverse changes it."""
    MISSING = "missing-in-spotler"
    """A record that should have a contact had none."""
    UNKNOWN = "unknown-to-dataverse"
    """The external id is that of a record that is not in an enabled table, or was deleted."""
    UNLINKED = "without-record"
    """The contact has no external id of the connector: a subscriber without a record."""


def divergences(
    contact: MarketingContact, key: RecordKey, binding: Binding, rules: Rules, catalogue: PropertyCatalogue
) -> frozenset[Divergence]:
    """Return the divergences of a contact from the agreement of one of its records; empty without any."""
    found: set[Divergence] = set()
    if not binding.agrees_on_mail(contact):
        found.add(Divergence.REACH)
    if not binding.initial_merge_done:
        return frozenset(found | {Divergence.NEVER_COMPARED})
    rows = rules.mapping.for_table(key.table)
    fields = mapped_fields(rows, key.table, catalogue)
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    for name in moved_fields(contact, binding.base, fields, fingerprint, rules.mapping.zone):
        reaches_dataverse = rules.unmapped is Unmapped.CLEAR or fields[name].row.direction.reaches_dataverse
        if fields[name].bit is not None:
            found.add(Divergence.PERMISSIONS)
        else:
            found.add(Divergence.FIELDS if reaches_dataverse else Divergence.KEPT)
    if left_in(contact, unmapped(rules, rows, catalogue)):
        found.add(Divergence.FIELDS)
    return frozenset(found)
