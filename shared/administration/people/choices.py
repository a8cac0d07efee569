"""What a person decides about one record: which side of a disputed field counts, and which duplicate is primary.

A side is taken by changing what counts as agreed on: the value of the other side. The next pass then finds that only
the chosen side has changed, and carries its value over. If a value changes meanwhile, both have changed again.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import uuid4

from shared.domain.merging.merge import MergeDecision
from shared.domain.planning.rules import Rules
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import RecordKey, Reference, Why
from shared.domain.values.fields import Scalar, present_values
from shared.domain.values.mapped_fields import mapped_fields, values_of
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.refused_acts import ChoiceRefusal
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.claims import Claims
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.engine.bindings.ledger import Ledger
from shared.errors import ConflictError, Service
from shared.messages.lane_messages import Lanes
from shared.ports.dataverse import Crm
from shared.ports.marketing_platform import MarketingPlatform
from shared.ports.queue import QueueName


class Side(StrEnum):
    """The side whose value counts."""

    DATAVERSE = "dynamics"
    PLATFORM = "spotler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Carries decisions out. All methods raise ConnectorErrors; ConflictError if there is nothing left to decide."""

    crm: Crm
    platform: MarketingPlatform
    ledger: Ledger
    lanes: Lanes
    rules: Rules

    async def take_side(self, key: RecordKey, name: str, side: Side) -> None:
        """Let one side of a field count that both sides changed (`ask`), and process the record at once."""
        binding = (await self.ledger.entries([key]))[key].binding
        if binding.merge_decisions.get(name) is not MergeDecision.ASKED:
            raise _conflict(ChoiceRefusal.DECIDED())
        here, there = await self._values(key, name, binding.external_id)
        other = there if side is Side.DATAVERSE else here
        claims = Claims(self.ledger)
        await self._claimed(claims, binding.external_id)
        try:
            entry = (await self.ledger.entries([key]))[key]
            if entry.binding != binding:
                raise _conflict(ChoiceRefusal.PROCESSED())
            claims.note_versions({key: entry})
            decisions = {field: one for field, one in binding.merge_decisions.items() if field != name}
            agreed = {**binding.base, name: self.rules.fingerprints.value(binding.external_id, name, other)}
            decided = replace(binding, base=agreed, merge_decisions=decisions, is_stale=True)
            waits = Outcome(key, Result.WAITING, Reason.BUSY)
            if await claims.save({key: BindingUpdate(decided, waits, "")}):
                raise _conflict(ChoiceRefusal.PROCESSED())
        finally:
            await claims.release()
        await self._process([key])

    async def make_primary(self, key: RecordKey) -> None:
        """Let a record be the primary one of those that share its contact: the contact gets its values (decision 5)."""
        external_id = (await self.ledger.entries([key]))[key].binding.external_id
        claims = Claims(self.ledger)
        held = await self._claimed(claims, external_id)
        try:
            former = held.primary_user
            if former in {None, key} or held.users.get(key) in {None, Consent.NO_MAIL}:
                raise _conflict(ChoiceRefusal.NOT_PRIMARY())
            assert former is not None, "it was compared"
            agreed = (await self.ledger.entries([former]))[former].binding.base
            succession = {**(held.succession or {}), **agreed}
            claims.change([replace(held, primary=key, succession=succession)])
        finally:
            await claims.release()
        await self._process(held.users)

    async def _values(self, key: RecordKey, name: str, external_id: str) -> tuple[Scalar, Scalar]:
        """Return the values of both sides, in the platform's form."""
        record = (await self.crm.read_people([key])).get(key)
        contact = await self.platform.contact(external_id)
        if record is None or contact is None:
            raise _conflict(ChoiceRefusal.SIDE_GONE())
        mapping, catalogue = self.rules.mapping, await self.platform.properties()
        fields = mapped_fields(mapping.rows_read(record), key.table, catalogue)
        here = present_values(record, mapping, catalogue).get(name)
        if name not in fields or here is None:
            raise _conflict(ChoiceRefusal.DOES_NOT_FIT())
        return here, values_of(contact, {name: fields[name]}, mapping.zone)[name]

    async def _claimed(self, claims: Claims, external_id: str) -> HeldContact:
        claimed = await claims.claim([external_id])
        if external_id not in claimed:
            raise _conflict(ChoiceRefusal.IN_PROCESS())
        return claimed[external_id]

    async def _process(self, keys: Collection[RecordKey]) -> None:
        correlation = str(uuid4())
        references = [Reference(key, Why.RESYNC, correlation) for key in sorted(keys)]
        await self.lanes.send_references(QueueName.LIVE, references)


def _conflict(text: Phrase) -> ConflictError:
    return ConflictError(text, service=Service.STATE)
