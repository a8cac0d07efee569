"""A message of Dataverse, reduced to ids and names of tables and columns, without values."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shared.domain.records.records import Lookup
from shared.ports.organisations import Origin


class Message(StrEnum):
    """Messages of the platform that the connector subscribes to or may receive."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"
    SET_STATE = "SetState"
    SET_STATE_DYNAMIC_ENTITY = "SetStateDynamicEntity"
    ASSIGN = "Assign"
    MERGE = "Merge"
    QUALIFY_LEAD = "QualifyLead"
    ASSOCIATE = "Associate"
    DISASSOCIATE = "Disassociate"
    ADD_MEMBER = "AddMember"
    ADD_LIST_MEMBERS = "AddListMembers"
    REMOVE_MEMBER = "RemoveMember"
    CREATE_MULTIPLE = "CreateMultiple"
    UPDATE_MULTIPLE = "UpdateMultiple"
    UPSERT_MULTIPLE = "UpsertMultiple"
    DELETE_MULTIPLE = "DeleteMultiple"


@dataclass(frozen=True, slots=True)
class DataverseEvent:
    """One message, reduced to what may be logged.

    `message` is a `Message`, or the name of a custom action. `table` is "none" and `id` None if the message does not
    concern one row. `changed` names the columns of the Target; empty means unknown. `references` are all rows that the
    message names, the primary row first, including users and currencies. `tags` are the `?tag=` values of the requests
    that caused the message. `stripped`: the body was over the size limit and lost its parameters, so only the primary
    row is known.
    """

    message: Message | str
    table: str
    id: UUID | None
    origin: Origin
    correlation_id: UUID | None
    operation_id: UUID | None
    initiating_user: UUID | None
    user: UUID | None
    depth: int
    tags: frozenset[str]
    changed: frozenset[str]
    references: tuple[Lookup, ...]
    stripped: bool
    members: tuple[UUID, ...] = ()
    """Rows that a message adds to a list or removes from it by id; their table is that of the list's members."""

    @property
    def rows(self) -> tuple[UUID, ...]:
        """The rows of `table` that the message concerns; several if it has no primary row, as CreateMultiple."""
        if self.id is not None:
            return (self.id,)
        return tuple(dict.fromkeys(lookup.id for lookup in self.references if lookup.table == self.table))
