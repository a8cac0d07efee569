"""Scores of people and accounts against the sandbox's Web API (ENG-01)."""

from __future__ import annotations

from uuid import UUID

from shared.adapters.dataverse.web_api.operations import Method, WebApiOperation
from shared.domain.engagement.scores import Score
from shared.domain.records.records import PersonTable, RecordKey
from shared.ports.engagement import ScoreWrite
from tests.contract.dataverse_organisation import open_organisation
from tests.contract.dataverse_rows.engagement.engagement_rows import ACCOUNT, CONTACT, LEAD, PEOPLE, Rows


async def test_scores_are_written_by_table_and_read_again(rows: Rows) -> None:
    writes = [ScoreWrite(CONTACT, Score(12, 7)), ScoreWrite(LEAD, Score(3, 0)), ScoreWrite(ACCOUNT, Score(1, 1))]
    gone = ScoreWrite(RecordKey(PersonTable.CONTACT, UUID(int=77)), Score(1, 1))
    assert await rows.scores.write([*writes, gone]) == [], "a record that is gone needs no score"
    found = [one async for page in rows.scores.scored() for one in page]
    assert sorted(found, key=lambda one: one.record) == sorted(
        [one for one in writes if one.score.recent], key=lambda one: one.record
    )


async def test_contacts_are_read_by_their_account(rows: Rows) -> None:
    company = {"parentcustomerid_account@odata.bind": f"/accounts({ACCOUNT.id})"}
    path = f"contacts({CONTACT.id})"
    await rows.organisation.client.execute(WebApiOperation(Method.PATCH, path, company, {"If-Match": "*"}))
    await rows.scores.write([ScoreWrite(CONTACT, Score(12, 7)), ScoreWrite(ACCOUNT, Score(3, 0))])
    found = [one async for page in rows.scores.contacts_of_accounts() for one in page]
    assert found == [(ACCOUNT, Score(12, 7))]
    assert [one async for page in rows.scores.scored_accounts() for one in page] == [ScoreWrite(ACCOUNT, Score(3, 0))]


async def test_the_master_of_a_merged_record_is_found() -> None:
    other = RecordKey(PersonTable.CONTACT, UUID(int=9))
    people = [
        *PEOPLE,
        ("contact", {"contactid": str(other.id), "lastname": "Jansen", "masterid": ("contact", str(CONTACT.id))}),
    ]
    async with open_organisation(people) as opened:
        assert await Rows(opened).scores.masters([CONTACT, LEAD, other]) == {other: CONTACT}
