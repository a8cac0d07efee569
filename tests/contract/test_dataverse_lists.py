"""Marketing lists against the sandbox's Web API: members of static ones, rows found by dynamic ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.core.records import PersonTable, RecordKey
from shared.dataverse.lists import DataverseLists
from shared.errors import DataError, NotFoundError
from shared.ports import MarketingList, MarketingLists
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation

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


async def test_a_list_says_its_name_and_whom_it_lists(lists: MarketingLists) -> None:
    assert await lists.read_list(STATIC) == MarketingList(STATIC, "Static", PersonTable.CONTACT)
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


async def test_an_empty_list_has_nobody(lists: MarketingLists) -> None:
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
    await organisation.client.delete("lists", STATIC)
    with pytest.raises(NotFoundError):
        await lists.members(listed, after=None, limit=4)
