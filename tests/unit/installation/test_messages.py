"""What keeps messages of the service endpoint from the queue (TRB-02, TRB-03)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from shared.installation.messages import message_problems
from shared.installation.wire.customization_client import CustomizationClient

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = "6d81597f-0000-4000-8000-000000000001"


@dataclass
class Organisation:
    """An endpoint with one step, and System Jobs."""

    jobs: list[dict[str, Any]]

    async def rows(self, path: str, **_: str) -> list[dict[str, Any]]:
        if path == "serviceendpoints":
            return [{"serviceendpointid": "6d81597f-0000-4000-8000-000000000002"}]
        return [{"sdkmessageprocessingstepid": STEP, "name": "one", "statecode": 0}]

    async def get(self, _path: str, **options: str) -> dict[str, Any]:
        assert "createdon ge 2026-02-28T12:00:00Z" in options["filter"]
        assert f"_owningextensionid_value eq {STEP}" in options["filter"]
        return {"value": self.jobs}

    async def problems(self) -> list[str]:
        return await message_problems(cast("CustomizationClient", self), "Spotler Connector", NOW)


def job(status: int, minutes: int, message: str | None = None) -> dict[str, Any]:
    created = (NOW - timedelta(minutes=minutes)).isoformat()
    return {"statecode": 3 if status == 31 else 1, "statuscode": status, "createdon": created, "message": message}


async def test_jobs_that_wait_for_minutes_are_normal() -> None:
    assert await Organisation([job(10, 5), job(10, 59)]).problems() == []


async def test_jobs_that_wait_for_hours_are_told_with_the_time_of_the_oldest() -> None:
    [told] = await Organisation([job(10, 61), job(10, 180)]).problems()

    assert told.startswith("2 System Jobs")
    assert "since 2026-03-01T09:00+00:00" in told


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("A SASKey has not been configured for ServiceEndpoint", "Run python -m shared deploy"),
        ("The remote server returned an error: (401) Unauthorized", "Run python -m shared deploy"),
        ("Something\n  else", "Something else. Look at Details of a job"),
        (None, "no reason. Look at Details"),
    ],
)
async def test_failed_jobs_are_told_with_their_commonest_reason_and_its_cure(message: str | None, cure: str) -> None:
    [told] = await Organisation([job(31, 1, message), job(31, 2, message), job(31, 3, "rare")]).problems()

    assert told.startswith("3 System Jobs")
    assert cure in told
    assert "POST /api/resync" in told
