"""Marketing lists over the twins: their state, and runs after uncertain ones."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import TransientError
from tests.connector_twin import ConnectorTwin
from tests.twins import bodies
from tests.unit.lists.list_acts import COMPLETED, FAILED, ended, ids, in_spotler, order, people, sync, tell_members


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# ------------------------------------------------------------------------------------------------------ what is unknown


async def test_a_list_in_spotler_of_which_nothing_is_remembered_is_emptied_once_and_filled(twin: ConnectorTwin) -> None:
    ann, ghost = people(twin, 2)
    await twin.sync(ann, ghost)
    fans = twin.marketing_lists.add("Fans", [ann])
    twin.audiences.names[f"list-{fans}"] = "Fans"
    twin.audiences.members[f"list-{fans}"] = {str(ghost.id)}

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([ann])
    assert twin.audiences.calls["clear"] == 1
    await sync(twin, fans)
    assert twin.audiences.calls["clear"] == 1


async def test_a_list_that_is_deleted_in_spotler_while_it_is_filled_is_made_again(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)

    def vanish() -> None:
        del twin.audiences.members[f"list-{fans}"], twin.audiences.names[f"list-{fans}"]
        twin.audiences.before_add = lambda: None

    twin.audiences.before_add = vanish
    status, _, _ = await sync(twin, fans)

    assert status is COMPLETED
    assert in_spotler(twin, fans) == ids(members)


async def test_after_a_failed_run_the_next_one_knows_what_the_list_may_hold(twin: ConnectorTwin) -> None:
    old, new = people(twin, 3), people(twin, 3)
    fans = twin.marketing_lists.add("Fans", old)
    await sync(twin, fans)
    twin.marketing_lists.listed[fans] = list(new)

    def refuse() -> None:
        raise TransientError("Spotler is away")

    twin.audiences.before_add = refuse
    status, code, text = await sync(twin, fans)
    assert (status, code) == (FAILED, "gave-up")
    assert "Sync the list again" in text

    twin.audiences.before_add = lambda: None
    twin.marketing_lists.listed[fans] = [*old[:1], *new[1:]]
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([*old[:1], *new[1:]])


async def test_after_a_failed_first_run_the_next_one_expects_no_contact_in_the_list(
    twin: ConnectorTwin,
) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)

    def refuse() -> None:
        raise TransientError("Spotler is away")

    twin.audiences.before_add = refuse
    assert (await sync(twin, fans))[:2] == (FAILED, "gave-up")
    assert in_spotler(twin, fans) == set()
    await tell_members(twin, fans, members[0])
    assert in_spotler(twin, fans) == set(), "ML-26: it was never synchronised"

    twin.audiences.before_add = lambda: None
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)
    assert "(5 added, 0 removed)" in text


async def test_a_sync_whose_message_was_lost_is_taken_over_by_the_next_job(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)
    first = await order(twin, fans)
    while twin.queue.waiting and b'"compare"' not in twin.queue.waiting[0].message.body:
        await twin.receive(twin.queue.due()[:1])
    twin.audiences.before_add = twin.queue.waiting.clear
    await twin.receive(twin.queue.due()[:1])
    twin.queue.waiting.clear()
    twin.audiences.members[f"list-{fans}"].clear()  # what it sent did not arrive, either
    twin.audiences.before_add = lambda: None
    twin.clock.advance(timedelta(hours=1))
    second = await order(twin, fans)
    await twin.quiet()
    assert twin.crm.jobs[second].status is not COMPLETED, "it may still be at work"

    twin.clock.advance(timedelta(hours=6))
    third = await order(twin, fans)
    await ended(twin, third)

    assert {twin.crm.jobs[job].status for job in (first, second, third)} == {COMPLETED}
    assert in_spotler(twin, fans) == ids(members)


async def test_nothing_personal_is_remembered_of_a_list(twin: ConnectorTwin) -> None:
    members = people(twin, 3, firstname="Zephyrine")
    fans = twin.marketing_lists.add("Fans", [*members, *people(twin, 1, donotemail=True, firstname="Zephyrine")])
    await sync(twin, fans)

    remembered = bodies(twin.store.documents)

    assert "Zephyrine" not in remembered
    assert "@example.com" not in remembered


async def test_the_state_does_not_grow_with_the_number_of_runs(twin: ConnectorTwin) -> None:
    twin.marketing_lists.page = 5
    fans = twin.marketing_lists.add("Fans", people(twin, 20))
    sizes = []
    for _ in range(4):
        await sync(twin, fans)
        sizes.append(sum(key.partition == f"test-list-{fans}" for key in twin.store.documents))
    assert len(set(sizes)) == 1
