"""The contact of a record (DUP-01..DUP-03, CS-29)."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.domain.mapping.reading import originating_lead
from shared.domain.planning.binding import Binding
from shared.domain.planning.identity import (
    Identity,
    Join,
    Leave,
    LeaveContact,
    Stay,
    binding_after_joining,
    identify,
)
from shared.domain.planning.plan_input import BaseState, SharingRecords
from shared.domain.records.records import Lookup, PersonRecord, PersonTable, RecordKey

KEY = RecordKey(PersonTable.CONTACT, UUID(int=1))
LEAD = RecordKey(PersonTable.LEAD, UUID(int=2))
OTHERS = SharingRecords((LEAD,))
NONE = SharingRecords()
OWN = "own"
NEW = Binding(OWN)
LIVE = Binding(OWN, is_live=True, address="old")


@pytest.mark.parametrize(
    ("case", "binding", "address", "sharing_records", "owner", "identity"),
    [
        ("a new person", NEW, "a", NONE, None, Stay()),
        ("a new record of a person that Spotler knows", NEW, "a", NONE, "hers", Join("hers")),
        ("a new record whose id another person has", NEW, "a", OTHERS, None, LeaveContact()),
        ("a record that comes back to its contact, which others use", NEW, "a", OTHERS, OWN, Join(OWN)),
        ("an edit", LIVE, "old", NONE, OWN, Stay()),
        ("an edit of a shared contact", LIVE, "old", OTHERS, OWN, Stay()),
        ("a new address that nobody has", LIVE, "new", NONE, None, Stay()),
        ("a new address that was reserved before", LIVE, "new", NONE, OWN, Stay()),
        ("a new address that another contact has", LIVE, "new", NONE, "hers", Leave()),
        ("a new address while others keep the old one", LIVE, "new", OTHERS, None, Leave()),
        ("a new address that joins others, from others", LIVE, "new", OTHERS, "hers", Leave()),
    ],
)
def test_a_record_belongs_to_one_contact(
    *, case: str, binding: Binding, address: str, sharing_records: SharingRecords, owner: str | None, identity: Identity
) -> None:
    assert (
        identify(binding, address, base_state=BaseState.BASE, sharing_records=sharing_records, owner=owner) == identity
    ), case


def test_contact_of_a_dead_worker_is_released_before_the_record_moves() -> None:
    assert identify(NEW, "a", base_state=BaseState.NOTHING, sharing_records=NONE, owner="hers") == Leave()
    assert identify(NEW, "a", base_state=BaseState.NOTHING, sharing_records=OTHERS, owner="hers") == Join("hers"), (
        "others use it: nothing to let go"
    )
    assert identify(NEW, "a", base_state=BaseState.NOTHING, sharing_records=NONE, owner=None) == Stay()


def test_contact_has_its_originating_lead() -> None:
    grown = PersonRecord(KEY, {"originatingleadid": Lookup("lead", LEAD.id)})
    assert originating_lead(grown) == LEAD
    assert originating_lead(PersonRecord(KEY, {"originatingleadid": None})) is None


def test_joining_record_starts_without_a_base() -> None:
    agreed = Binding("hers", is_live=True, base={"city": "fingerprint"}, address="a")
    others = [Binding("hers"), Binding("elsewhere", is_live=True), agreed]
    assert binding_after_joining("hers", others) == Binding("hers", is_live=True, address="a")
    assert binding_after_joining("hers", others[:2]) == Binding("hers")
