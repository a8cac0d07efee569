"""Registered steps: which saves are posted to the service endpoint.

As in Dataverse they are rows of `sdkmessageprocessingstep` and related tables; so a client can register more through
the Web API, and switch them off by `statecode`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from shared.local.dataverse_sandbox.organisation.organization import Organization, fixed_id
from shared.local.dataverse_sandbox.rows.store import Row, Store
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


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """An initial step."""

    table: str
    message: str
    filtering: Sequence[str] = ()
    pre_image: Sequence[str] = ()


def connector_steps(filtering: Mapping[str, Sequence[str]]) -> list[StepDefinition]:
    """Return the steps that the connector needs; `filtering` holds the filtering columns, by table."""
    steps = [StepDefinition(table, message) for table in PERSON_TABLES for message in ("Create", "Delete", "Merge")]
    steps += [StepDefinition(table, "Update", tuple(filtering.get(table, ()))) for table in PERSON_TABLES]
    steps.append(StepDefinition("lead", "QualifyLead"))
    owners = ("dh_customerid", "dh_leadid")
    steps += [
        StepDefinition("dh_spotlerpermission", "Create"),
        StepDefinition("dh_spotlerpermission", "Update", tuple(filtering.get("dh_spotlerpermission", ())), owners),
        StepDefinition("dh_spotlerpermission", "Delete", pre_image=owners),
        StepDefinition("dh_spotlerjob", "Create"),
        StepDefinition("list", "Update", ("statecode",)),
        StepDefinition("list", "Delete"),
        StepDefinition("list", "AddMember"),
        StepDefinition("list", "AddListMembers"),
        StepDefinition("listmember", "Create"),
        StepDefinition("listmember", "Delete", pre_image=("listid", "entityid")),
    ]
    return steps


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


def register(organization: Organization, steps: Sequence[StepDefinition]) -> None:
    """Insert a service endpoint, and the steps."""
    endpoint = fixed_id("serviceendpoint")
    organization.seed([("serviceendpoint", _endpoint(endpoint))])
    for definition in steps:
        if definition.table in organization.schema.tables:
            _register_step(organization, definition, endpoint)


def _endpoint(identifier: str) -> Row:
    return {
        "serviceendpointid": identifier,
        "name": "Sandbox queue",
        "contract": _SERVICE_BUS_QUEUE,
        "authtype": _SAS_KEY,
        "messageformat": _JSON,
        "messagecharset": _UTF8,
        "userclaim": _USER_ID,
        "path": "dataverse-events",
        "solutionnamespace": "sandbox",
    }


def _register_step(organization: Organization, definition: StepDefinition, endpoint: str) -> None:
    table, message = definition.table, definition.message
    identifier = fixed_id("step", table, message)
    step = {
        "sdkmessageprocessingstepid": identifier,
        "name": f"Connector: {message} of {table}",
        "mode": _ASYNCHRONOUS,
        "stage": _POST_OPERATION,
        "filteringattributes": ",".join(definition.filtering) or None,
        "eventhandler": ("serviceendpoint", endpoint),
        "sdkmessageid": ("sdkmessage", fixed_id("message", message)),
        "sdkmessagefilterid": ("sdkmessagefilter", fixed_id("filter", message, table)),
    }
    organization.seed([("sdkmessageprocessingstep", step)])
    if definition.pre_image:
        image = {
            "name": "pre",
            "entityalias": "pre",
            "imagetype": ImageType.PRE.value,
            "attributes": ",".join(definition.pre_image),
            "sdkmessageprocessingstepid": ("sdkmessageprocessingstep", identifier),
        }
        organization.seed([("sdkmessageprocessingstepimage", image)])


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
