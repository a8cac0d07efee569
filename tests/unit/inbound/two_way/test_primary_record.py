"""Records with one e-mail address: one of them is primary, and no two-way value of one reaches another."""

from __future__ import annotations

import pytest

from shared.domain.planning.rules import Rules, Unmapped
from shared.domain.records.records import SyncStatus
from shared.inbound.page_counts import ChangeKind
from tests.connector_twin import ConnectorTwin, person
from tests.unit.inbound.two_way.exchanging import ping_pong, subscribed, value
from tests.unit.inbound.two_way.sharing import ADDRESS, BOTH, POST_CODE, couple, named, names, spotler


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
