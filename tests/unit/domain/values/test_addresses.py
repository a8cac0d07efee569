"""E-mail addresses: which are the same, and what nobody sees in them; and where a text may be cut."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.mapping.formats.document import read_mapping
from shared.domain.planning.conditions import email_of
from shared.domain.records.fingerprints import Fingerprinter
from shared.domain.records.marketing_contact import PropertyType
from shared.domain.records.records import PersonRecord, PersonTable, RecordKey
from shared.domain.values.addresses import address_key, address_text
from shared.domain.values.texts import cut, utf16_length, visible
from shared.domain.values.values import Fits, convert

PRINTS = Fingerprinter(b"sixteen bytes!!!")
FAMILY = "👨‍👩‍👧‍👦"
INVISIBLE = [
    "\u200bjan@example.nl",
    "jan@example.nl\u200b",
    "jan@example.nl\ufeff",
    "jan\u00ad@example.nl",
    "jan@example.nl\u00a0",
]


@pytest.mark.parametrize(
    "others",
    [
        ("Ann@Example.COM", " ann@example.com "),
        ("info@straße.de", "INFO@Straße.de", "info@xn--strae-oqa.de"),
        ("ann@münchen.example", "Ann@MÜNCHEN.example", "ann@xn--mnchen-3ya.example", "ann@mu\u0308nchen.example"),
        ("jan@example.nl", *INVISIBLE),
    ],
)
def test_dup_03_one_address_has_one_key_however_it_is_written(others: tuple[str, ...]) -> None:
    assert len({address_key(one) for one in others}) == 1
    assert len({PRINTS.address(one) for one in others}) == 1


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("info@straße.de", "info@strasse.de"),  # two owners, as domains are registered since 2010
        ("straße@example.de", "strasse@example.de"),
        ("ann@example.com", "anne@example.com"),
    ],
)
def test_dup_03_two_addresses_have_two_keys(one: str, another: str) -> None:
    assert address_key(one) != address_key(another)
    assert PRINTS.address(one) != PRINTS.address(another)


@pytest.mark.parametrize(
    ("address", "fingerprint"),
    [
        ("Ann.O'Neil+news@Example.co.uk", "YX9xbfBYmYGmtw7nsGgA"),
        ("a_b@sub_domain.example.com", "xZSKR8wG9xIl5gsleb2L"),
        ("nobody", "XfJheID1LfUFnzz8pUkU"),
    ],
)
def test_the_stored_fingerprint_of_an_address_in_plain_ascii_never_changes(address: str, fingerprint: str) -> None:
    assert PRINTS.address(address) == fingerprint


@pytest.mark.parametrize("address", ["ann@-ü-.example", "ann@" + "ü" * 300 + ".nl", "ann@..ü", ""])
def test_a_domain_that_cannot_exist_is_compared_as_it_is_written(address: str) -> None:
    assert address_key(address) == address.lower()


@pytest.mark.parametrize("address", INVISIBLE)
def test_characters_that_nobody_sees_are_no_part_of_an_address(address: str) -> None:
    rows = read_mapping({"version": 1, "rows": [{"spotler": "email", "contact": "emailaddress1"}]}).rows
    record = PersonRecord(RecordKey(PersonTable.CONTACT, UUID(int=1)), {"emailaddress1": address})

    assert email_of(record, rows) == address_text(address) == "jan@example.nl"
    assert convert(address, None, PropertyType.EMAIL) == Fits("jan@example.nl")


def test_an_address_of_invisible_characters_is_none() -> None:
    assert convert("\u200b\ufeff", None, PropertyType.EMAIL) == Fits("")


def test_joiners_within_a_text_are_seen_and_stay() -> None:
    assert visible(f"\u200d{FAMILY}\u200c") == FAMILY


@pytest.mark.parametrize(
    ("text", "limit", "beginning"),
    [
        ("short", 50, "short"),
        ("L" * 60, 50, "L" * 50),
        (FAMILY * 5, 50, FAMILY * 4),  # eleven UTF-16 units each
        ("e\u0301" * 3, 5, "e\u0301" * 2),
        ("🇳🇱" * 3, 10, "🇳🇱" * 2),
        ("👍🏽" * 3, 7, "👍🏽"),
        ("van der Berg", 8, "van der"),
        ("a" + "\u0301" * 60, 50, ""),
    ],
)
def test_a_text_is_cut_between_characters_as_people_see_them(text: str, limit: int, beginning: str) -> None:
    assert cut(text, limit) == beginning
    assert utf16_length(cut(text, limit)) <= limit
