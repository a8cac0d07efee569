"""The input of the merge of one record, and its result by field (S2D-02)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.merging.dataverse_changes import FieldReturn, SubscriptionReturn
from shared.domain.merging.flapping import Move
from shared.domain.merging.merge import FieldVersions, MergeDecision
from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState, PlanInput
from shared.domain.planning.rules import Rules
from shared.domain.records.fingerprints import ContactFingerprints
from shared.domain.records.marketing_contact import MarketingContact
from shared.domain.records.records import PersonRecord
from shared.domain.values.fields import Scalar

Fingerprint = Callable[[str, Scalar], str]
"""Makes the fingerprint of a field (by name) with a value."""

YES, NO = True, False
"""The state of a permission."""


@dataclass(frozen=True, slots=True)
class MergeInput:
    """The input of the merge of one record.

    `contact` is the contact to merge with: the one that was read, or an empty one for a record without contact.
    `fingerprints` makes the fingerprints of its values. `dataverse` are the record's values in the platform's form.
    `base` are the fingerprints of what both sides agreed on. `perhaps_sent` are permissions whose yes a dead worker may
    have sent. `withholds`: every permission must be off (PERM-08). `is_new_contact`: the connector made the contact, so
    nobody refused a permission there before (ENV-12). `default_rows` are permissions whose rows show only the
    administrator's default. `refused` has the time when others, or the person, last refused a permission at the
    address.
    """

    plan_input: PlanInput
    rules: Rules
    contact: MarketingContact
    fingerprints: ContactFingerprints
    dataverse: Mapping[str, Scalar]
    base: Mapping[str, str]
    perhaps_sent: frozenset[str] = frozenset()
    withholds: bool = False
    is_new_contact: bool = False
    default_rows: frozenset[str] = frozenset()
    refused: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def record(self) -> PersonRecord:
        """The record, which exists: the conditions are met."""
        record = self.plan_input.record
        assert record is not None, "a record that does not exist cannot meet the conditions"
        return record

    @property
    def binding(self) -> Binding:
        """The record's binding before the merge."""
        return self.plan_input.binding

    @property
    def is_doubtful(self) -> bool:
        """Whether a worker may have written more than the base shows."""
        return self.plan_input.base_state is BaseState.NOTHING

    def fingerprint(self, name: str, value: Scalar) -> str:
        """Make the fingerprint of a field's value in the contact of the binding."""
        return self.fingerprints.value(name, value)


@dataclass(slots=True)
class Agreement:
    """The result of a merge, by field.

    `sent` are values for the platform and `settled` the fingerprints to store once the platform has accepted them.
    `to_dataverse` are values for Dataverse and `returning` the fingerprints to store once Dataverse has accepted them.
    """

    sent: dict[str, Scalar] = field(default_factory=dict)
    to_dataverse: dict[str, Scalar] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    returning: dict[str, str] = field(default_factory=dict)
    merge_decisions: dict[str, MergeDecision] = field(default_factory=dict)
    flap_history: dict[str, Move] = field(default_factory=dict)
    fields: tuple[FieldReturn, ...] = ()
    subscriptions: tuple[SubscriptionReturn, ...] = ()

    def carry(self, merge_input: MergeInput, name: str, versions: FieldVersions, decision: MergeDecision) -> None:
        """Note the value that a decision sends to one side, with its fingerprint."""
        if decision is MergeDecision.AGREED:
            self.settled[name] = merge_input.fingerprint(name, versions.platform)
        elif decision.reaches_platform and versions.dataverse is not None:
            self.sent[name] = versions.dataverse
            self.settled[name] = merge_input.fingerprint(name, versions.dataverse)
        elif decision.reaches_dataverse:
            self.write_back(merge_input, name, versions.platform)

    def write_back(self, merge_input: MergeInput, name: str, value: Scalar) -> None:
        """Note a value for Dataverse, with its fingerprint."""
        self.to_dataverse[name] = value
        self.returning[name] = merge_input.fingerprint(name, value)
