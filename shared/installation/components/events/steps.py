"""The steps of the service endpoint: which messages reach the connector, and for which columns (MAP-35).

A step is known by its endpoint, message and table. An image belongs to a step that exists: the step is created switched
off, and switched on once it has its image, so that no message comes without it. Whether a finished step is switched on
is left to administrators. Steps join no solution, as their endpoint does not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.errors import ConfigurationError, Service
from shared.installation.components.kind import ComponentKind, Kind
from shared.installation.components.schema.definitions import table_path
from shared.installation.desired.state import DesiredState, EventStep
from shared.installation.organisation.organisation import Organisation
from shared.installation.wire.customization_client import CustomizationClient

_ASYNCHRONOUS, _POST_OPERATION, _SERVER, _FIRST, _PRE_IMAGE = 1, 40, 0, 1, 0
_STEPS: Final = "sdkmessageprocessingsteps"
_IMAGES: Final = "sdkmessageprocessingstepimages"
_MARKER: Final = "Installed by the Spotler Connector"
_UNFINISHED: Final = "Installed by the Spotler Connector, which switches it on once it has its image"
_EVENT: Final = "sdkmessagefilterid,_sdkmessageid_value"
_ON: Final = {"statecode": 0, "statuscode": 1}
_OFF: Final = {"statecode": 1, "statuscode": 2}


@dataclass(frozen=True, slots=True)
class StepFound:
    """A step that exists: its columns, its pre-image, the columns that its table has.

    It is `unfinished` if a run ended between its creation and its image: that run left it switched off.
    """

    id: UUID
    columns: frozenset[str]
    image: tuple[UUID, frozenset[str]] | None
    existing: frozenset[str]
    unfinished: bool


class Steps(ComponentKind[EventStep, StepFound]):
    """Asynchronous steps after the operation."""

    kind = Kind.STEP

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def wanted(self, desired: DesiredState, organisation: Organisation) -> Sequence[EventStep]:
        """Return the steps of tables that exist or are own ones, where there is an endpoint or will be one."""
        if desired.endpoint is None and not organisation.has_endpoint:
            return ()
        own = {table.name for table in desired.tables}
        return [step for step in desired.steps if step.table in own or organisation.has(step.table)]

    async def find(
        self, client: CustomizationClient, wanted: Sequence[EventStep], organisation: Organisation
    ) -> Mapping[str, StepFound]:
        """Read the steps of the endpoint."""
        endpoint = await self._endpoint_id(client) if wanted else None
        if endpoint is None:
            return {}
        rows = await client.rows(
            _STEPS,
            select="sdkmessageprocessingstepid,filteringattributes,description",
            filter=odata.compare("_eventhandler_value", ODataComparison.EQUAL, endpoint),
            expand="sdkmessageid($select=name),sdkmessagefilterid($select=primaryobjecttypecode)",
        )
        by_event = {
            (row["sdkmessageid"]["name"], (row["sdkmessagefilterid"] or {}).get("primaryobjecttypecode")): row
            for row in rows
        }
        found = {step: by_event[step.message, step.table] for step in wanted if (step.message, step.table) in by_event}
        columns = await _columns(client, [step.table for step in found if step.columns])
        ids = {step: UUID(row["sdkmessageprocessingstepid"]) for step, row in found.items()}
        images = await _images(client, [identifier for step, identifier in ids.items() if step.image])
        return {
            step.name: StepFound(
                id=ids[step],
                columns=_names(row["filteringattributes"]),
                image=images.get(ids[step]),
                existing=columns.get(step.table, frozenset()),
                unfinished=row["description"] == _UNFINISHED,
            )
            for step, row in found.items()
        }

    async def _endpoint_id(self, client: CustomizationClient) -> UUID | None:
        rows = await client.rows("serviceendpoints", select="serviceendpointid", filter=self._of_endpoint)
        return UUID(rows[0]["serviceendpointid"]) if rows else None

    @property
    def _of_endpoint(self) -> str:
        return odata.compare("name", ODataComparison.EQUAL, self._endpoint)

    def differences(self, wanted: EventStep, found: StepFound, organisation: Organisation) -> Sequence[str]:
        """Compare filtering columns and pre-image."""
        columns = wanted.columns & found.existing
        missing, extra = sorted(columns - found.columns), sorted(found.columns - columns)
        return [
            *((f"does not hear of {', '.join(missing)}",) if missing else ()),
            *((f"hears of {', '.join(extra)}, which nothing needs",) if extra else ()),
            *(() if _images_fit(wanted, found, organisation) else ("pre-image",)),
            *(("was left switched off",) if found.unfinished else ()),
        ]

    async def create(self, client: CustomizationClient, wanted: EventStep, organisation: Organisation) -> None:
        """Insert the step; one with a pre-image is switched on after that image was inserted."""
        endpoints, events, *listed = await client.collections(
            [
                odata.reads("serviceendpoints", {"$select": "serviceendpointid", "$filter": self._of_endpoint}),
                odata.reads("sdkmessagefilters", {"$select": _EVENT, "$filter": _of_event(wanted)}),
                *(_columns_paths([wanted.table]) if wanted.columns else ()),
            ]
        )
        if not endpoints:
            raise ConfigurationError(
                f"There is no service endpoint {self._endpoint}: install the kind endpoint first",
                service=Service.DATAVERSE,
            )
        if not events:
            raise ConfigurationError(
                f"This organisation has no message {wanted.message} of {wanted.table} for a step of the connector",
                service=Service.DATAVERSE,
            )
        existing = frozenset(row["LogicalName"] for rows in listed for row in rows)
        body = {
            "name": wanted.name,
            "description": _UNFINISHED if wanted.image else _MARKER,
            **(_OFF if wanted.image else {}),
            "mode": _ASYNCHRONOUS,
            "stage": _POST_OPERATION,
            "rank": _FIRST,
            "supporteddeployment": _SERVER,
            "asyncautodelete": True,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoints[0]['serviceendpointid']})",
            "sdkmessageid@odata.bind": f"/sdkmessages({events[0]['_sdkmessageid_value']})",
            "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({events[0]['sdkmessagefilterid']})",
        }
        if columns := sorted(wanted.columns & existing):
            body["filteringattributes"] = ",".join(columns)
        identifier = await client.outside_the_solution().create(_STEPS, body)
        assert identifier is not None
        if wanted.image:
            await _create_image(client, wanted, identifier, organisation)
            await _switch_on(client, identifier)

    async def change(
        self, client: CustomizationClient, wanted: EventStep, found: StepFound, organisation: Organisation
    ) -> None:
        """Replace filtering columns and pre-image where they differ; switch on what an earlier run left off."""
        columns = wanted.columns & found.existing
        if columns != found.columns:
            body = {"filteringattributes": ",".join(sorted(columns)) or None}
            await client.outside_the_solution().change(f"{_STEPS}({found.id})", body)
        if not _images_fit(wanted, found, organisation):
            await _write_image(client, wanted, found, organisation)
        if found.unfinished:
            await _switch_on(client, found.id)

    async def remove(self, client: CustomizationClient, wanted: EventStep, found: StepFound) -> None:
        """Delete the pre-image, then the step."""
        if found.image is not None:
            await client.outside_the_solution().remove(f"{_IMAGES}({found.image[0]})")
        await client.outside_the_solution().remove(f"{_STEPS}({found.id})")


def _image_columns(step: EventStep, organisation: Organisation) -> tuple[str, ...]:
    """Return the columns of the pre-image; without leads, no row points to one."""
    return tuple(name for name in step.image if name != "dh_leadid" or organisation.has("lead"))


def _images_fit(step: EventStep, found: StepFound, organisation: Organisation) -> bool:
    if not step.image:
        return True
    return found.image is not None and found.image[1] >= set(_image_columns(step, organisation))


async def _create_image(client: CustomizationClient, wanted: EventStep, step: UUID, organisation: Organisation) -> None:
    await client.outside_the_solution().create(
        _IMAGES,
        {
            "name": "pre",
            "entityalias": "pre",
            "imagetype": _PRE_IMAGE,
            "messagepropertyname": "Target",
            "attributes": ",".join(_image_columns(wanted, organisation)),
            "sdkmessageprocessingstepid@odata.bind": f"/{_STEPS}({step})",
        },
    )


async def _write_image(
    client: CustomizationClient, wanted: EventStep, found: StepFound, organisation: Organisation
) -> None:
    if found.image is None:
        await _create_image(client, wanted, found.id, organisation)
        return
    body = {"attributes": ",".join(_image_columns(wanted, organisation))}
    await client.outside_the_solution().change(f"{_IMAGES}({found.image[0]})", body)


async def _switch_on(client: CustomizationClient, step: UUID) -> None:
    await client.outside_the_solution().change(f"{_STEPS}({step})", {**_ON, "description": _MARKER})


async def _images(client: CustomizationClient, steps: Sequence[UUID]) -> dict[UUID, tuple[UUID, frozenset[str]]]:
    """Read the pre-images of some steps, by step."""
    options = [
        {
            "$select": "sdkmessageprocessingstepimageid,imagetype,attributes",
            "$filter": odata.compare("_sdkmessageprocessingstepid_value", ODataComparison.EQUAL, step),
        }
        for step in steps
    ]
    collections = await client.collections([odata.reads(_IMAGES, one) for one in options])
    return {
        step: (UUID(row["sdkmessageprocessingstepimageid"]), _names(row["attributes"]))
        for step, rows in zip(steps, collections, strict=True)
        for row in rows
        if row["imagetype"] == _PRE_IMAGE
    }


async def _columns(client: CustomizationClient, tables: Sequence[str]) -> dict[str, frozenset[str]]:
    """Read the names of the columns of some tables."""
    collections = await client.collections(_columns_paths(tables))
    names = (frozenset(row["LogicalName"] for row in rows) for rows in collections)
    return dict(zip(tables, names, strict=True))


def _columns_paths(tables: Sequence[str]) -> list[str]:
    return [odata.reads(f"{table_path(table)}/Attributes", {"$select": "LogicalName"}) for table in tables]


def _of_event(step: EventStep) -> str:
    return odata.all_of(
        odata.compare("primaryobjecttypecode", ODataComparison.EQUAL, step.table),
        odata.compare("sdkmessageid/name", ODataComparison.EQUAL, step.message),
        odata.compare("iscustomprocessingstepallowed", ODataComparison.EQUAL, value=True),
    )


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())
