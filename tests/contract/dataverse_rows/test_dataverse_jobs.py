"""Spotler Job rows and timeline posts against the sandbox's Web API: read whole, claimed once, told once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.metadata.schema_cache import SchemaCache
from shared.adapters.dataverse.records.crm import DataverseCrm
from shared.composition.connections import SystemClock
from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.domain.records.jobs import JobRow, JobStatus, Operation
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import ConflictError, ConnectorError
from shared.ports.dataverse import JobReport, Report, TimelinePost
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
LEO = RecordKey(PersonTable.LEAD, UUID(int=2))
ACME = RecordKey(PersonTable.ACCOUNT, UUID(int=3))
WELCOME, NEWS = UUID(int=4), UUID(int=5)
NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

PEOPLE: list[tuple[str, dict[str, Any]]] = [
    ("contact", {"contactid": str(ANN.id), "lastname": "Proef"}),
    ("lead", {"leadid": str(LEO.id), "lastname": "Proef", "subject": "x"}),
    ("account", {"accountid": str(ACME.id), "name": "Proef"}),
    ("dh_spotlerautomation", {"dh_spotlerautomationid": str(WELCOME), "dh_name": "Welcome"}),
    ("list", {"listid": str(NEWS), "listname": "News", "createdfromcode": 2}),
]


def job_row(number: int, created: datetime = NOW, **columns: Any) -> tuple[str, dict[str, Any]]:
    return (
        "dh_spotlerjob",
        {
            "dh_spotlerjobid": str(UUID(int=number)),
            "dh_operation": int(Operation.ADD_TAG),
            "createdon": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **columns,
        },
    )


JOBS = [
    job_row(100, dh_customerid=("contact", str(ANN.id)), dh_parametername=" Lead ; Hot ", dh_parametervalue="10"),
    job_row(
        101,
        dh_operation=int(Operation.START_AUTOMATION),
        dh_leadid=("lead", str(LEO.id)),
        dh_automationid=("dh_spotlerautomation", str(WELCOME)),
        dh_automationfields="a=1\nb=2",
        dh_automationcontactid="r1,r2",
    ),
    job_row(102, dh_operation=int(Operation.SYNC_LIST), dh_listid=("list", str(NEWS))),
    job_row(103, dh_operation=None, dh_customerid=("account", str(ACME.id))),
]


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation([*PEOPLE, *JOBS]) as opened:
        yield opened


def crm_of(organisation: DataverseOrganisation) -> DataverseCrm:
    schema = SchemaCache(organisation.client, clock=SystemClock())
    return DataverseCrm(organisation.client, load_mapping(DEFAULT_MAPPING), list(PersonTable), schema)


@pytest.fixture
def crm(organisation: DataverseOrganisation) -> DataverseCrm:
    return crm_of(organisation)


async def test_a_job_is_read_with_all_its_parameters_as_typed(crm: DataverseCrm) -> None:
    ids = [UUID(int=number) for number in range(100, 105)]
    jobs = await crm.read_jobs(ids)
    assert all(job.creator is not None and job.creator_name for job in jobs.values())
    assert [replace(job, etag="", created_on="", creator=None) for job in jobs.values()] == [
        JobRow(
            ids[0],
            JobStatus.QUEUED,
            Operation.ADD_TAG,
            ANN,
            "",
            parameter_name=" Lead ; Hot ",
            parameter_value="10",
        ),
        JobRow(
            ids[1],
            JobStatus.QUEUED,
            Operation.START_AUTOMATION,
            LEO,
            "",
            automation=WELCOME,
            automation_fields="a=1\nb=2",
            automation_contact_id="r1,r2",
        ),
        JobRow(ids[2], JobStatus.QUEUED, Operation.SYNC_LIST, None, "", marketing_list=NEWS),
        JobRow(ids[3], JobStatus.QUEUED, None, ACME, ""),
    ]


async def test_a_job_is_claimed_by_one_and_put_back_by_the_same(crm: DataverseCrm) -> None:
    identifier = UUID(int=100)
    job = (await crm.read_jobs([identifier]))[identifier]
    claim = JobReport(identifier, JobStatus.IN_PROGRESS, started_on=NOW, if_etag=job.etag)
    assert await crm.report([claim]) == [None]
    (refused,) = await crm.report([claim])
    assert isinstance(refused, ConflictError)
    claimed = (await crm.read_jobs([identifier]))[identifier]
    assert (claimed.status, claimed.started_on) == (JobStatus.IN_PROGRESS, NOW)
    assert await crm.report([JobReport(identifier, JobStatus.QUEUED)]) == [None]
    back = (await crm.read_jobs([identifier]))[identifier]
    assert (back.status, back.started_on) == (JobStatus.QUEUED, NOW)


async def test_the_end_of_jobs_and_their_posts_take_one_request(
    organisation: DataverseOrganisation, crm: DataverseCrm
) -> None:
    reports: list[Report] = []
    for number in (100, 101, 102):
        runs = "r3,r4" if number == 101 else ""
        reports.append(
            JobReport(UUID(int=number), JobStatus.COMPLETED, "OK", "Done.", NOW, NOW, automation_contact_id=runs)
        )
    reports += [TimelinePost(UUID(int=200 + number), key, f"Told {key}") for number, key in enumerate((ANN, LEO, ACME))]
    organisation.sent.clear()
    assert await crm.report(reports) == [None] * 6
    assert organisation.sent == ["POST $batch"]
    posts = await organisation.rows("posts", "text", "source", "_regardingobjectid_value", orderby="text asc")
    assert [(post["_regardingobjectid_value"], post["text"]) for post in posts] == sorted(
        ((str(key.id), f"Told {key}") for key in (ANN, LEO, ACME)), key=lambda pair: pair[1]
    )
    columns = ("dh_resultcode", "dh_resulttext", "dh_completedon", "dh_automationcontactid", "statuscode")
    row = await organisation.client.retrieve("dh_spotlerjobs", UUID(int=101), select=columns)
    assert {column: row[column] for column in columns} == {
        "dh_resultcode": "OK",
        "dh_resulttext": "Done.",
        "dh_completedon": "2026-03-01T08:00:00Z",
        "dh_automationcontactid": "r3,r4",
        "statuscode": 2,
    }


async def test_a_post_is_told_once_however_often_it_is_reported(
    organisation: DataverseOrganisation, crm: DataverseCrm
) -> None:
    post = TimelinePost(UUID(int=200), ANN, "Tag Lead was added in Spotler.")
    assert await crm.report([post]) == [None]
    assert await crm.report([post, JobReport(UUID(int=100), JobStatus.COMPLETED, "OK", "Done.")]) == [None, None]
    assert len(await organisation.rows("posts", "text")) == 1


async def test_the_post_of_a_record_that_is_gone_spoils_nothing_else(crm: DataverseCrm) -> None:
    nobody = RecordKey(PersonTable.CONTACT, UUID(int=99))
    post, job = await crm.report(
        [TimelinePost(UUID(int=200), nobody, "x"), JobReport(UUID(int=100), JobStatus.COMPLETED, "OK", "Done.")]
    )
    assert isinstance(post, ConnectorError)
    assert job is None


async def test_a_text_that_is_too_long_is_cut_and_ids_are_kept_whole(
    organisation: DataverseOrganisation, crm: DataverseCrm
) -> None:
    runs = ",".join(str(UUID(int=number)) for number in range(40))
    report = JobReport(UUID(int=100), JobStatus.FAILED, "c" * 200, "t" * 5000, automation_contact_id=runs)
    assert await crm.report([report, TimelinePost(UUID(int=200), ANN, "p" * 3000)]) == [None, None]
    row = await organisation.client.retrieve(
        "dh_spotlerjobs", UUID(int=100), select=("dh_automationcontactid", "dh_resulttext")
    )
    assert len(row["dh_resulttext"]) == 4000
    written = row["dh_automationcontactid"].split(",")
    assert written == runs.split(",")[: len(written)]
    assert len(written) == 27


async def test_waiting_jobs_are_found_oldest_first() -> None:
    def begun(ago: timedelta) -> dict[str, Any]:
        return {"statuscode": 480000000, "dh_startedon": (NOW - ago).strftime("%Y-%m-%dT%H:%M:%SZ")}

    day, hour = timedelta(days=1), timedelta(hours=1)
    rows = [
        job_row(100, NOW),
        job_row(101, NOW - hour),
        job_row(102, NOW - day),
        job_row(103, NOW - day, statecode=1, statuscode=2),
        job_row(104, NOW - day, **begun(hour)),
        job_row(105, NOW - hour, **begun(timedelta())),
        job_row(106, NOW - 2 * day, statuscode=480000000),
    ]
    async with open_organisation(rows) as organisation:
        crm = crm_of(organisation)

        async def waiting(status: JobStatus, ago: timedelta, limit: int = 10) -> list[int]:
            return [job.id.int for job in await crm.jobs_in(status, before=NOW - ago, limit=limit)]

        assert await waiting(JobStatus.QUEUED, timedelta()) == [102, 101, 100]
        assert await waiting(JobStatus.QUEUED, hour) == [102, 101]
        assert await waiting(JobStatus.QUEUED, hour, limit=1) == [102]
        assert await waiting(JobStatus.IN_PROGRESS, hour) == [106, 104]
        assert await waiting(JobStatus.IN_PROGRESS, timedelta()) == [106, 104, 105]
