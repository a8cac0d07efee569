"""The requirements of blanks, purge and filters: what is cleared, and who is left alone (PURGE, VAL-04)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.mapping.model import Outside
from shared.domain.planning.decisions import Anonymize, Plan, Rest, Write
from shared.domain.planning.plan_input import SharingRecords
from shared.domain.planning.rules import Unmapped
from shared.domain.records.marketing_contact import SetOption
from shared.domain.records.outcomes import Reason, Result
from shared.domain.records.records import PersonRecord, RecordKey
from tests.person_records import person
from tests.unit.domain.mapping.required_mappings import mapping_of, planned, to_platform


@pytest.mark.parametrize(("blank", "sent"), [("clear", {"lastName": ""}), ("keep", {})])
def test_an_empty_value_clears_the_property_or_keeps_it_as_the_row_says(blank: str, sent: dict[str, str]) -> None:
    assert to_platform(mapping_of({"spotler": "lastName", "contact": "lastname", "blank": blank})) == sent


def test_purge_01_only_unmapped_properties_are_cleared() -> None:
    mapping = mapping_of(
        {"spotler": "lastName", "contact": "lastname", "blank": "keep"},
        {"spotler": "phoneNumber", "contact": "telephone1", "direction": "<-"},
    )
    write = planned(person(mapping, values={"emailaddress1": "a@b.nl"}), mapping, unmapped=Unmapped.CLEAR)

    assert isinstance(write, Write)
    assert write.properties == {"email": "a@b.nl", "profileField1": "", "firstorder": ""}


def test_purge_02_by_default_other_properties_keep_their_value() -> None:
    write = planned(person(mapping_of(), values={"emailaddress1": "a@b.nl"}), mapping_of())

    assert isinstance(write, Write)
    assert write.properties == {"email": "a@b.nl"}


def outside(policy: Outside, **plan_input: Any) -> Plan:
    mapping = mapping_of(
        {"spotler": "permissions", "contact": "@map(permissions)"},
        filters={"contact": 'address1_country in ("NL", "BE")'},
        outside=policy.value,
    )
    values = {"emailaddress1": "a@b.nl", "address1_country": "France"}
    return planned(person(mapping, values=values), mapping, **plan_input)


def test_val_04_a_person_who_never_passed_the_filter_is_not_touched() -> None:
    for policy in Outside:
        rest = outside(policy)
        assert isinstance(rest, Rest)
        assert (rest.result, rest.reason) == (Result.SKIPPED, Reason.FILTERED)


def test_a_person_who_leaves_the_filter_stays_as_is_by_default() -> None:
    rest = outside(Outside.KEEP, is_live=True)

    assert isinstance(rest, Rest)
    assert rest.binding.is_live


def test_a_person_who_leaves_the_filter_loses_every_permission_if_the_mapping_says_so() -> None:
    write = outside(Outside.CLEAR_PERMISSIONS, is_live=True)

    assert isinstance(write, Write)
    assert write.properties == {"permissions": (SetOption(1, enabled=False), SetOption(2, enabled=False))}
    assert write.reason is Reason.FILTERED


def test_a_person_who_leaves_the_filter_is_erased_if_the_mapping_says_so_unless_somebody_needs_the_contact() -> None:
    sharing = SharingRecords((RecordKey.parse("lead:00000000-0000-0000-0000-000000000002"),))

    assert isinstance(outside(Outside.ANONYMIZE, is_live=True), Anonymize)
    kept = outside(Outside.ANONYMIZE, is_live=True, sharing_records=sharing)
    assert isinstance(kept, Rest)
    assert kept.reason is Reason.STILL_USED


@pytest.mark.parametrize(
    ("condition", "erased"), [("new_vip = 1", False), ("new_vip <> 0", False), ("new_vip = 0", True)]
)
def test_val_04_one_and_zero_are_the_values_of_two_options_so_that_the_wrong_people_are_not_erased(
    condition: str, *, erased: bool
) -> None:
    mapping = mapping_of(filters={"contact": condition}, outside="anonymize")
    record = person(mapping, values={"emailaddress1": "a@b.nl", "new_vip": True}, labels={"new_vip": "Ja"})
    other = person(mapping, values={"emailaddress1": "a@b.nl", "new_vip": False}, labels={"new_vip": "Nee"})

    assert isinstance(planned(record, mapping, is_live=True), Anonymize) is erased
    assert isinstance(planned(other, mapping, is_live=True), Anonymize) is not erased


@pytest.mark.parametrize("policy", Outside)
def test_filter_on_a_deleted_column_erases_no_contact(policy: Outside) -> None:
    mapping = mapping_of(filters={"contact": "new_gone = 1"}, outside=policy.value)
    record = person(mapping, values={"emailaddress1": "a@b.nl"})
    unread = {name: value for name, value in record.values.items() if name != "new_gone"}

    rest = planned(PersonRecord(record.key, unread), mapping, is_live=True)

    assert isinstance(rest, Rest)
    assert (rest.result, rest.reason) == (Result.FAILED, Reason.FILTER_UNREADABLE)
