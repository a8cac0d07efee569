"""Records with one e-mail address and two-way values: one of them is primary, and no value of one reaches another."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.planning.rules import EndAction, Rules, Unmapped
from shared.domain.records.records import PersonTable, RecordKey, SyncStatus
from shared.inbound.page_counts import ChangeKind
from tests.connector_twin import ConnectorTwin, person
from tests.twins import CrashError
from tests.unit.inbound.test_two_way import ping_pong, subscribed, two_way, value

LEAD = PersonTable.LEAD
BOTH = {"lead": "firstname", "direction": "<->"}
HOME = {"lead": "new_hobby"}
POST_CODE = {
    "spotler": "postalCode",
    "contact": "address1_postalcode",
    "lead": "address1_postalcode",
    "direction": "<->",
}
ADDRESS = "ann@example.com"
TEXT = "Shares its e-mail address with {0}. What is changed in Spotler comes home to {0}; here, only permissions do."


def named(**rows: dict[str, Any]) -> Rules:
    """First name both ways and hobby from Spotler, on contacts and leads."""
    return two_way(
        **{"firstName": BOTH, "hobby": HOME, "city": {"lead": "address1_city", "direction": "->"}, **rows},
    )


async def couple(rules: Rules | None = None) -> tuple[ConnectorTwin, RecordKey, RecordKey]:
    """Ann, who was synchronised first, and Ben with the same address."""
    twin = ConnectorTwin(rules or named())
    ann = twin.crm.create(**person(address1_city="Delft", new_hobby=None, permissions={"Newsletter": True}))
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben", address1_city="Breda", new_hobby=None))
    await twin.sync(ben)
    await twin.poll()
    return twin, ann, ben


def spotler(twin: ConnectorTwin, name: str) -> Any:
    return twin.contact_of(ADDRESS).values.get(name, "")


def names(twin: ConnectorTwin, *keys: RecordKey) -> list[Any]:
    return [value(twin, key, "firstname") for key in keys]


def text_of(twin: ConnectorTwin, key: RecordKey) -> str:
    status = twin.crm.people[key].status
    assert status is not None
    return status.reason


async def test_joining_record_exchanges_no_two_way_value() -> None:
    twin, ann, ben = await couple()

    assert names(twin, ann, ben) == ["Ann", "Ben"]
    assert spotler(twin, "firstName") == "Ann"
    assert await ping_pong(twin) == 0


async def test_dup_02_of_values_that_go_to_spotler_alone_the_last_one_saved_counts() -> None:
    twin, _, _ = await couple()
    assert spotler(twin, "city") == "Breda"


@pytest.mark.parametrize("policy", ["crm", "spotler", "newest", "ask"])
async def test_an_edit_of_another_user_than_the_primary_one_changes_nothing(policy: str) -> None:
    twin, ann, ben = await couple(named(firstName={**BOTH, "conflict": policy}))
    twin.crm.edit(ben, firstname="Bernard")

    await twin.sync(ben)
    await twin.poll()

    assert names(twin, ann, ben) == ["Ann", "Bernard"]
    assert spotler(twin, "firstName") == "Ann"
    assert await ping_pong(twin) == 0


async def test_change_in_spotler_is_written_back_to_the_primary_user_only() -> None:
    twin, ann, ben = await couple()
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Anna", hobby="chess")

    polled = await twin.poll()

    assert polled.seen == {ChangeKind.CHANGED: 1}
    assert names(twin, ann, ben) == ["Anna", "Ben"]
    assert [value(twin, key, "new_hobby") for key in (ann, ben)] == ["chess", None]
    assert await ping_pong(twin) == 0


async def test_change_of_the_primary_user_is_an_echo_for_the_others() -> None:
    twin, ann, ben = await couple()
    twin.crm.edit(ann, firstname="Anna")
    await twin.sync(ann)
    twin.crm.calls.clear()

    polled = await twin.poll()

    assert polled.seen == {ChangeKind.ECHO: 1}
    assert twin.crm.calls.total() == 0
    assert names(twin, ann, ben) == ["Anna", "Ben"]


async def test_permissions_of_all_users_are_synchronised() -> None:
    twin, ann, ben = await couple()
    twin.platform.edit(twin.contact_of(ADDRESS), options={"permissions:2": True})

    await twin.poll()

    assert [subscribed(twin, key)["Events"] for key in (ann, ben)] == [True, True]


async def test_a_foreign_post_code_of_another_user_stays_where_it_is() -> None:
    rules = named(city={**POST_CODE, "foreign": "foreignPostalCode"})
    twin = ConnectorTwin(rules)
    ann = twin.crm.create(**person(address1_postalcode="1234 AB"))
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben", address1_postalcode="SW1A 1AA"))
    await twin.sync(ben)
    twin.platform.edit(twin.contact_of(ADDRESS), postalCode="", foreignPostalCode="EC1A 1BB")

    await twin.poll()

    assert [value(twin, key, "address1_postalcode") for key in (ann, ben)] == ["EC1A 1BB", "SW1A 1AA"]
    assert await ping_pong(twin) == 0


async def test_a_value_that_another_user_does_not_send_cannot_stop_it() -> None:  # VAL-05
    twin, _, ben = await couple(named(city=POST_CODE))
    twin.crm.edit(ben, address1_postalcode="nonsense")

    await twin.sync(ben)

    assert twin.status_of(ben)[0] == SyncStatus.SUCCEEDED


async def test_only_the_primary_user_empties_what_is_not_mapped() -> None:  # PURGE-01
    rules = named()
    twin, ann, ben = await couple(Rules(rules.mapping, rules.fingerprints, unmapped=Unmapped.CLEAR))
    twin.platform.edit(twin.contact_of(ADDRESS), hobby="chess")
    await twin.poll()
    twin.crm.edit(ben, address1_city="Gouda")

    await twin.sync(ben)

    assert (spotler(twin, "city"), spotler(twin, "hobby"), spotler(twin, "firstName")) == ("Gouda", "chess", "Ann")
    assert names(twin, ann, ben) == ["Ann", "Ben"]


# -------------------------------------------------------------------------------------------------------- the next one


@pytest.mark.parametrize("policy", ["crm", "spotler", "newest", "ask"])
@pytest.mark.parametrize("action", [EndAction.ANONYMIZE, EndAction.NOTHING])
async def test_when_the_primary_user_leaves_the_contact_gets_the_values_of_the_next_one(
    policy: str, action: EndAction
) -> None:
    settings = named(firstName={**BOTH, "conflict": policy})
    twin, ann, ben = await couple(Rules(settings.mapping, settings.fingerprints, on_delete=action))
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Ben"
    assert names(twin, ben) == ["Ben"]
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard")
    await twin.poll()
    assert names(twin, ben) == ["Bernard"]
    assert await ping_pong(twin) == 0


@pytest.mark.parametrize("policy", ["crm", "spotler", "newest", "ask"])
@pytest.mark.parametrize("action", [EndAction.PERMISSIONS_OFF, EndAction.NOTHING])
async def test_a_record_that_joins_after_the_only_user_has_left_takes_none_of_its_values(
    policy: str, action: EndAction
) -> None:
    settings = named(firstName={**BOTH, "conflict": policy})
    twin = ConnectorTwin(Rules(settings.mapping, settings.fingerprints, on_delete=action))
    ann = twin.crm.create(**person(new_hobby=None))
    await twin.sync(ann)
    ben = twin.crm.create(**person(firstname="Ben", new_hobby=None))
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.sync(ben)
    await twin.poll()

    assert names(twin, ben) == ["Ben"]
    assert spotler(twin, "firstName") == "Ben"
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard")
    await twin.poll()
    assert names(twin, ben) == ["Bernard"]
    assert await ping_pong(twin) == 0


@pytest.mark.parametrize("moment", range(28))
async def test_the_next_one_keeps_its_values_wherever_a_worker_dies(moment: int) -> None:
    twin, ann, ben = await couple(named(firstName={**BOTH, "conflict": "spotler"}))
    twin.crm.delete(ann)
    twin.faults.plan(2 + moment, CrashError())  # after the message is there

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ben) == ["Ben"]
    assert spotler(twin, "firstName") == "Ben"


async def test_a_value_of_the_record_that_left_fills_no_empty_column() -> None:
    twin, ann, ben = await couple()
    twin.crm.edit(ben, firstname=None)
    await twin.sync(ben)
    twin.crm.edit(ann, statecode=1)

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ben) == [None]
    assert spotler(twin, "firstName") == ""
    assert await ping_pong(twin) == 0


async def test_edit_in_spotler_is_written_back_to_the_next_primary_user() -> None:
    twin, ann, ben = await couple(named(firstName={**BOTH, "conflict": "spotler"}))
    twin.crm.edit(ann, emailaddress1="elsewhere@example.com")
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Bernard", hobby="chess")

    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ann, ben) == ["Ann", "Bernard"]
    assert value(twin, ben, "new_hobby") == "chess"
    assert await ping_pong(twin) == 0


async def test_returned_record_is_not_primary_again() -> None:
    twin, ann, ben = await couple()
    twin.crm.edit(ann, donotemail=True)
    await twin.sync(ann)
    twin.crm.edit(ann, donotemail=False, firstname="Anna")

    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Ben"
    assert names(twin, ann, ben) == ["Anna", "Ben"]
    assert await ping_pong(twin) == 0


async def test_record_that_creates_the_contact_again_is_primary_and_empties_nothing() -> None:  # DEL-08
    twin, ann, ben = await couple()
    twin.platform.contacts.clear()
    twin.crm.edit(ben, donotbulkemail=True)  # which is read before it is sent

    await twin.sync(ben)
    await twin.sync(ann)
    await twin.poll()

    assert names(twin, ann, ben) == ["Ann", "Ben"]
    assert spotler(twin, "firstName") == "Ben"
    assert await ping_pong(twin) == 0


async def test_the_contact_of_a_qualified_lead_is_primary_in_its_place() -> None:  # CS-29
    twin = ConnectorTwin(named())
    lead = twin.crm.create(LEAD, **person(new_hobby=None))
    await twin.sync(lead)
    ben = twin.crm.create(**person(firstname="Ben", new_hobby=None))
    await twin.sync(ben)
    contact = twin.crm.qualify(lead)
    await twin.sync(lead, contact)
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Anna")

    await twin.poll()

    assert names(twin, contact, ben) == ["Anna", "Ben"]
    assert await ping_pong(twin) == 0


async def test_a_successor_of_another_user_is_not_primary() -> None:
    twin = ConnectorTwin(named())
    ann = twin.crm.create(**person(new_hobby=None))
    lead = twin.crm.create(LEAD, **person(firstname="Ben", new_hobby=None))
    await twin.sync(ann)
    await twin.sync(lead)
    contact = twin.crm.qualify(lead)
    await twin.sync(lead, contact)
    twin.platform.edit(twin.contact_of(ADDRESS), firstName="Anna")

    await twin.poll()

    assert names(twin, ann, contact) == ["Anna", "Ben"]


async def test_records_that_were_bound_by_an_older_version_find_one_primary_user() -> None:
    twin, ann, ben = await couple()
    for document in list(twin.store.documents.values()):
        document.body.pop("primary", None)
    twin.crm.edit(ben, firstname="Bernard")
    twin.crm.edit(ann, firstname="Anna")

    await twin.sync(ben)
    await twin.sync(ann)
    await twin.poll()

    assert spotler(twin, "firstName") == "Anna"
    assert names(twin, ann, ben) == ["Anna", "Bernard"]


# ------------------------------------------------------------------------------------------------------- what is told


async def test_the_other_records_are_reported_as_duplicates() -> None:
    twin, ann, ben = await couple()

    assert "Shares" not in text_of(twin, ann)
    assert text_of(twin, ben).endswith(TEXT.format(ann))


async def test_the_text_of_a_duplicate_is_written_once() -> None:
    twin, _, ben = await couple()
    twin.crm.calls.clear()

    await twin.sync(ben)
    await twin.sync(ben)

    assert twin.crm.calls["report"] == 0


async def test_the_text_goes_when_the_others_have_gone() -> None:
    twin, ann, ben = await couple()
    twin.crm.delete(ann)

    await twin.sync(ann)
    await twin.sync(ben)

    assert "Shares" not in text_of(twin, ben)


async def test_explain_names_the_duplicates_and_the_primary_one() -> None:
    twin, ann, ben = await couple()
    group = {"records": sorted([str(ann), str(ben)]), "primary": str(ann)}

    assert [(await twin.explain.record(key))["duplicates"] for key in (ann, ben)] == [group, group]
    alone = twin.crm.create(**person(emailaddress1="alone@example.com"))
    await twin.sync(alone)
    assert (await twin.explain.record(alone))["duplicates"] is None
