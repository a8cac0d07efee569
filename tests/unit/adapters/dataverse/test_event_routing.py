"""What an event of Dataverse makes the connector look at (CS-08..CS-13, JOB-05)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from shared.adapters.dataverse.events.events import DataverseEvent, Message
from shared.adapters.dataverse.events.routing import OwnIdentity, Routed, route
from shared.domain.records.records import Lookup, PersonTable, RecordKey, Why
from shared.ports.organisations import Origin

ONE, TWO, USER, OUR_USER = UUID(int=1), UUID(int=2), UUID(int=9), UUID(int=10)
TAG = "our-own-writes"
ME = OwnIdentity(TAG, OUR_USER)

EVENT = DataverseEvent(
    message=Message.UPDATE,
    table="contact",
    id=ONE,
    origin=Origin(UUID(int=3), "contoso.crm4.dynamics.com"),
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


OURS = replace(EVENT, initiating_user=OUR_USER, user=OUR_USER, tags=frozenset({TAG}))

LIST, ANN, BOB = UUID(int=20), UUID(int=21), UUID(int=22)


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
    assert people(route(event, own=ME)) == {RecordKey(table, ONE): why}


def test_a_merge_concerns_both_records() -> None:
    event = replace(EVENT, message=Message.MERGE, references=(Lookup("contact", ONE), Lookup("contact", TWO)))
    assert people(route(event, own=ME)) == {
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
    assert people(route(event, own=ME)) == {
        RecordKey(PersonTable.LEAD, ONE): Why.QUALIFIED,
        RecordKey(PersonTable.CONTACT, TWO): Why.QUALIFIED,
    }


def test_a_person_whom_an_update_only_mentions_is_not_looked_at() -> None:
    event = replace(EVENT, references=(Lookup("contact", ONE), Lookup("account", TWO)))
    assert list(people(route(event, own=ME))) == [RecordKey(PersonTable.CONTACT, ONE)]


def test_a_permission_leads_to_its_owner() -> None:  # CS-11
    event = replace(EVENT, table="dh_spotlerpermission", references=(Lookup("lead", TWO), Lookup("systemuser", USER)))
    assert people(route(event, own=ME)) == {RecordKey(PersonTable.LEAD, TWO): Why.PERMISSION}


def test_a_permission_whose_owner_is_not_named_is_looked_up() -> None:
    event = replace(EVENT, table="dh_spotlerpermission", references=())
    assert route(event, own=ME) == Routed(permissions=(ONE,))


def test_a_deleted_permission_without_a_named_owner_leads_nowhere() -> None:
    event = replace(EVENT, table="dh_spotlerpermission", message=Message.DELETE, references=())
    assert route(event, own=ME) == Routed()


def test_a_new_job_is_run() -> None:  # JOB-05
    event = replace(EVENT, table="dh_spotlerjob", message=Message.CREATE)
    assert route(event, own=ME) == Routed(jobs=(ONE,))


def test_a_change_of_a_job_is_our_own_report_or_nobodys_business() -> None:
    assert route(replace(EVENT, table="dh_spotlerjob"), own=ME) == Routed()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("contact", Message.UPDATE),
        ("lead", Message.UPDATE),
        ("dh_spotlerjob", Message.CREATE),
        ("dh_spotlerpermission", Message.CREATE),
    ],
)
def test_our_own_writes_are_of_no_interest(table: str, message: Message) -> None:  # C-44
    event = replace(OURS, table=table, message=message, tags=frozenset({"somebody", TAG}))
    assert route(event, own=ME) == Routed()
    assert route(replace(event, tags=frozenset({"somebody"})), own=ME) != Routed()


@pytest.mark.parametrize("message", [Message.UPDATE, Message.DELETE, Message.UPDATE_MULTIPLE])
@pytest.mark.parametrize(
    ("initiating_user", "user"),
    [(USER, USER), (OUR_USER, USER), (USER, OUR_USER), (None, None)],
    ids=["somebody-else", "on-behalf-of-somebody-else", "somebody-on-our-behalf", "nobody-is-named"],
)
def test_our_tag_on_a_write_of_somebody_else_hides_nothing(
    message: Message, initiating_user: UUID | None, user: UUID | None
) -> None:
    event = replace(OURS, message=message, initiating_user=initiating_user, user=user)
    assert list(people(route(event, own=ME))) == [RecordKey(PersonTable.CONTACT, ONE)]


def test_a_write_of_a_plug_in_in_answer_to_an_own_write_is_processed() -> None:
    event = replace(OURS, depth=2)
    assert list(people(route(event, own=ME))) == [RecordKey(PersonTable.CONTACT, ONE)]


def test_somebody_elses_job_with_our_tag_is_run() -> None:
    event = replace(EVENT, table="dh_spotlerjob", message=Message.CREATE, tags=frozenset({TAG}))
    assert route(event, own=ME) == Routed(jobs=(ONE,))


def test_an_event_with_our_tag_is_looked_at_while_we_do_not_know_our_own_user() -> None:
    assert list(people(route(OURS, own=OwnIdentity(TAG, None)))) == [RecordKey(PersonTable.CONTACT, ONE)]
    unnamed = replace(OURS, initiating_user=None, user=None)
    assert list(people(route(unnamed, own=OwnIdentity(TAG, None)))) == [RecordKey(PersonTable.CONTACT, ONE)]


@pytest.mark.parametrize("table", PersonTable)
def test_a_new_subscriber_whom_we_created_is_looked_at(table: PersonTable) -> None:  # NEW-04
    event = replace(OURS, table=table, message=Message.CREATE)
    assert people(route(event, own=ME)) == {RecordKey(table, ONE): Why.PLATFORM}


def test_other_tables_are_of_no_interest() -> None:
    event = replace(EVENT, table="opportunity", references=(Lookup("opportunity", ONE), Lookup("contact", TWO)))
    assert route(event, own=ME) == Routed()


# --------------------------------------------------------------------------------------------------- marketing lists


@pytest.mark.parametrize(
    "event",
    [
        replace(
            EVENT,
            message=Message.CREATE,
            table="listmember",
            references=(Lookup("listmember", ONE), Lookup("list", LIST), Lookup("contact", ANN)),
        ),
        replace(
            EVENT,
            message=Message.DELETE,  # with a pre-image of its lookups
            table="listmember",
            references=(Lookup("listmember", ONE), Lookup("list", LIST), Lookup("contact", ANN)),
        ),
        replace(
            EVENT,
            message=Message.ASSOCIATE,
            table="none",
            id=None,
            references=(Lookup("list", LIST), Lookup("contact", ANN)),
        ),
        replace(EVENT, message=Message.ADD_MEMBER, table="list", references=(Lookup("list", LIST),), members=(ANN,)),
        replace(EVENT, message=Message.REMOVE_MEMBER, table="list", references=(Lookup("list", LIST),), members=(ANN,)),
    ],
)
def test_ml_24_c_28_every_event_of_a_membership_names_list_and_person(event: DataverseEvent) -> None:
    assert route(event, own=ME) == Routed(memberships=((LIST, ANN),))


def test_ml_25_several_members_in_one_event_are_several_memberships() -> None:
    event = replace(
        EVENT,
        message=Message.ADD_LIST_MEMBERS,
        table="list",
        references=(Lookup("list", LIST),),
        members=(ANN, BOB),
    )
    assert route(event, own=ME) == Routed(memberships=((LIST, ANN), (LIST, BOB)))


@pytest.mark.parametrize(
    ("message", "changed", "matters"),
    [
        (Message.DELETE, frozenset(), True),
        (Message.SET_STATE, frozenset(), True),
        (Message.UPDATE, frozenset({"statecode", "statuscode"}), True),
        (Message.UPDATE, frozenset(), True),  # a step without the columns says nothing of what changed
        (Message.UPDATE, frozenset({"listname"}), False),  # ML-20: by hand
        (Message.CREATE, frozenset({"statecode"}), False),
    ],
)
def test_ml_28_a_list_is_looked_at_when_it_may_have_ended(
    message: Message, changed: frozenset[str], *, matters: bool
) -> None:
    event = replace(EVENT, message=message, table="list", id=LIST, changed=changed, references=(Lookup("list", LIST),))
    assert route(event, own=ME) == (Routed(lists=(LIST,)) if matters else Routed())


@pytest.mark.parametrize(
    "event",
    [
        replace(EVENT, message=Message.DELETE, table="listmember", references=(Lookup("listmember", ONE),)),
        replace(EVENT, message=Message.ASSOCIATE, table="none", id=None, references=(Lookup("contact", ANN),)),
        replace(EVENT, message=Message.ADD_MEMBER, table="list", id=LIST, references=(Lookup("list", LIST),)),
        replace(OURS, table="list", id=LIST, references=(Lookup("list", LIST),)),
    ],
)
def test_events_that_name_no_membership_and_our_own_writes_are_of_no_interest(event: DataverseEvent) -> None:
    assert route(event, own=ME) == Routed()


# --------------------------------------------------------------------------------- messages about several rows, or none

SECOND = UUID(int=23)


@pytest.mark.parametrize("message", [Message.ASSOCIATE, Message.DISASSOCIATE])
@pytest.mark.parametrize(
    ("references", "pairs"),
    [
        ([("contact", ANN), ("list", LIST), ("list", SECOND)], {(LIST, ANN), (SECOND, ANN)}),
        ([("list", LIST), ("contact", ANN), ("contact", BOB)], {(LIST, ANN), (LIST, BOB)}),
        ([("lead", ANN), ("list", LIST), ("systemuser", USER)], {(LIST, ANN)}),
    ],
)
def test_ml_24_one_request_for_several_lists_or_people_names_every_membership(
    message: Message, references: list[tuple[str, UUID]], pairs: set[tuple[UUID, UUID]]
) -> None:
    named = tuple(Lookup(table, row) for table, row in references)
    routed = route(replace(EVENT, message=message, table="none", id=None, references=named), own=ME)

    assert set(routed.memberships) == pairs
    assert len(routed.memberships) == len(pairs)


TWO_CONTACTS = (Lookup("contact", ONE), Lookup("contact", TWO), Lookup("account", ANN), Lookup("systemuser", USER))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message.CREATE_MULTIPLE, Why.SAVED),
        (Message.UPDATE_MULTIPLE, Why.SAVED),
        (Message.UPSERT_MULTIPLE, Why.SAVED),
        (Message.DELETE_MULTIPLE, Why.DELETED),
        (Message.SET_STATE, Why.SAVED),  # with an EntityMoniker alone
        (Message.ASSIGN, Why.SAVED),
    ],
)
def test_a_message_without_a_primary_row_concerns_the_rows_of_its_table(message: Message, why: Why) -> None:
    event = replace(EVENT, message=message, id=None, references=TWO_CONTACTS)

    assert people(route(event, own=ME)) == {
        RecordKey(PersonTable.CONTACT, ONE): why,
        RecordKey(PersonTable.CONTACT, TWO): why,
    }


def test_several_new_subscribers_whom_we_created_are_looked_at_and_our_other_writes_are_not() -> None:
    ours = replace(OURS, id=None, references=TWO_CONTACTS)

    assert len(route(replace(ours, message=Message.CREATE_MULTIPLE), own=ME).people) == 2
    assert route(replace(ours, message=Message.UPDATE_MULTIPLE), own=ME) == Routed()


def test_jobs_that_are_created_together_are_run() -> None:
    jobs = (Lookup("dh_spotlerjob", ONE), Lookup("dh_spotlerjob", TWO), Lookup("contact", ANN))
    event = replace(EVENT, table="dh_spotlerjob", id=None, message=Message.CREATE_MULTIPLE, references=jobs)

    assert route(event, own=ME) == Routed(jobs=(ONE, TWO))
    assert route(replace(event, message=Message.UPDATE_MULTIPLE), own=ME) == Routed()


def test_of_several_permissions_those_without_a_named_owner_are_looked_up() -> None:
    rows = (Lookup("dh_spotlerpermission", ONE), Lookup("dh_spotlerpermission", TWO), Lookup("contact", ANN))
    event = replace(EVENT, table="dh_spotlerpermission", id=None, message=Message.UPDATE_MULTIPLE, references=rows)
    routed = route(event, own=ME)

    assert people(routed) == {RecordKey(PersonTable.CONTACT, ANN): Why.PERMISSION}
    assert routed.permissions == (ONE, TWO)
    assert route(replace(event, message=Message.DELETE_MULTIPLE), own=ME).permissions == ()


@pytest.mark.parametrize("message", [Message.UPDATE_MULTIPLE, Message.DELETE_MULTIPLE])
def test_ml_28_several_lists_that_may_have_ended_are_looked_at(message: Message) -> None:
    lists = (Lookup("list", LIST), Lookup("list", SECOND))
    event = replace(EVENT, table="list", id=None, message=message, changed=frozenset({"statecode"}), references=lists)

    assert route(event, own=ME) == Routed(lists=(LIST, SECOND))
