"""JOB-26: what every operation refuses, from the saved row to its result: the reason, what to change, no effect."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

import pytest

from shared.domain.records.jobs import JobStatus, Operation
from shared.domain.records.records import PersonTable
from tests.scenario.job_acts import done, posts, tags
from tests.scenario.world import Person, World

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOT_VALID = "[JOB_NOT_VALID]"
A_PERSON = "needs a Customer (account or contact) or a Lead: fill one in."
A_TAG = {"dh_parametername": "Lead"}
A_FIELD = {"dh_parametername": "firstPurchaseDate"}
A_CODE = {"dh_parametername": "TrgCartLeft"}
A_LIST = {"dh_parametername": "Kopers"}


def score(value: str, *, name: str = "Lead") -> dict[str, str]:
    return {"dh_parametername": name, "dh_parametervalue": value}


class Who(Enum):
    """For whom a job is."""

    NOBODY = auto()
    SOMEBODY = auto()
    REFUSES_MAIL = auto()
    SHARES_A_CONTACT = auto()


@dataclass(frozen=True)
class Case:
    """A job that cannot be done: what it lacks, and how it ends."""

    operation: Operation
    told: str
    who: Who = Who.SOMEBODY
    code: str = NOT_VALID
    columns: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.operation.name.lower()}-{self.who.name.lower()}-{self.code}"


REFUSES_MAIL = ("Do Not Email is set.", Who.REFUSES_MAIL, "do-not-email")
SHARED = ("", Who.SHARES_A_CONTACT, "still-used")
NOBODY = (A_PERSON, Who.NOBODY, NOT_VALID)
CASES = [
    Case(Operation.SYNC_LIST, "needs a Marketing List: fill one in."),
    Case(Operation.SYNC_LIST, "It does not read Parameter Name", columns={"dh_parametername": "Buyers"}),
    Case(Operation.START_AUTOMATION, *NOBODY, A_CODE),
    Case(Operation.START_AUTOMATION, *REFUSES_MAIL, A_CODE),
    Case(Operation.STOP_AUTOMATION, "needs AutomationContactId, or a Customer or Lead together with an Automation."),
    Case(Operation.ADD_TO_AUDIENCE, "list in Parameter Name"),
    Case(Operation.ADD_TO_AUDIENCE, *REFUSES_MAIL, A_LIST),
    Case(Operation.DEACTIVATE_CONTACT, *NOBODY),
    Case(Operation.DEACTIVATE_CONTACT, *SHARED),
    Case(Operation.SYNC_CONTACT, *NOBODY),
    Case(Operation.PURGE_CONTACT, *NOBODY),
    Case(Operation.PURGE_CONTACT, *SHARED),
    Case(Operation.ANONYMIZE_CONTACT, *NOBODY),
    Case(Operation.ANONYMIZE_CONTACT, *SHARED),
    Case(Operation.ADD_TAG, "needs a tag in Parameter Name", columns={"dh_parametername": " ; "}),
    Case(Operation.REMOVE_TAG, *NOBODY, A_TAG),
    Case(Operation.REMOVE_TAG, "needs a tag in Parameter Name"),
    Case(Operation.SET_SCORE, "needs a whole number", columns=score("ten")),
    Case(Operation.SET_SCORE, *REFUSES_MAIL, score("1")),
    Case(Operation.INCREASE_SCORE, "needs a positive number", columns=score("0")),
    Case(Operation.DECREASE_SCORE, "needs a positive number", columns=score("-5")),
    Case(Operation.DECREASE_SCORE, "one score in Parameter Name", columns=score("5", name="a;b")),
    Case(Operation.DECREASE_SCORE, *NOBODY, score("5")),
    Case(Operation.DECREASE_SCORE, *REFUSES_MAIL, score("5")),
    Case(Operation.REMOVE_FROM_AUDIENCE, "No job has made a list", columns={"dh_parametername": "Nergens"}),
    Case(Operation.SET_CONTACT_FIELD, "to empty a field, choose Clear Contact Field", columns=A_FIELD),
    Case(Operation.CLEAR_CONTACT_FIELD, "choose Set Contact Field", columns={**A_FIELD, "dh_parametervalue": "2026"}),
    Case(Operation.CLEAR_CONTACT_FIELD, "is a list", columns={"dh_parametername": "permissions"}),
]


async def find(world: World, who: Who) -> Person | None:
    match who:
        case Who.NOBODY:
            return None
        case Who.SOMEBODY:
            return await world.synchronised()
        case Who.REFUSES_MAIL:
            return await world.bring_in(donotemail=True)
        case Who.SHARES_A_CONTACT:
            person = await world.synchronised()
            await world.save(PersonTable.LEAD, emailaddress1=person.email)
            await world.settled()
            return person


async def test_every_operation_that_takes_anything_is_here() -> None:
    """Refresh Automations takes nothing; what Spotler may refuse it is in `test_scenario_jobs_on_a_real_account.py`."""
    assert {case.operation for case in CASES} == set(Operation) - {Operation.REFRESH_AUTOMATIONS}


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_job_that_cannot_be_done_says_why_and_does_nothing(world: World, case: Case) -> None:
    person = await find(world, case.who)
    known = person is not None and case.who is not Who.REFUSES_MAIL
    before = await world.spotler.contact(person.email) if person is not None and known else None

    job = await done(world, case.operation, person, **case.columns)

    assert (job.status, job.code) == (JobStatus.FAILED, case.code)
    assert case.told in job.text
    if person is not None:
        await world.settled()
        assert await world.spotler.contact(person.email) == before
        done_to = [post for post in await posts(world, person) if "was asked for by" not in post]
        assert done_to == []


async def test_tag_09_a_score_is_lowered_from_zero_where_there_was_none(world: World) -> None:
    person = await world.synchronised()

    job = await done(world, Operation.DECREASE_SCORE, person, dh_parametername="Lead", dh_parametervalue="5")

    assert (job.status, job.code, job.text) == (JobStatus.COMPLETED, "OK", 'Score "Lead" lowered by 5 in Spotler.')
    assert await tags(world, person) == {"Lead": -5}
    assert await posts(world, person) == ['Score "Lead" lowered by 5 in Spotler.']


async def test_a_purge_of_somebody_whom_spotler_does_not_know_has_nothing_to_do(world: World) -> None:
    person = await world.bring_in()

    job = await done(world, Operation.PURGE_CONTACT, person)

    assert (job.status, job.code) == (JobStatus.COMPLETED, "OK")
    assert await world.spotler.contact(person.email) is None
