"""Registered steps: which saves are posted to the service endpoint.

As in Dataverse they are rows of `sdkmessageprocessingstep` and related tables; so a client can register more through
the Web API, and switch them off by `statecode`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.rows.store import Store
from shared.local.dataverse_sandbox.rows.writes import Saved

PERSON_TABLES = ("contact", "lead", "account")

_MESSAGES = (
    "Create", "Update", "Delete", "Merge", "QualifyLead", "SetState", "Assign", "AddMember", "AddListMembers",
    "Associate", "Disassociate",
)  # fmt: skip
# No step can be registered for these messages here: the messages for single rows fire for each row instead.
_BULK_MESSAGES = ("CreateMultiple", "UpdateMultiple", "UpsertMultiple")
_WITHOUT_BULK_MESSAGES = frozenset({"email"})  # Microsoft's reference of the table lists none
_SERVICE_BUS_QUEUE, _SAS_KEY, _JSON, _UTF8, _USER_ID = 6, 2, 2, 1, 2
_POST_OPERATION, _ASYNCHRONOUS = 40, 1
_ENABLED = 0
_STEP_TABLES = ("sdkmessageprocessingstep", "sdkmessageprocessingstepimage", "sdkmessagefilter", "sdkmessage")


class ImageType(IntEnum):
    """`imagetype` of a step image."""

    PRE = 0
    POST = 1
    BOTH = 2


@dataclass(frozen=True, slots=True)
class Image:
    """The values of a row before or after the save; without `attributes`, all of them."""

    alias: str
    type: ImageType
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Step:
    """A registered step. Without a table it fires for any; without filtering columns it fires for every update."""

    id: str
    message: str
    table: str | None
    filtering: frozenset[str]
    images: tuple[Image, ...]

    def concerns(self, event: Saved) -> bool:
        """Whether the event fires this step."""
        if event.message != self.message or self.table not in {None, event.table}:
            return False
        return event.message != "Update" or not self.filtering or not self.filtering.isdisjoint(event.target)


def register_messages(organization: Organization) -> None:
    """Insert the messages, and their filters for every table."""
    messages = {name: fixed_id("message", name) for name in (*_MESSAGES, *_BULK_MESSAGES)}
    organization.seed(("sdkmessage", {"sdkmessageid": key, "name": name}) for name, key in messages.items())
    for table in organization.schema.tables:
        add_filters(organization, table)


def add_filters(organization: Organization, table: str) -> None:
    """Insert the filter of each message for a table: a step is registered for a message and a table."""
    organization.seed(
        (
            "sdkmessagefilter",
            {
                "sdkmessagefilterid": fixed_id("filter", name, table),
                "sdkmessageid": ("sdkmessage", fixed_id("message", name)),
                "primaryobjecttypecode": table,
                "iscustomprocessingstepallowed": name not in _BULK_MESSAGES,
            },
        )
        for name in (*_MESSAGES, *(() if table in _WITHOUT_BULK_MESSAGES else _BULK_MESSAGES))
    )


def set_filtering(organization: Organization, filtering: Mapping[str, Sequence[str]]) -> None:
    """Replace the filtering columns of the steps on updates of tables."""
    store, update = organization.store, fixed_id("message", "Update")
    for identifier, row in list(store.rows("sdkmessageprocessingstep").items()):
        table = (store.follow(row.get("sdkmessagefilterid")) or {}).get("primaryobjecttypecode", "")
        if table in filtering and row["sdkmessageid"].id == update:
            columns = {"filteringattributes": ",".join(filtering[table])}
            store.put("sdkmessageprocessingstep", identifier, {**row, **columns})


class Steps:
    """The enabled steps of service endpoints, read again from their rows after each change."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_at: tuple[int, ...] = ()
        self._steps: dict[str, list[Step]] = {}

    def concerned(self, event: Saved) -> list[Step]:
        """Return the steps that an event fires."""
        generation = tuple(self._store.generations[table] for table in _STEP_TABLES)
        if generation != self._read_at:
            self._read_at = generation
            self._steps = self._read()
        return [step for step in self._steps.get(event.message, ()) if step.concerns(event)]

    def _read(self) -> dict[str, list[Step]]:
        steps: dict[str, list[Step]] = {}
        for identifier, row in self._store.rows("sdkmessageprocessingstep").items():
            handler, message = row.get("eventhandler"), self._store.follow(row.get("sdkmessageid"))
            if row["statecode"] != _ENABLED or handler is None or message is None:
                continue
            if handler.table != "serviceendpoint":
                continue
            filter_row = self._store.follow(row.get("sdkmessagefilterid"))
            step = Step(
                id=identifier,
                message=message["name"],
                table=filter_row["primaryobjecttypecode"] if filter_row else None,
                filtering=_names(row.get("filteringattributes")),
                images=self._images(identifier),
            )
            steps.setdefault(step.message, []).append(step)
        return steps

    def _images(self, step: str) -> tuple[Image, ...]:
        rows = self._store.related(step, "sdkmessageprocessingstepimage", "sdkmessageprocessingstepid")
        return tuple(
            Image(row.get("entityalias", ""), ImageType(row.get("imagetype", 0)), _names(row.get("attributes")))
            for row in rows
        )


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())
