"""The invented people: repeatable, well-formed, and with every special case that a synchronisation must handle."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from email_validator import EmailNotValidError, validate_email

from shared.local.sandbox.people import MAIL_DOMAINS, PERMISSIONS, Row, people

DUTCH_POSTCODE = re.compile(r"[1-9][0-9]{3} ?[A-Z]{2}")
DUTCH_PHONE = re.compile(r"0[0-9](-?[0-9]){8}")
WIDTHS = {"firstname": 50, "lastname": 50, "middlename": 50, "emailaddress1": 100, "name": 160, "accountnumber": 20}
KEYS = {
    "account": "accountid",
    "contact": "contactid",
    "lead": "leadid",
    "dh_spotlerpermission": "dh_spotlerpermissionid",
}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return people(500, seed=7)


def persons(rows: list[Row]) -> list[dict[str, object]]:
    return [columns for table, columns in rows if table in {"contact", "lead"}]


def is_mail_address(address: object) -> bool:
    try:
        validate_email(str(address), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return False
    return True


def test_the_same_seed_gives_the_same_people_and_another_seed_gives_others() -> None:
    assert people(60, seed=1) == people(60, seed=1)
    assert people(60, seed=1) != people(60, seed=2)


@pytest.mark.parametrize("count", [0, 1, 9, 60])
def test_as_many_person_records_are_made_as_asked_for(count: int) -> None:
    assert sum(table in {"account", "contact", "lead"} for table, _ in people(count, seed=3)) == count


def test_of_ten_records_one_is_an_account_seven_are_contacts_and_two_are_leads(rows: list[Row]) -> None:
    counts = Counter(table for table, _ in rows)
    assert counts["account"] == 50
    assert counts["contact"] == pytest.approx(350, abs=5)
    assert counts["lead"] == pytest.approx(100, abs=5)


def test_every_row_has_its_own_key_and_points_only_to_rows_before_it(rows: list[Row]) -> None:
    seen: set[tuple[str, object]] = set()
    for table, columns in rows:
        lookups = [value for value in columns.values() if isinstance(value, tuple)]
        assert all(lookup in seen for lookup in lookups)
        key = (table, columns[KEYS[table]])
        assert key not in seen
        seen.add(key)


def test_values_fit_their_columns(rows: list[Row]) -> None:
    for _, columns in rows:
        for name, width in WIDTHS.items():
            assert len(str(columns.get(name) or "")) <= width
    assert all(len(str(row.get("mobilephone") or "")) <= 20 for table, row in rows if table == "lead")


def test_seven_in_ten_are_dutch(rows: list[Row]) -> None:
    everybody = persons(rows)
    dutch = [row for row in everybody if row["address1_country"] == "Nederland"]
    assert len(dutch) / len(everybody) == pytest.approx(0.72, abs=0.06)


def test_dutch_postcodes_and_phones_follow_the_rule_but_for_some_on_purpose(rows: list[Row]) -> None:
    dutch = [row for row in persons(rows) if row["address1_country"] == "Nederland"]
    postcodes = [bool(DUTCH_POSTCODE.fullmatch(str(row["address1_postalcode"]))) for row in dutch]
    phones = [bool(DUTCH_PHONE.fullmatch(str(row["telephone1"]))) for row in dutch]
    mobiles = [bool(DUTCH_PHONE.fullmatch(str(row["mobilephone"]))) for row in dutch]
    for outcomes in (postcodes, phones, mobiles):
        assert 0 < outcomes.count(False) < len(dutch) / 10


def test_addresses_of_mail_are_valid_and_in_domains_for_examples_but_for_some_on_purpose(rows: list[Row]) -> None:
    addresses = [row["emailaddress1"] for row in persons(rows)]
    invalid = [address for address in addresses if address is not None and not is_mail_address(address)]
    assert 0 < addresses.count(None) < len(addresses) / 10
    assert 0 < len(invalid) < len(addresses) / 10
    domains = {
        str(address).partition("@")[2] for address in addresses if address is not None and address not in invalid
    }
    assert domains == set(MAIL_DOMAINS)


def test_some_addresses_are_shared_by_two_records_and_none_by_more(rows: list[Row]) -> None:
    shared = Counter(row["emailaddress1"] for row in persons(rows) if is_mail_address(row["emailaddress1"]))
    assert set(shared.values()) == {1, 2}


def test_some_refuse_bulk_mail_some_refuse_all_mail_and_some_are_inactive(rows: list[Row]) -> None:
    for column, value in (("donotbulkemail", True), ("donotemail", True)):
        assert 0 < sum(row[column] is value for row in persons(rows)) < 50
    states = Counter(
        (table, row["statecode"], row["statuscode"]) for table, row in rows if table in {"contact", "lead"}
    )
    assert set(states) == {("contact", 0, 1), ("contact", 1, 2), ("lead", 0, 1), ("lead", 2, 4)}


@pytest.mark.parametrize("letter", ["ë", "ü", "ç", "ł", "Ş", "И", "'"])
def test_names_use_letters_of_many_languages(rows: list[Row], letter: str) -> None:
    assert any(letter in f"{row['firstname']}{row['lastname']}" for row in persons(rows))


def test_some_names_are_long_and_many_have_an_infix_of_their_own(rows: list[Row]) -> None:
    assert max(len(str(row["lastname"])) for row in persons(rows)) > 40
    assert {"van der", "de", None} <= {row["middlename"] for row in persons(rows)}


def test_permissions_belong_to_a_contact_or_a_lead_and_not_everybody_has_some(rows: list[Row]) -> None:
    permissions = [columns for table, columns in rows if table == "dh_spotlerpermission"]
    owners = {row.get("dh_customerid") or row.get("dh_leadid") for row in permissions}
    assert {row["dh_name"] for row in permissions} == set(PERMISSIONS)
    assert {row["dh_subscribed"] for row in permissions} == {True, False}
    assert len(persons(rows)) / 2 < len(owners) < len(persons(rows))
