"""A forecast plans everybody with what is not live, page by page, and writes nothing on either side."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.recovery.allow_list import AllowList
from shared.messages.lane_messages import ForecastStep, Subject
from shared.ports.queue import QueueName
from tests.connector_twin import MAPPING, ConnectorTwin, person

CANDIDATE = read_mapping(
    {
        "version": 1,
        "rows": [
            {"spotler": "email", "contact": "emailaddress1"},
            {"spotler": "firstName", "contact": "address1_city"},
            {"spotler": "city", "contact": "address1_city"},
        ],
        "filters": {"contact": 'firstname <> "Zoe"'},
        "outside": "anonymize",
    }
)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.dispatch.forecasts.PAGE", 3)


async def crowd(count: int = 7) -> ConnectorTwin:
    twin = ConnectorTwin(replace(ConnectorTwin().rules, mapping=MAPPING))
    keys = [
        twin.crm.create(**person(emailaddress1=f"p{number}@example.com", address1_city="Delft"))
        for number in range(count - 1)
    ]
    keys.append(twin.crm.create(**person(emailaddress1="zoe@example.com", firstname="Zoe", address1_city="Delft")))
    await twin.sync(*keys)
    return twin


async def test_everybody_is_planned_with_a_mapping_and_counted_by_what_changes() -> None:
    twin = await crowd()
    writes = len(twin.platform.writes)
    await twin.forecasts.begin(Subject.MAPPING, CANDIDATE, by="ann")

    await twin.quiet()

    found = await twin.forecasts.latest(Subject.MAPPING)
    assert found is not None
    assert found.is_finished
    assert (found.tally.done, found.tally.differing, found.tally.ends) == (7, 7, 1)
    assert found.tally.fields["firstName"] == 6
    assert found.tally.actions == {"agreed -> updated": 6, "agreed -> filtered": 1}
    assert [len(found.tally.samples[kind]) for kind in ("firstName", "agreed -> filtered")] == [5, 1]
    assert len(twin.platform.writes) == writes


async def test_going_live_is_forecast_for_people_whom_the_allow_list_leaves_out() -> None:
    twin = ConnectorTwin()
    twin.rules = replace(twin.rules, allow_list=AllowList.of(["p0@example.com"], twin.rules.fingerprints))
    twin.worker = twin.start_worker()
    for number in range(4):
        twin.crm.create(**person(emailaddress1=f"p{number}@example.com"))
    await twin.forecasts.begin(Subject.LIVE, by="ann")

    await twin.quiet()

    found = await twin.forecasts.latest(Subject.LIVE)
    assert found is not None
    assert found.tally.actions == {"created -> created": 1, "not-on-allow-list -> created": 3}
    assert not twin.platform.contacts


async def test_a_page_that_comes_twice_counts_once_and_a_lost_message_is_sent_again() -> None:
    twin = await crowd()
    begun = await twin.forecasts.begin(Subject.MAPPING, CANDIDATE, by="ann")
    (first,) = twin.queue.waiting
    await twin.receive([first])
    again = ForecastStep(subject=Subject.MAPPING, forecast=begun.id, page=0)
    twin.queue.waiting.clear()  # the worker died before it had sent the next page

    await twin.forecasts.step(again, lane=QueueName.BULK)
    assert [one.due - twin.clock.now() for one in twin.queue.waiting] == [timedelta(minutes=1)]
    await twin.quiet()

    found = await twin.forecasts.latest(Subject.MAPPING)
    assert found is not None
    assert found.tally.done == 7


async def test_a_new_forecast_replaces_the_one_under_way() -> None:
    twin = await crowd()
    await twin.forecasts.begin(Subject.MAPPING, CANDIDATE, by="ann")
    await twin.forecasts.begin(Subject.MAPPING, MAPPING, by="ann")

    await twin.quiet()

    found = await twin.forecasts.latest(Subject.MAPPING)
    assert found is not None
    assert (found.tally.done, found.tally.differing) == (7, 0)
