"""Marketing lists against the sandbox's Web API: members of static ones, rows found by dynamic ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.rows.lists import DataverseLists
from shared.domain.features.lists import ListKind, ListRules
from shared.domain.records.records import PersonTable, RecordKey, StatusRow, SyncStatus
from shared.errors import DataError, NotFoundError
from shared.ports.dataverse import ListStatus, MarketingList, MarketingLists
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation
from tests.contract.dataverse_script import delete

PEOPLE = [RecordKey(PersonTable.CONTACT, UUID(int=number)) for number in range(1, 12)]
LEO = RecordKey(PersonTable.LEAD, UUID(int=50))
ACME = UUID(int=60)
STATIC, DYNAMIC, LEADS, BROKEN, OTHER = (UUID(int=number) for number in range(100, 105))
QUERY = """
<fetch version="1.0" output-format="xml-platform" mapping="logical" count="3" page="2" no-lock="true">
  <entity name="contact">
    <attribute name="fullname" /><attribute name="telephone1" />
    <order attribute="fullname" descending="true" />
    <filter type="and"><condition attribute="address1_city" operator="eq" value="Gouda" /></filter>
    <link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="firm">
      <attribute name="name" />
    </link-entity>
    <link-entity name="task" from="regardingobjectid" to="contactid" link-type="inner" alias="todo">
      <all-attributes />
    </link-entity>
  </entity>
</fetch>"""

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("account", {"accountid": str(ACME), "name": "Proef"}),
    *(
        ("contact", {"contactid": str(key.id), "lastname": f"P{key.id.int}", "address1_city": city})
        for key, city in zip(PEOPLE, ["Gouda", "Delft"] * 6, strict=False)
    ),
    *(
        # Two tasks each: a join must not make two members out of one.
        ("task", {"subject": "x", "regardingobjectid": ("contact", str(key.id))})
        for key in PEOPLE
        for _ in range(2)
    ),
    ("lead", {"leadid": str(LEO.id), "lastname": "Proef", "subject": "x"}),
    ("list", {"listid": str(STATIC), "listname": "Static", "createdfromcode": 2, "type": False}),
    ("list", {"listid": str(DYNAMIC), "listname": "Dynamic", "createdfromcode": 2, "type": True, "query": QUERY}),
    ("list", {"listid": str(LEADS), "listname": "Leads", "createdfromcode": 4, "type": False}),
    ("list", {"listid": str(BROKEN), "listname": "Broken", "createdfromcode": 2, "type": True}),
    ("list", {"listid": str(OTHER), "listname": "Other"}),
]


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation(ROWS) as opened:
        yield opened


@pytest.fixture
def lists(organisation: DataverseOrganisation) -> MarketingLists:
    return DataverseLists(organisation.client)


async def walk(lists: MarketingLists, identifier: UUID, limit: int) -> list[list[RecordKey]]:
    listed = await lists.read_list(identifier)
    assert listed is not None
    pages: list[list[RecordKey]] = []
    after: str | None = None
    while True:
        page = await lists.members(listed, after=after, limit=limit)
        pages.append(list(page.keys))
        if page.after is None:
            return pages
        after = page.after


async def test_ml_11_ml_37_a_list_says_its_name_and_which_one_table_it_lists(lists: MarketingLists) -> None:
    assert await lists.read_list(STATIC) == MarketingList(STATIC, "Static", PersonTable.CONTACT)
    assert await lists.read_list(DYNAMIC) == MarketingList(DYNAMIC, "Dynamic", PersonTable.CONTACT, is_dynamic=True)
    assert await lists.read_list(LEADS) == MarketingList(LEADS, "Leads", PersonTable.LEAD)
    assert await lists.read_list(OTHER) is None
    assert await lists.read_list(UUID(int=999)) is None


async def test_a_static_list_is_walked_page_by_page_each_member_once(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    for key in PEOPLE:
        await organisation.client.create(
            "listmembers",
            {"listid@odata.bind": f"/lists({STATIC})", "entityid_contact@odata.bind": f"/contacts({key.id})"},
        )
    await organisation.client.create(
        "listmembers",
        {"listid@odata.bind": f"/lists({LEADS})", "entityid_lead@odata.bind": f"/leads({LEO.id})"},
    )
    pages = await walk(lists, STATIC, limit=4)
    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(key for page in pages for key in page) == PEOPLE
    assert await walk(lists, LEADS, limit=4) == [[LEO]]


async def test_the_walk_of_an_empty_list_is_one_empty_page(lists: MarketingLists) -> None:
    assert await walk(lists, STATIC, limit=4) == [[]]


@pytest.mark.parametrize("limit", [2, 100])
async def test_a_dynamic_list_is_walked_by_its_query_each_person_once(lists: MarketingLists, limit: int) -> None:
    pages = await walk(lists, DYNAMIC, limit=limit)
    assert [key for page in pages for key in page] == PEOPLE[::2]
    assert max(len(page) for page in pages) <= limit


async def test_the_place_in_a_dynamic_list_holds_no_data_of_a_person(lists: MarketingLists) -> None:
    listed = await lists.read_list(DYNAMIC)
    assert listed is not None
    page = await lists.members(listed, after=None, limit=2)
    assert page.after is not None
    assert "P1" not in page.after
    assert "fullname" not in page.after


async def test_a_dynamic_list_without_a_query_is_told(lists: MarketingLists) -> None:
    with pytest.raises(DataError):
        await walk(lists, BROKEN, limit=4)


async def test_a_list_that_goes_away_meanwhile_is_told(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    listed = await lists.read_list(STATIC)
    assert listed is not None
    await organisation.client.execute(delete("lists", STATIC))
    with pytest.raises(NotFoundError):
        await lists.members(listed, after=None, limit=4)


async def test_ml_32_ml_33_the_hidden_fields_the_kind_and_the_state_come_with_the_list(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    columns = {
        "donotsendonoptout": False,
        "ignoreinactivelistmembers": False,
        "dh_spotlerlistkind": 480000001,
        "statecode": 1,
        "statuscode": 1,
    }
    await organisation.client.update("lists", STATIC, columns)

    listed = await lists.read_list(STATIC)

    assert listed is not None
    assert listed.rules == ListRules(exclude_opted_out=False, ignore_inactive=False)
    assert (listed.kind, listed.is_active) == (ListKind.TEMPORARY, False)


async def test_c_28_the_members_among_many_records_are_found(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    for key in PEOPLE[:2]:
        await organisation.client.create(
            "listmembers",
            {"listid@odata.bind": f"/lists({STATIC})", "entityid_contact@odata.bind": f"/contacts({key.id})"},
        )
    organisation.sent.clear()
    many = [*(key.id for key in PEOPLE), *(UUID(int=number) for number in range(1000, 1150))]
    assert await lists.members_among(STATIC, many) == {key.id for key in PEOPLE[:2]}
    assert len(organisation.sent) == 2
    assert await lists.members_among(LEADS, many) == frozenset()
    assert await lists.members_among(STATIC, []) == frozenset()


def status(code: str = "synced", *, bind: bool = True, state: SyncStatus = SyncStatus.SUCCEEDED) -> ListStatus:
    return ListStatus(
        list=STATIC,
        info=UUID(int=700),
        bind=bind,
        status=state,
        reason_code=code,
        reason="It went well.",
        external_id="list-1",
        synced_on=datetime(2026, 3, 1, 8, tzinfo=UTC),
        sent=10,
        skipped=2,
        failed=1,
    )


async def test_ml_19_sta_01_a_list_gets_a_spotler_info_of_its_own_and_keeps_it(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    await lists.write_status(status())
    await lists.write_status(status())  # a crash before anybody noted that it was written
    listed = await lists.read_list(STATIC)
    assert listed is not None
    assert listed.status == StatusRow(UUID(int=700), SyncStatus.SUCCEEDED, "synced", "It went well.")

    await lists.write_status(status("table-off", bind=False, state=SyncStatus.FAILED))
    (row,) = await organisation.rows(
        "dh_spotlerinfos", "dh_reasoncode", "dh_memberssent", "dh_membersskipped", "dh_membersfailed", "dh_name"
    )
    assert row["dh_reasoncode"] == "table-off"
    assert (row["dh_memberssent"], row["dh_membersskipped"], row["dh_membersfailed"]) == (10, 2, 1)
    assert row["dh_name"] == f"list:{STATIC}"


async def test_the_status_of_a_list_that_is_gone_needs_no_writing(
    organisation: DataverseOrganisation, lists: MarketingLists
) -> None:
    await organisation.client.execute(delete("lists", STATIC))
    await lists.write_status(status())
