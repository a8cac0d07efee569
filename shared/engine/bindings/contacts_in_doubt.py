"""Binds records to contacts in doubt: a dead worker may have made them, and could not store the binding.

The plan of a record that is synchronised finds such a contact. For a record that ends, or is not synchronised any more,
the contact must be read first. Once the record is bound, its refusals still reach the contact, and its end erases it.
"""

from dataclasses import replace

from shared.domain.mapping.model import EMAIL
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Anonymize, Decision, Plan, Rest
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.outcomes import Reason, Result
from shared.engine.bindings.contact_documents import Consent
from shared.engine.record_context import RecordContext


def may_be_left_over(context: RecordContext, planned: Plan) -> bool:
    """Whether a plan would leave a contact in doubt to no record, or erase it unread."""
    if not is_unbound(context):
        return False
    match planned:
        case Anonymize():
            return True  # refusals in the contact must outlive it
        case Rest(result=Result.SKIPPED | Result.FAILED):
            stays_on_purpose = planned.reason is Reason.DELETED  # `EndAction.NOTHING`
            return not (planned.binding.is_live or stays_on_purpose)
        case _:
            return False


def is_unbound(context: RecordContext) -> bool:
    """Whether a dead worker may have made a contact for a record that is not bound."""
    is_doubtful = context.held.base_state is BaseState.NOTHING and not context.sharing_records.keys
    return is_doubtful and not context.binding.is_live


def is_there(context: RecordContext) -> bool:
    """Whether the contact was read, and holds data."""
    return context.contact is not None and bool(context.contact.properties.get(EMAIL))


def is_to_be_taken_over(context: RecordContext, planned: Decision) -> bool:
    """Whether the contact was read, and the plan would leave it to no record.

    The contact of a qualified lead ends: its successor found no binding, and may have a contact of its own.
    """
    return may_be_left_over(context, planned) and is_there(context) and planned.reason is not Reason.LEAD_QUALIFIED


def with_contact_taken_over(context: RecordContext, fingerprints: Fingerprinter) -> RecordContext:
    """Bind a record to the contact that was read, without any agreement on its content."""
    assert context.contact is not None, "only a contact that was read can be taken over"
    address = fingerprints.address(str(context.contact.properties[EMAIL]))
    binding = replace(context.binding, is_live=True, address=address, since=context.facts.now)
    record = context.record
    said = Consent.NO_BULK if record is not None and refuses_bulk(record) else Consent.ALLOWS
    held = replace(context.held, users={**context.held.users, context.key: said})
    return replace(context, origin=binding, binding=binding, held=held)
