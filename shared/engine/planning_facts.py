"""Facts for plans besides a record and its contact: permission defaults, bounces, names of permissions, consent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Protocol

from shared.domain.consent.bounces import BounceNote
from shared.domain.consent.changes import BULK_EMAIL, OPT_OUT, ConsentAct, ConsentChange, ConsentSource
from shared.domain.consent.permission_defaults import PermissionDefault
from shared.domain.consent.permission_renames import RememberedNames
from shared.domain.mapping.language.expression import MapTo
from shared.domain.mapping.reading import DO_NOT_EMAIL
from shared.domain.merging.agreement import NO, YES
from shared.domain.merging.permission_agreement import row_state
from shared.domain.merging.permission_merge import Row
from shared.domain.planning.binding import Binding, MailStatus
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Anonymize, Decision, Write
from shared.domain.planning.plan_input import BaseState
from shared.domain.planning.rules import Rules
from shared.domain.records.marketing_contact import PropertyCatalogue
from shared.domain.records.outcomes import HELD_BACK, Reason
from shared.domain.records.records import RecordKey
from shared.domain.values.fields import option_name
from shared.domain.values.mapped_fields import mapped_fields
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.guards.priority import breathe
from shared.engine.record_context import PlanningFacts, RecordContext
from shared.ports.clock import Clock


class Defaults(Protocol):
    """Knows which permissions a new record gets."""

    async def current(self) -> tuple[PermissionDefault, ...]:
        """Return the permissions as they are now; none if they cannot be read."""


class NameSource(Protocol):
    """Remembers the names of permissions."""

    async def remembered(self) -> RememberedNames:
        """Return the names that rows may have while a rename in Spotler is not complete."""


class ConsentRecorder(Protocol):
    """Keeps every change of consent."""

    async def record(self, changes: Sequence[ConsentChange]) -> None:
        """Keep changes, each once."""


class Bounces(Protocol):
    """Knows the contacts whose mail bounces."""

    async def of(self, external_ids: Sequence[str]) -> Mapping[str, BounceNote]:
        """Return the bounces of these contacts, with one read."""

    async def are_known_until(self) -> datetime | None:
        """Return until when bounces are known; None before the first poll."""

    async def reopened(self, contacts: Mapping[str, datetime]) -> None:
        """Note that contacts can be mailed, with the time of their last change."""

    async def solved(self, external_ids: Sequence[str]) -> None:
        """Forget the bounces of contacts that have a new address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningFactsLoader:
    """Loads permission defaults, bounces and the time for planning; afterwards records changes of consent."""

    defaults: Defaults
    names: NameSource
    consents: ConsentRecorder
    bounces: Bounces
    rules: Rules
    clock: Clock

    async def ahead(self) -> None:
        """Read the permission defaults, which do not depend on records, ahead of `load`."""
        await self.defaults.current()

    async def load(self, contexts: Sequence[RecordContext], catalogue: PropertyCatalogue) -> list[RecordContext]:
        """Add the time, the defaults, the bounces and the names of permissions to the contexts of a pass.

        Names are read after the records, and only if some record lacks the row of a permission: they are needed to
        tell whether it was deleted, or renamed.
        """
        if not contexts:
            return []
        notes = await self.bounces.of([context.held.external_id for context in contexts])
        facts = PlanningFacts(self.clock.now(), await self.defaults.current(), await self.bounces.are_known_until())
        if any(self._lacks_a_row(context, catalogue) for context in contexts):
            facts = replace(facts, names=await self.names.remembered())
        return [
            replace(
                context,
                facts=facts,
                bounce=notes.get(context.held.external_id),
                is_doubtful=context.held.base_state is BaseState.NOTHING,
            )
            for context in contexts
        ]

    async def record_changes(
        self,
        contexts: Sequence[RecordContext],
        plans: Mapping[RecordKey, Decision],
        catalogue: PropertyCatalogue,
        updates: Mapping[RecordKey, BindingUpdate],
    ) -> None:
        """Record the changes of consent that this pass brought, and remove bounces of addresses that were replaced."""
        changes: list[ConsentChange] = []
        solved: list[str] = []
        for context in contexts:
            await breathe()
            if (update := updates.get(context.key)) is None:
                continue
            after = update.binding
            changes += self._changes(context, plans[context.key], after, catalogue)
            is_needed = bool(context.sharing_records.keys)  # other records still have the address that fails
            has_moved = after.mail_status is MailStatus.OPEN and after.address != context.binding.address
            if context.bounce is not None and has_moved and not is_needed:
                solved.append(context.held.external_id)
        if changes:
            await self.consents.record(changes)
        if reopened := {context.held.external_id: at for context in contexts if (at := _reopened(context)) is not None}:
            await self.bounces.reopened(reopened)
        if solved:
            await self.bounces.solved(solved)

    def _changes(
        self, context: RecordContext, planned: Decision, after: Binding, catalogue: PropertyCatalogue
    ) -> Iterator[ConsentChange]:
        names = self._permissions(context, catalogue)
        agreed = self._answers(context.origin, names)
        # The binding of a successor is its lead's; and a dead worker may have sent more than its binding says.
        before = {} if context.successor_of is not None or context.is_doubtful else agreed
        now = {name: NO for name, answer in agreed.items() if answer} if not after.is_live else {}
        now |= {name: answer for name, answer in self._answers(after, names).items() if answer is not None}
        for order in context.item.orders.values():
            if now.get(order.option) is order.answer:
                act = replace(self._act(context, ConsentSource.JOB), correlation=str(order.job))
                yield from act.changes(before, {order.option: now.pop(order.option)})
        for source, answers in _by_source(context, planned, now).items():
            yield from self._act(context, source).changes(before, answers)
        if after.mail_status.is_opt_out is not context.origin.mail_status.is_opt_out:
            source = _source_of_opt_out(context) if after.mail_status.is_opt_out else ConsentSource.REACTIVATED
            act = self._act(context, source)
            yield from act.changes(
                {OPT_OUT: context.origin.mail_status.is_opt_out}, {OPT_OUT: after.mail_status.is_opt_out}
            )
            if MailStatus.OPTED_OUT_HERE in {context.origin.mail_status, after.mail_status}:
                is_allowed = not after.mail_status.is_opt_out
                yield from act.changes({BULK_EMAIL: not is_allowed}, {BULK_EMAIL: is_allowed})

    def _lacks_a_row(self, context: RecordContext, catalogue: PropertyCatalogue) -> bool:
        """Tell whether a record has no row of a permission that both sides agreed on as given."""
        record, binding = context.record, context.binding
        if record is None or not binding.is_live or not binding.initial_merge_done:
            return False
        rows = self.rules.mapping.rows_read(record)
        fields = {
            name: one
            for name, one in mapped_fields(rows, context.key.table, catalogue).items()
            if one.option_source is not None
        }
        answers = self._answers(binding, list(fields))
        return any(
            row_state(one, record, _NO_RENAMES, agreed_yes=answers[name] is YES) is Row.DELETED
            for name, one in fields.items()
        )

    def _act(self, context: RecordContext, source: ConsentSource) -> ConsentAct:
        return ConsentAct(self.clock.now(), context.key, context.held.external_id, source, context.item.correlation)

    def _permissions(self, context: RecordContext, catalogue: PropertyCatalogue) -> list[str]:
        names: list[str] = []
        for row in self.rules.mapping.for_table(context.key.table):
            definition = catalogue.named(row.property_name)
            if definition is not None and isinstance(row.sources[context.key.table], MapTo):
                names += [option_name(definition.name, entry.bit) for entry in definition.entries]
        return names

    def _answers(self, binding: Binding, names: Sequence[str]) -> dict[str, bool | None]:
        """Read yes and no out of fingerprints."""
        fingerprint = partial(self.rules.fingerprints.value, binding.external_id)
        answers: dict[str, bool | None] = {}
        for name in names:
            known = binding.base.get(name) if binding.is_live else None
            answers[name] = None if known is None else known == fingerprint(name, YES)
        return answers


_NO_RENAMES = RememberedNames({})


def _reopened(context: RecordContext) -> datetime | None:
    """Return when a contact was last changed that bounces had closed, and that can be mailed."""
    if (
        context.contact is None
        or context.contact.is_unreachable
        or context.bounce is None
        or context.bounce.closed is None
    ):
        return None
    return context.contact.last_changed


def _by_source(
    context: RecordContext, planned: Decision, answers: Mapping[str, bool]
) -> dict[ConsentSource, dict[str, bool]]:
    sources: dict[ConsentSource, dict[str, bool]] = {}
    for name, answer in answers.items():
        sources.setdefault(_source(context, planned, name, answer=answer), {})[name] = answer
    return sources


def _source(context: RecordContext, planned: Decision, name: str, *, answer: bool) -> ConsentSource:
    """Return where an answer came from."""
    if isinstance(planned, Anonymize):
        return _ENDS.get(planned.reason, ConsentSource.JOB)
    is_written_back = name in planned.dataverse_changes.prints
    is_default = is_written_back and isinstance(planned, Write) and name in planned.fields
    if is_default:  # only a default is written to both sides at once
        return ConsentSource.ENVIRONMENT_DEFAULT
    if planned.reason in HELD_BACK and context.record is not None and context.record.values.get(DO_NOT_EMAIL):
        return ConsentSource.DO_NOT_EMAIL  # the end of the contact is held, what the record refuses is not
    if is_written_back:
        return ConsentSource.PLATFORM_PROFILE if context.origin.initial_merge_done else ConsentSource.FIRST_MEETING
    if planned.permissions_off and not answer:
        return _source_of_all_off(context)
    return _ENDS.get(planned.reason, ConsentSource.DATAVERSE_ROW)


def _source_of_opt_out(context: RecordContext) -> ConsentSource:
    return ConsentSource.SUPPRESSION if context.plan_input.is_suppressed else ConsentSource.PLATFORM_OPT_OUT


def _source_of_all_off(context: RecordContext) -> ConsentSource:
    if context.record is not None and refuses_bulk(context.record):
        return ConsentSource.DO_NOT_BULK_EMAIL
    return ConsentSource.SHARED_CONTACT if context.sharing_records.refuse_bulk else ConsentSource.SUPPRESSION


_ENDS = {
    Reason.DELETED: ConsentSource.DELETION,
    Reason.MERGED: ConsentSource.DELETION,
    Reason.INACTIVE: ConsentSource.DEACTIVATED,
    Reason.DO_NOT_EMAIL: ConsentSource.DO_NOT_EMAIL,
}
