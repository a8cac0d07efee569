"""The decisions of a plan: write, anonymize or rest; or read the contact first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from shared.domain.merging.dataverse_changes import NOTHING, DataverseChanges
from shared.domain.planning.binding import Binding
from shared.domain.records.marketing_contact import PropertyValue, Purge
from shared.domain.records.outcomes import FieldProblem, Reason, Result


class WriteMode(StrEnum):
    """How a write reaches the platform, and what happens if the contact does not exist."""

    UPSERT = "upsert"
    """In bulk; the contact is created."""
    INSERT = "insert"
    """In bulk; a contact that is there stays as it is."""
    UPDATE = "update"
    """A call each; nothing is created."""


@dataclass(frozen=True, slots=True)
class Write:
    """Send properties, then write back to Dataverse. `binding` is the binding to store afterwards.

    `meets`: the contact may have existed before; both sides are compared after this write. `if_absent` replaces the
    write if the contact does not exist: everything, with its permissions (DEL-08). None if the contact was just read.
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
    if_absent: Self | None = None


@dataclass(frozen=True, slots=True)
class Anonymize:
    """Anonymise the contact in the platform. `binding` is the binding to store afterwards."""

    binding: Binding
    reason: Reason


@dataclass(frozen=True, slots=True)
class Rest:
    """Leave the data of the contact as they are; Dataverse may change.

    `result` is the result of the outcome, `binding` the binding to store. `refused` are options that a call of its own
    switches off (OPT-02): a refusal depends on nothing else. `if_absent`: see `Write`.
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
    """Read the contact and plan again: the plan depends on its content.

    `can_wait`: if too many contacts would have to be read, Dataverse's side may be sent first (`Fetched.SKIPPED`).
    """

    binding: Binding
    can_wait: bool = False


Decision = Write | Anonymize | Rest
"""A plan that can be carried out."""


Plan = Decision | FetchContact
