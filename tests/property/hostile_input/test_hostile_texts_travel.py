"""What people type never breaks a query, a batch, a payload or a sheet: it arrives as it was, and does nothing.

The receivers are others' parsers, or those of the sandbox, which share no code with the senders.
"""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.adapters.dataverse.web_api import fetchxml, odata, operations
from shared.adapters.dataverse.web_api.batch import batches
from shared.adapters.spotler.contacts.client import SpotlerClient
from shared.adapters.workbook.bounds import WorkbookError
from shared.adapters.workbook.reading import from_workbook
from shared.adapters.workbook.writing import to_workbook
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.records.marketing_contact import (
    ContactWrite,
    PropertyCatalogue,
    PropertyDefinition,
    PropertyType,
    Purge,
)
from shared.domain.values.fields import as_properties, wished_fields
from shared.local.dataverse_sandbox.queries import odata as receiver
from tests.contract.clocks import ManualClock
from tests.contract.dataverse_script import delete
from tests.examples import examples
from tests.person_records import person

LONG = 100_000
HOSTILE = [
    "'",
    "''",
    "' or 1 eq 1 or '",
    "'); DROP TABLE contacts;--",
    "') or (statecode eq 0",
    "a&$top=1#?%27+%00",
    '"><condition attribute="statecode" operator="not-null"/><x y="',
    "<![CDATA[x]]>&lt;!ENTITY;",
    "]]>",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("https://example.com")',
    "+1",
    "-1",
    "@SUM(1)",
    "\r\n--batch_1\r\nContent-Type: application/http\r\n\r\nDELETE /contacts",
    "\u202eright to left \u2066isolated\u2069",
    "שלום, مرحبا",
    "👩‍👩‍👧‍👦🇳🇱",
    "e\u0301 Å ﬁ",
    "\u2028\u2029\x85",
]
VERY_LONG = [
    "'" * LONG,
    "é" * LONG,
    "😀" * (LONG // 2),
    '\\"' * (LONG // 2),
]
texts = st.sampled_from([*HOSTILE, *VERY_LONG]) | st.text()
readable = texts.filter(lambda text: all(ord(character) >= 0x20 or character in "\t\n\r" for character in text)).filter(
    lambda text: not any(character in "\ufffe\uffff" for character in text)
)
"""XML has no way to write other control characters, however they are quoted."""
a_lot = settings(max_examples=examples(25), deadline=None)


@a_lot
@given(texts)
def test_a_text_in_a_filter_is_one_literal_to_whoever_reads_the_query(text: str) -> None:
    path = odata.reads("contacts", {"$filter": odata.compare("lastname", odata.ODataComparison.EQUAL, text)})

    (condition,) = parse_qs(urlsplit(path).query, strict_parsing=True)["$filter"]
    read = receiver.parse(condition)

    assert isinstance(read, receiver.Comparison)
    assert (read.path, read.literal.kind, read.literal.value) == (("lastname",), receiver.LiteralKind.STRING, text)


@a_lot
@given(st.lists(texts, min_size=1, max_size=3))
def test_texts_in_a_list_of_values_stay_apart(values: list[str]) -> None:
    condition = odata.within("lastname", values)

    read = receiver.parse(condition)

    assert isinstance(read, receiver.Function)
    assert condition.count("PropertyValues") == 1 + sum(value.count("PropertyValues") for value in values)


@a_lot
@given(readable)
def test_a_text_in_fetchxml_is_one_attribute_to_whoever_reads_it(text: str) -> None:
    condition = f"<condition value={quoteattr(text)} />"
    query = f"<fetch><entity name='contact'><filter>{condition}</filter></entity></fetch>"

    page = ET.fromstring(fetchxml.page_of(query, fetchxml.Cursor(), size=50))

    (read,) = page.iter("condition")
    assert read.attrib == {"value": text}


@a_lot
@given(texts)
def test_a_text_in_a_batch_is_one_value_of_one_request(text: str) -> None:
    changes = [
        operations.update("contacts", UUID(int=1), {"lastname": text}),
        delete("contacts", UUID(int=2)),
    ]
    (batch,) = batches(changes, "/api/data/v9.2/")

    message = message_from_bytes(f"Content-Type: {batch.content_type}\r\n\r\n".encode() + batch.content)
    first, second = message.get_payload()

    body = first.get_payload(decode=True).decode()
    assert json.loads(body.replace("\r\n", "\n").split("\n\n", 1)[1]) == {"lastname": text}
    assert second.get_payload().startswith("DELETE ")


@a_lot
@given(texts)
@example("\ud83d half of an emoji")
async def test_a_text_in_the_payload_of_spotler_is_the_value_of_its_property(text: str) -> None:
    mapping = read_mapping(
        {
            "version": 1,
            "rows": [
                {"spotler": "email", "contact": "emailaddress1"},
                {"spotler": "lastName", "contact": "lastname"},
                {"spotler": "greeting", "contact": '@concat("Dear ", lastname)'},
            ],
        }
    )
    names = ("lastName", "greeting")
    catalogue = PropertyCatalogue(
        (
            PropertyDefinition("email", "E-mail", PropertyType.EMAIL),
            *(PropertyDefinition(name, name, PropertyType.STRING) for name in names),
        )
    )
    record = person(mapping, values={"emailaddress1": "ann@example.com", "lastname": text})
    properties = as_properties(wished_fields(record, mapping, catalogue).values)
    bodies: list[Any] = []

    def spotler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content.decode("utf-8")))
        return httpx.Response(200, json=[{"externalId": "1", "code": "OK"}])

    async with httpx.AsyncClient(transport=httpx.MockTransport(spotler)) as http:
        client = SpotlerClient("https://spotler.example", "k", "s", http=http, clock=ManualClock())
        await client.upsert_many([ContactWrite("1", properties)], purge=Purge.KEEP)

    (contact,) = bodies[0]["contacts"]
    whole = text.encode("utf-8", "replace").decode("utf-8").strip()
    assert contact["externalId"] == "1"
    assert contact["properties"].keys() == {"email", *names}
    assert contact["properties"]["lastName"].strip() == whole
    if whole:
        assert contact["properties"]["greeting"].startswith("Dear ")


@pytest.mark.parametrize("text", VERY_LONG, ids=["quotes", "accents", "emoji", "escapes"])
def test_a_text_too_long_for_a_cell_is_refused_and_never_cut(text: str) -> None:
    email = {"spotler": "email", "contact": "emailaddress1", "comment": text}
    with pytest.raises(WorkbookError, match="longer than the 32767 characters of a cell"):
        to_workbook("prod", read_mapping({"version": 1, "rows": [email]}), [])


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_text_in_a_sheet_is_a_text_and_comes_back(text: str) -> None:
    email = {"spotler": "email", "contact": "emailaddress1", "comment": text}
    mapping = read_mapping({"version": 1, "rows": [email]})
    assert from_workbook(to_workbook("prod", mapping, []), "prod") == mapping
