"""What a plan can decide: write, anonymize or rest; or read the contact first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.merging.dataverse_changes import NOTHING, DataverseChanges
from shared.domain.planning.binding import Binding
from shared.domain.records.marketing_contact import PropertyValue, Purge
from shared.domain.records.outcomes import FieldProblem, Reason, Result


class WriteMode(StrEnum):
    """How a write reaches Spotler, and what happens where Spotler does not have the contact (any more)."""

    UPSERT = "upsert"
    """In bulk; the contact is created."""
    INSERT = "insert"
    """In bulk; a contact that is there stays as it is."""
    UPDATE = "update"
    """A call each; nothing is created."""


@dataclass(frozen=True, slots=True)
class Write:
    """Send these properties, then bring home what Spotler knows better. `binding` is what to remember afterwards.

    `meets`: the contact has perhaps been there before; both sides are to be compared once this is written.
    `if_absent` is what a contact gets instead that Spotler does not have (any more): everything, with its permissions
    (DEL-08). None where the contact was just read.
    """

    properties: Mapping[str, PropertyValue]
    fields: tuple[str, ...]
    purge: Purge
    binding: Binding
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False
    dataverse_changes: DataverseChanges = NOTHING
    meets: bool = False
    delivery: WriteMode = WriteMode.UPSERT
    if_absent: Write | None = None


@dataclass(frozen=True, slots=True)
class Anonymize:
    """Call Spotler's anonymise. `binding` is what to remember afterwards."""

    binding: Binding
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave the data in Spotler alone; perhaps something comes home.

    `result` tells how that counts, `binding` what to remember. `refused` are options that are switched off all the
    same, by a call of their own (OPT-02): a refusal depends on nothing else. `if_absent`: see `Write`.
    """

    binding: Binding
    result: Result
    reason: Reason
    problems: tuple[FieldProblem, ...] = ()
    permissions_off: bool = False
    dataverse_changes: DataverseChanges = NOTHING
    refused: Mapping[str, PropertyValue] = field(default_factory=dict)
    if_absent: Write | None = None


@dataclass(frozen=True, slots=True)
class FetchContact:
    """Read the Spotler contact and plan again: what is there decides.

    `can_wait`: where too many would have to be read, Dataverse's side may go first (Sight.BLIND).
    """

    binding: Binding
    can_wait: bool = False


Decision = Write | Anonymize | Rest
"""What can be carried out."""


Plan = Decision | FetchContact
