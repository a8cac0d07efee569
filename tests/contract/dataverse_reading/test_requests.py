"""What a mapping reads from Dataverse takes few requests, and no column that it does not use."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.contract.dataverse_reading.organisation import (
    ANN,
    BEN,
    CLEO,
    PEOPLE,
    ROWS,
    Organisation,
    mapping,
    organisation_with,
)


async def test_a_read_costs_one_request_and_two_with_children_and_queries(organisation: Organisation) -> None:
    plain = organisation.reader(mapping("parentcustomerid(account).name"))
    with_queries = organisation.reader(
        mapping("@concat(@child(task.regardingobjectid).first(createdon).subject, firstname, lastname)")
    )
    for reader in (plain, with_queries):
        await reader.read([ANN])  # learns the schema
    organisation.sent.clear()
    await plain.read([ANN, BEN, CLEO])
    assert organisation.sent == ["GET contacts"]
    organisation.sent.clear()
    await with_queries.read([ANN, BEN, CLEO])
    assert sorted(organisation.sent) == ["GET contacts", "POST $batch"]


async def test_only_what_the_mapping_uses_is_read(organisation: Organisation) -> None:
    record = (await organisation.read("firstname"))[ANN]
    rules = {"statecode", "donotemail", "donotbulkemail", "merged", "originatingleadid"}
    assert set(record.values) == rules | {"emailaddress1", "firstname"}


async def test_the_schema_is_read_once_and_again_after_an_hour(organisation: Organisation) -> None:
    async def requests() -> int:
        organisation.sent.clear()
        await organisation.schema.tables({"contact"})
        return len(organisation.sent)

    assert await requests() == 1
    organisation.clock.advance(timedelta(minutes=59))
    assert await requests() == 0
    organisation.clock.advance(timedelta(minutes=1))
    assert await requests() == 1


async def test_records_with_more_children_than_a_page_hide_nobody_s_children() -> None:
    busy, quiet = PEOPLE[0], PEOPLE[1]
    tasks = [
        (
            "task",
            {
                "activityid": str(UUID(int=10_000 + number)),
                "subject": f"Task {number}",
                "scheduledend": "2026-06-01T09:00:00Z",
                "regardingobjectid": ("contact", str(busy)),
            },
        )
        for number in range(5_001)
    ]
    alone = {
        "activityid": str(UUID(int=9_999)),
        "subject": "The only one",
        "scheduledend": "2026-01-01T09:00:00Z",
        "regardingobjectid": ("contact", str(quiet)),
    }
    name = "@child(task.regardingobjectid).first(scheduledend DESC).subject"
    people = [row for row in ROWS if row[0] != "task"]
    async with organisation_with([*people, *tasks, ("task", alone)]) as opened:
        records = await opened.read(name)
    assert records[ANN].values[name] == "Task 0"
    assert records[BEN].values[name] == "The only one"
    assert records[CLEO].values[name] is None
