"""Queries of dynamic lists as Dynamics stores them: the list in Spotler has the people whom Dynamics shows (ML-09)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from shared.adapters.dataverse.rows.lists import DataverseLists
from shared.adapters.dataverse.web_api import fetchxml, operations
from shared.domain.records.records import PersonTable, RecordKey
from shared.errors import DataError
from shared.ports.dataverse import MarketingList
from tests.contract.dataverse_organisation import DataverseOrganisation, open_organisation

LIST = UUID(int=100)
FIRMS = {"A": UUID(int=60), "B": UUID(int=61)}
NUMBERS = range(1, 9)

# P1 … P8: P8 has most children, P1 comes from the first firm by name, and each has two tasks.
ROWS: list[tuple[str, dict[str, Any]]] = [
    *(("account", {"accountid": str(firm), "name": name}) for name, firm in FIRMS.items()),
    *(
        (
            "contact",
            {
                "contactid": str(UUID(int=number)),
                "firstname": f"P{number}",
                "lastname": "even" if number % 2 == 0 else "odd",
                "numberofchildren": number,
                "parentcustomerid": ("account", str(FIRMS["A" if number > 4 else "B"])),
            },
        )
        for number in NUMBERS
    ),
    *(("task", {"subject": "x", "regardingobjectid": ("contact", str(UUID(int=n)))}) for n in NUMBERS for _ in "ab"),
]
NAME = '<attribute name="fullname"/>'
MOST_CHILDREN = '<order attribute="numberofchildren" descending="true"/>'
FIRM = (
    '<link-entity name="account" from="accountid" to="parentcustomerid" link-type="outer" alias="firm">{}</link-entity>'
)
TASKS = '<link-entity name="task" from="regardingobjectid" to="contactid" alias="todo"/>'


def fetch(body: str, **attributes: str) -> str:
    written = " ".join(f'{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<fetch {written}><entity name="contact">{body}</entity></fetch>'


@pytest.fixture
async def organisation() -> AsyncIterator[DataverseOrganisation]:
    async with open_organisation(ROWS) as opened:
        yield opened


async def members(organisation: DataverseOrganisation, query: str, *, limit: int = 100) -> list[int]:
    """Return the numbers of a list's members, as the synchronisation walks them."""
    await organisation.client.execute(
        operations.upsert("lists", LIST, {"listname": "List", "createdfromcode": 2, "type": True, "query": query})
    )
    lists, marketing_list = DataverseLists(organisation.client), MarketingList(LIST, "List", PersonTable.CONTACT)
    found: list[RecordKey] = []
    after: str | None = None
    while True:
        page = await lists.members(marketing_list, after=after, limit=limit)
        assert len(page.keys) <= limit
        found += page.keys
        if (after := page.after) is None:
            return [key.id.int for key in found]


@pytest.mark.parametrize("limit", [2, 100])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(fetch(NAME + MOST_CHILDREN, top="3"), [8, 7, 6], id="top by a column"),
        pytest.param(
            fetch(MOST_CHILDREN + TASKS, top="4"), [8, 7], id="top counts rows of a join, as Dynamics does: two each"
        ),
        pytest.param(
            fetch('<order attribute="lastname"/>' + MOST_CHILDREN, top="3"), [8, 6, 4], id="top by two columns"
        ),
        pytest.param(
            fetch(NAME + FIRM.format('<order attribute="name"/>'), top="4"), [5, 6, 7, 8], id="top by a joined column"
        ),
        pytest.param(
            fetch('<attribute name="contactid"/>' + MOST_CHILDREN + TASKS, top="3", distinct="true"),
            [8, 7, 6],
            id="top of distinct rows",
        ),
        pytest.param(fetch('<order attribute="lastname"/>', top="2"), [2, 4], id="equal rows come by id"),
        pytest.param(fetch("<all-attributes/>" + MOST_CHILDREN, top="1"), [8], id="all columns"),
        pytest.param(fetch(NAME, top="3"), [1, 2, 3], id="top without an order"),
        pytest.param(fetch(MOST_CHILDREN, top="3", page="1", count="2"), [8, 7, 6], id="top and paging"),
    ],
)
async def test_top_takes_the_people_whom_dynamics_shows(
    organisation: DataverseOrganisation, query: str, found: list[int], limit: int
) -> None:
    assert await members(organisation, query, limit=limit) == found


@pytest.mark.parametrize("limit", [3, 100])
@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param(fetch(NAME + MOST_CHILDREN), list(NUMBERS), id="an order alone is how it looks"),
        pytest.param(fetch(NAME, count="2", page="2"), list(NUMBERS), id="paging is how it is shown"),
        pytest.param(fetch(NAME + TASKS, distinct="true"), list(NUMBERS), id="distinct"),
        pytest.param(fetch(TASKS, distinct="false"), list(NUMBERS), id="a join makes no member twice"),
        pytest.param(
            fetch(
                FIRM.format("")
                + '<filter><condition entityname="firm" attribute="name" operator="eq" value="A"/></filter>'
            ),
            [5, 6, 7, 8],
            id="a condition on an outer join",
        ),
        pytest.param(
            '<?xml version="1.0" encoding="utf-16"?>' + fetch(NAME, version="1.0", output_format="xml-platform"),
            list(NUMBERS),
            id="an XML declaration",
        ),
        pytest.param(
            fetch(
                '<filter type="or"><condition attribute="firstname" operator="in"><value>P1</value><value>P8</value>'
                "</condition></filter>"
            ),
            [1, 8],
            id="several values",
        ),
    ],
)
async def test_without_top_the_order_means_nothing(
    organisation: DataverseOrganisation, query: str, found: list[int], limit: int
) -> None:
    assert await members(organisation, query, limit=limit) == found


OWN = '<filter><condition attribute="ownerid" operator="{}"/></filter>'


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (fetch('<attribute name="contactid" aggregate="count" alias="n"/>', aggregate="true"), "aggregate"),
        (fetch(OWN.format("eq-userid")), "eq-userid"),
        (fetch(OWN.format("eq-userteams")), "eq-userteams"),
        (fetch(FIRM.format(OWN.format("eq-businessid"))), "eq-businessid"),
        (fetch(NAME, top="0"), "HTTP 400"),
        ("<view/>", "not FetchXML"),
        ('<!DOCTYPE fetch [<!ENTITY x "y">]>' + fetch(NAME), "document type"),
    ],
)
async def test_a_query_that_means_nothing_to_the_connector_is_told_and_takes_nobody(
    organisation: DataverseOrganisation, query: str, reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        await members(organisation, query)


def test_a_query_for_the_first_rows_asks_for_no_data_of_a_person() -> None:
    wanted = fetchxml.ids_only(fetch(NAME + MOST_CHILDREN + FIRM.format(NAME), top="3"), "contactid")

    assert wanted.is_cut
    assert "fullname" not in wanted.text
