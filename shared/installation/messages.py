"""What becomes of the messages of the service endpoint: steps that are switched off, System Jobs that do not end.

Source of the states: Microsoft's page "asyncoperation entity reference". Dataverse repeats a post while Service Bus
does not answer (waiting), and gives it up when it is refused (failed). Nobody sends a failed post again (TRB-02).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from shared.adapters.dataverse.web_api import odata
from shared.adapters.dataverse.web_api.odata import ODataComparison
from shared.adapters.dataverse.web_api.operations import Row
from shared.installation.wire.customization_client import CustomizationClient

_SWITCHED_OFF, _SUSPENDED, _FAILED = 1, 1, 31
_RECENT: Final = timedelta(days=1)
_LONGEST_WAIT: Final = timedelta(hours=1)
_MOST: Final = "500"
_LONGEST: Final = 200
_KEY_MARKS: Final = ("saskey", "401", "unauthorized")


async def message_problems(client: CustomizationClient, endpoint: str, now: datetime) -> list[str]:
    """Return what keeps messages of the endpoint of that name from the queue, each with what to do."""
    steps = await _steps(client, endpoint)
    if not steps:
        return []
    off = sorted(step["name"] for step in steps if step["statecode"] == _SWITCHED_OFF)
    jobs = await _jobs(client, steps, now - _RECENT)
    failed = [job for job in jobs if job["statuscode"] == _FAILED]
    late = [job for job in jobs if job["statecode"] == _SUSPENDED and _created(job) < now - _LONGEST_WAIT]
    return [
        *(
            f"The step {name} is switched off: switch it on in the Plug-in Registration Tool, then resync"
            for name in off
        ),
        *([_failure(failed)] if failed else ()),
        *([_delay(late)] if late else ()),
    ]


def _failure(jobs: Sequence[Row]) -> str:
    [(reason, _)] = Counter(_reason(job) for job in jobs).most_common(1)
    return (
        f"{_count(jobs)} System Jobs of the service endpoint failed within a day, most of them with: {reason}. "
        f"{_cure(reason)}; then POST /api/resync for each table, because their messages are lost"
    )


def _delay(jobs: Sequence[Row]) -> str:
    oldest = min(_created(job) for job in jobs)
    return (
        f"{_count(jobs)} System Jobs of the service endpoint have waited for more than an hour, the oldest since "
        f"{oldest.isoformat(timespec='minutes')}: Dataverse cannot reach the queue, and repeats them by itself. "
        "Look at the firewall and the state of the Service Bus namespace"
    )


def _cure(reason: str) -> str:
    if any(mark in reason.casefold() for mark in _KEY_MARKS):
        return "Run python -m shared deploy, which enters the key of the queue"
    return "Look at Details of a job in Dataverse (System Jobs)"


def _reason(job: Row) -> str:
    text = job.get("message") or job.get("friendlymessage") or "no reason"
    return " ".join(str(text).split())[:_LONGEST]


def _count(jobs: Sequence[Row]) -> str:
    return f"{_MOST} or more" if len(jobs) >= int(_MOST) else str(len(jobs))


def _created(job: Row) -> datetime:
    return datetime.fromisoformat(job["createdon"]).astimezone(UTC)


async def _steps(client: CustomizationClient, endpoint: str) -> list[Row]:
    of_that_name = odata.compare("name", ODataComparison.EQUAL, endpoint)
    endpoints = await client.rows("serviceendpoints", select="serviceendpointid", filter=of_that_name)
    return [
        step
        for one in endpoints
        for step in await client.rows(
            "sdkmessageprocessingsteps",
            select="sdkmessageprocessingstepid,name,statecode",
            filter=odata.compare("_eventhandler_value", ODataComparison.EQUAL, UUID(one["serviceendpointid"])),
        )
    ]


async def _jobs(client: CustomizationClient, steps: Sequence[Row], since: datetime) -> list[Row]:
    """Read jobs of these steps that failed or have not ended, the latest ones first, 500 at most."""
    conditions = odata.all_of(
        odata.compare("createdon", ODataComparison.GREATER_OR_EQUAL, since),
        odata.any_of(
            odata.compare("statuscode", ODataComparison.EQUAL, _FAILED),
            odata.compare("statecode", ODataComparison.EQUAL, _SUSPENDED),
        ),
        odata.any_of(
            *(
                odata.compare(
                    "_owningextensionid_value", ODataComparison.EQUAL, UUID(step["sdkmessageprocessingstepid"])
                )
                for step in steps
            )
        ),
    )
    body = await client.get(
        "asyncoperations",
        select="statecode,statuscode,createdon,message,friendlymessage",
        filter=conditions,
        orderby="createdon desc",
        top=_MOST,
    )
    found: list[Row] = list(body["value"])
    return found
