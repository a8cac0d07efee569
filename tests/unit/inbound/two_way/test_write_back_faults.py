"""A write-back that a change, a refusal, an outage or a crash interrupts is completed later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.domain.records.records import SyncStatus
from shared.errors import DataError, TransientError
from tests.twins import CrashError
from tests.unit.inbound.two_way.exchanging import met, value


async def test_a_record_that_changed_meanwhile_is_read_and_merged_again() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    reads = 0

    def edit_after_the_read() -> None:
        nonlocal reads
        reads += 1
        if reads == 2:  # the engine has read, and is about to write: its etag is old
            twin.crm.edit(ann, firstname="Anna")

    twin.crm.before_read = edit_after_the_read
    await twin.poll()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_refusal_of_dataverse_is_reported_and_retried_with_the_next_change() -> None:
    twin, ann = await met()
    twin.writebacks.refused[ann] = DataError("a business rule", detail="Hobby is required")
    twin.platform.edit(twin.contact_of("ann@example.com"), hobby="chess")

    await twin.poll()

    assert twin.status_of(ann) == (SyncStatus.FAILED, "refused-by-dataverse")
    twin.writebacks.refused.clear()
    twin.platform.touch(twin.contact_of("ann@example.com"))
    await twin.poll()
    assert value(twin, ann, "new_hobby") == "chess"


async def test_a_poll_that_dies_goes_on_where_it_was() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.clock.advance(timedelta(minutes=15))
    twin.faults.plan(5, CrashError())
    with pytest.raises(CrashError):
        await twin.poller.poll()
    twin.worker = twin.start_worker()

    await twin.poll()

    assert value(twin, ann, "address1_city") == "Gouda"


async def test_unavailable_dataverse_postpones_the_write_back() -> None:
    twin, ann = await met()
    twin.platform.edit(twin.contact_of("ann@example.com"), city="Gouda")
    twin.writebacks.broken["write_back"] = TransientError("down")
    twin.clock.advance(timedelta(minutes=15))
    await twin.poller.poll()
    assert value(twin, ann, "address1_city") == "Delft"

    twin.writebacks.broken.clear()
    await twin.quiet()

    assert value(twin, ann, "address1_city") == "Gouda"
