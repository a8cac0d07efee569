"""What an event of Dataverse makes the connector look at (CS-08..CS-13, JOB-05)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from shared.core.records import Lookup, PersonTable, RecordKey, Why
from shared.dataverse.events import DataverseEvent, Message
from shared.dataverse.routing import Routed, route

ONE, TWO, USER = UUID(int=1), UUID(int=2), UUID(int=9)
TAG = "our-own-writes"

EVENT = DataverseEvent(
    message=Message.UPDATE,
    table="contact",
    id=ONE,
    organisation_id=UUID(int=3),
    organisation_host="contoso.crm4.dynamics.com",
    correlation_id=UUID(int=4),
    operation_id=None,
    initiating_user=USER,
    user=USER,
    depth=1,
    tags=frozenset(),
    changed=frozenset(),
    references=(Lookup("contact", ONE), Lookup("systemuser", USER)),
    stripped=False,
)


def people(routed: Routed) -> dict[RecordKey, Why]:
    assert all(reference.correlation == str(EVENT.correlation_id) for reference in routed.people)
    return {reference.key: reference.why for reference in routed.people}


@pytest.mark.parametrize("table", PersonTable)
@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message.CREATE, Why.SAVED),  # CS-08
        (Message.UPDATE, Why.SAVED),  # CS-09, CS-10
        (Message.SET_STATE, Why.SAVED),  # CS-12
        (Message.SET_STATE_DYNAMIC_ENTITY, Why.SAVED),
        (Message.DELETE, Why.DELETED),  # CS-13
    ],
)
def test_a_change_of_a_person_is_a_reason_to_look(table: PersonTable, message: Message, why: Why) -> None:
    event = replace(EVENT, table=table, message=message, references=(Lookup(table, ONE),))
    assert people(route(event, own_tag=TAG)) == {RecordKey(table, ONE): why}


def test_a_merge_concerns_both_records() -> None:
    event = replace(EVENT, message=Message.MERGE, references=(Lookup("contact", ONE), Lookup("contact", TWO)))
    assert people(route(event, own_tag=TAG)) == {
        RecordKey(PersonTable.CONTACT, ONE): Why.MERGED,
        RecordKey(PersonTable.CONTACT, TWO): Why.MERGED,
    }


def test_a_qualified_lead_concerns_everybody_whom_the_message_names() -> None:  # CS-29
    event = replace(
        EVENT,
        message=Message.QUALIFY_LEAD,
        table="lead",
        references=(Lookup("lead", ONE), Lookup("contact", TWO), Lookup("opportunity", UUID(int=5))),
    )
    assert people(route(event, own_tag=TAG)) == {
        RecordKey(PersonTable.LEAD, ONE): Why.QUALIFIED,
        RecordKey(PersonTable.CONTACT, TWO): Why.QUALIFIED,
    }


def test_a_person_whom_an_update_only_mentions_is_not_looked_at() -> None:
    event = replace(EVENT, references=(Lookup("contact", ONE), Lookup("account", TWO)))
    assert list(people(route(event, own_tag=TAG))) == [RecordKey(PersonTable.CONTACT, ONE)]


def test_a_permission_leads_to_its_owner() -> None:  # CS-11
    event = replace(EVENT, table="dh_spotlerpermission", references=(Lookup("lead", TWO), Lookup("systemuser", USER)))
    assert people(route(event, own_tag=TAG)) == {RecordKey(PersonTable.LEAD, TWO): Why.PERMISSION}


def test_a_permission_whose_owner_is_not_named_is_looked_up() -> None:
    event = replace(EVENT, table="dh_spotlerpermission", references=())
    assert route(event, own_tag=TAG) == Routed(permissions=(ONE,))


def test_a_deleted_permission_without_a_named_owner_leads_nowhere() -> None:
    event = replace(EVENT, table="dh_spotlerpermission", message=Message.DELETE, references=())
    assert route(event, own_tag=TAG) == Routed()


def test_a_new_job_is_run() -> None:  # JOB-05
    event = replace(EVENT, table="dh_spotlerjob", message=Message.CREATE)
    assert route(event, own_tag=TAG) == Routed(jobs=(ONE,))


def test_a_change_of_a_job_is_our_own_report_or_nobodys_business() -> None:
    assert route(replace(EVENT, table="dh_spotlerjob"), own_tag=TAG) == Routed()


@pytest.mark.parametrize("table", ["contact", "dh_spotlerjob", "dh_spotlerpermission"])
def test_our_own_writes_are_of_no_interest(table: str) -> None:  # C-44
    event = replace(EVENT, table=table, message=Message.CREATE, tags=frozenset({"somebody", TAG}))
    assert route(event, own_tag=TAG) == Routed()
    assert route(replace(event, tags=frozenset({"somebody"})), own_tag=TAG) != Routed()


def test_other_tables_are_of_no_interest() -> None:
    event = replace(EVENT, table="opportunity", references=(Lookup("opportunity", ONE), Lookup("contact", TWO)))
    assert route(event, own_tag=TAG) == Routed()
