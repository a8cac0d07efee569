"""What both sides should hold once a record and its contact in Spotler have been read (S2D-02).

Fields and permissions are merged by `two_way`; here stand the cases around it: a contact that is gone, that cannot be
mailed, that belongs to somebody who came back, or that a dead worker may have made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.core.conditions import email_of, refuses_bulk
from shared.core.consent import BULK_EMAIL
from shared.core.early_rows import still_early
from shared.core.ends import let_go
from shared.core.fields import present_values, wished_fields
from shared.core.mapping.model import EMAIL
from shared.core.marketing import PropertyCatalogue, SpotlerContact
from shared.core.merge import Verdict as Merged
from shared.core.outcomes import FieldProblem, Reason, Result
from shared.core.records import PersonRecord
from shared.core.sending import besides, send_changes, write_or_rest
from shared.core.situation import (
    Binding,
    Decision,
    Look,
    Reach,
    Rest,
    Rules,
    Sight,
    Situation,
    Trust,
)
from shared.core.two_way import MappedField, Sides, agree, mapped_fields
from shared.core.way_back import WayBack

CLOCKS_DIFFER = timedelta(minutes=5)
AT_ONCE = timedelta(seconds=1)
"""What may lie between creation and last change of a contact that one write made."""


def agree_on_both(situation: Situation, rules: Rules, catalogue: PropertyCatalogue) -> Decision:
    """Merge both sides (S2D-02)."""
    record, binding, contact = situation.record, situation.binding, situation.contact
    assert record is not None, "a record that does not exist cannot meet the conditions"
    if contact is None:  # DEL-08: somebody erased it in Spotler; the record still belongs there
        anew = replace(situation, binding=Binding(binding.external_id), sight=Sight.BLIND, trust=Trust.BASE)
        decision = send_changes(anew, rules, catalogue)
        assert not isinstance(decision, Look), "who is blind does not look"
        return decision
    rows = rules.mapping.for_table(situation.key.table)
    address = rules.fingerprints.address(email_of(record, rows))
    there = rules.fingerprints.address(str(contact.properties.get(EMAIL, "")))
    if contact.is_unreachable and not (situation.has_only_bounced and address not in {binding.address, there}):
        # Others look for the contact under the address that it has there.
        known = there if address == there else binding.address or there
        is_mended = binding.is_live and address != known
        return _unreachable(replace(situation, binding=replace(binding, address=known)), record, is_mended=is_mended)
    if situation.has_come_back and binding.is_live and address != binding.address:
        # Who came back is somebody with the address that this record had before.
        return let_go(situation) if situation.neighbours.keys else Rest(binding, Result.FAILED, Reason.OPTED_OUT)
    wished = wished_fields(record, rules.mapping, catalogue)
    if wished.fatal:
        return Rest(binding, Result.FAILED, Reason.INVALID_VALUE, wished.fatal)
    lifts = situation.has_come_back and binding.reach is Reach.OPTED_OUT_HERE and refuses_bulk(record)
    off = (refuses_bulk(record) and not lifts) or situation.neighbours.refuse_bulk
    fields = mapped_fields((row for row in rows if not row.rests(record)), record.key.table, catalogue)
    fingerprint = partial(rules.fingerprints.value, binding.external_id)
    since = binding.since or situation.now
    dataverse = present_values(record, rules.mapping, catalogue)
    sides = Sides(
        record=record,
        dataverse=dataverse,
        spotler=contact,
        base=binding.base if binding.is_live else {},
        moves=binding.moves,
        now=situation.now,
        fingerprint=fingerprint,
        zone=rules.mapping.zone,
        defaults=situation.defaults,
        perhaps_sent=_perhaps_sent(situation, fields),
        is_doubtful=situation.trust is Trust.NOTHING,
        has_met=binding.has_met,
        has_come_back=situation.has_come_back,
        early=frozenset(still_early(binding, dataverse)),
        withholds=off,
        is_new_contact=_is_new(contact, situation, binding),
    )
    agreement = agree(sides, fields)
    email = str(agreement.home.get(EMAIL, wished.values.get(EMAIL, "")))
    home = WayBack(
        fields=agreement.fields,
        subscriptions=agreement.subscriptions,
        refuses_bulk=False if lifts else None,
        prints=agreement.returning,
        address=rules.fingerprints.address(email) if EMAIL in agreement.home else "",
    )
    agreed = replace(
        binding,
        is_live=True,
        base={**sides.base, **agreement.settled},
        address=address,
        has_met=True,
        since=since,
        reach=Reach.OPEN,
        moves=agreement.moves,
        verdicts=agreement.verdicts,
        announced=frozenset(),
        early={},
        is_stale=False,
    )
    problems = (*wished.omitted, *wished.cut, *_disputes(agreement.verdicts, fields, record))
    reason = Reason.RETURNED if home else Reason.AGREED
    rest = Rest(agreed, Result.UNCHANGED, reason, problems, permissions_off=off, home=home)
    return write_or_rest(rest, agreement.sent, besides(rules, rows, catalogue, email), was_live=binding.is_live)


def _perhaps_sent(situation: Situation, fields: Mapping[str, MappedField]) -> frozenset[str]:
    """Name the permissions whose yes a dead worker may have sent: of a contact that it made, all of them.

    So may that of somebody who comes back, and whose record never agreed on it: the word of who returns is the newer.
    """
    if situation.has_come_back:
        return frozenset(fields.keys() - situation.binding.base.keys())
    if situation.trust is Trust.BASE:
        return frozenset()
    return situation.binding.announced if situation.binding.is_live else frozenset(fields)


def _is_new(contact: SpotlerContact, situation: Situation, binding: Binding) -> bool:
    """Whether this record's first write made the contact, and nobody has changed it since (ENV-12).

    One that a form made a moment before was changed by that write: in Spotler's own time, it is older than its last
    change. Two services' clocks could not tell.
    """
    if binding.has_met or situation.neighbours.keys or contact.created is None or contact.last_changed is None:
        return False
    since = binding.since or situation.now
    return contact.last_changed - contact.created <= AT_ONCE and contact.created >= since - CLOCKS_DIFFER


def _unreachable(situation: Situation, record: PersonRecord, *, is_mended: bool) -> Rest:
    """Nothing is sent for somebody who opted out (OPT-07, OPT-08), or whose address bounced, until it changes.

    Which of the two it was, the next poll knows, which asks for bounces first: an address that fails is no opt-out.
    `is_mended`: the record has another address by now, and still nobody may open the contact.
    """
    binding = replace(situation.binding, is_live=True, has_met=True, announced=frozenset(), is_stale=False)
    if situation.bounce is not None and not binding.reach.is_opt_out:
        reason = Reason.PERHAPS_OPTED_OUT if is_mended else situation.bounce
        return Rest(replace(binding, reach=Reach.BOUNCED), Result.FAILED, reason)
    if binding.reach.is_opt_out or refuses_bulk(record):
        found = Reach.OPTED_OUT_HERE if BULK_EMAIL in situation.binding.announced else Reach.OPTED_OUT
        reach = binding.reach if binding.reach.is_opt_out else found
        return Rest(replace(binding, reach=reach), Result.FAILED, Reason.OPTED_OUT)
    if situation.is_silent:
        closed = replace(situation.binding, is_live=True, reach=Reach.CLOSED)
        return Rest(closed, Result.FAILED, Reason.NO_ACTIVE_CHANNEL)
    opted_out = replace(binding, reach=Reach.OPTED_OUT_HERE)
    return Rest(opted_out, Result.FAILED, Reason.OPTED_OUT, home=WayBack(refuses_bulk=True))


def _disputes(
    merged: Mapping[str, Merged], fields: Mapping[str, MappedField], record: PersonRecord
) -> tuple[FieldProblem, ...]:
    """Tell the record's owner what only a person can decide."""
    return tuple(
        FieldProblem(name, str(fields[name].row.sources[record.key.table]), dispute=_DISPUTES[verdict])
        for name, verdict in merged.items()
        if verdict in _DISPUTES
    )


_DISPUTES = {
    Merged.ASKED: "was changed on both sides; make both equal",
    Merged.FROZEN: "keeps changing to and fro; something rewrites it",
}
