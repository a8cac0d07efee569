"""A failed job is repeated as the same row: with its creator, whose rights are asked for again."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import Operation
from shared.errors import ConflictError
from tests.connector_twin import ConnectorTwin, person
from tests.unit.operations.job_acts import COMPLETED, FAILED, end, run


async def test_a_job_that_failed_is_done_once_its_cause_is_gone() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(donotemail=True))
    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")
    assert end(twin, job)[:2] == (FAILED, "do-not-email")
    twin.crm.edit(ann, donotemail=False)

    (row,) = (await twin.crm.read_jobs([job])).values()
    await twin.jobs.repeat(row, correlation="c-2")
    await twin.quiet()

    assert end(twin, job)[0] is COMPLETED
    assert twin.contact_of("ann@example.com").scores == {"Lead": 0}


async def test_of_two_who_repeat_a_job_one_is_refused() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person(donotemail=True))
    job = await run(twin, Operation.ADD_TAG, ann, parameter_name="Lead")
    (row,) = (await twin.crm.read_jobs([job])).values()
    await twin.jobs.repeat(row, correlation="c-2")

    with pytest.raises(ConflictError):
        await twin.jobs.repeat(row, correlation="c-3")
