"""ML-28, ML-30, over the twins: lists that end, and lists that change while they are synchronised."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.messages.list_messages import ListLook, ListMembers
from shared.ports.queue import QueueName
from tests.connector_twin import ConnectorTwin
from tests.unit.lists.list_acts import (
    COMPLETED,
    FAILED,
    ended,
    ids,
    in_spotler,
    order,
    people,
    sync,
    tell_list,
    tell_members,
)


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# -------------------------------------------------------------------------------------------------------- the list ends


@pytest.mark.parametrize("how", ["deactivated", "deleted"])
async def test_ml_28_a_list_that_is_deactivated_or_deleted_is_removed_from_spotler(
    twin: ConnectorTwin, how: str
) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    if how == "deleted":
        del twin.marketing_lists.lists[fans]
    else:
        twin.marketing_lists.change(fans, is_active=False)

    await tell_list(twin, fans)

    assert in_spotler(twin, fans) is None
    assert len(twin.platform.contacts) == 2, "the people stay"
    partitions = {key.partition for key in twin.store.documents}
    assert f"test-list-{fans}" not in partitions, "and nothing is remembered of the list"
    if how == "deactivated":
        assert twin.marketing_lists.statuses[fans].reason_code == "list-removed"


async def test_ml_30_a_list_that_is_activated_again_returns_with_its_next_sync(twin: ConnectorTwin) -> None:
    members = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.change(fans, is_active=False)
    await tell_list(twin, fans)
    twin.marketing_lists.change(fans, is_active=True)
    await tell_list(twin, fans)
    await tell_members(twin, fans, members[0])
    assert in_spotler(twin, fans) is None

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)


async def test_a_list_in_use_is_removed_when_spotler_lets_go_of_it(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    twin.audiences.in_use.add(f"list-{fans}")
    twin.marketing_lists.change(fans, is_active=False)
    await twin.lanes.send(QueueName.LIVE, ListLook(list=fans))
    await twin.receive(twin.queue.due())
    assert twin.marketing_lists.statuses[fans].reason_code == "list-in-use"
    assert in_spotler(twin, fans) is not None

    twin.audiences.in_use.clear()
    await twin.quiet()

    assert in_spotler(twin, fans) is None
    assert twin.marketing_lists.statuses[fans].reason_code == "list-removed"


async def test_a_list_in_use_for_good_is_left_to_a_person(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    await sync(twin, fans)
    twin.audiences.in_use.add(f"list-{fans}")
    twin.marketing_lists.change(fans, is_active=False)

    await tell_list(twin, fans)

    (letter,) = twin.queue.dead
    assert letter.reason == "gave-up"
    assert twin.marketing_lists.statuses[fans].reason_code == "list-in-use"
    twin.audiences.in_use.clear()
    await twin.queue.replay([letter.id])
    await twin.quiet()
    assert in_spotler(twin, fans) is None


async def test_a_list_that_is_deactivated_while_it_is_synchronised_is_not_there_in_the_end(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 2))
    job = await order(twin, fans)
    await twin.receive(twin.queue.due()[:1])
    twin.marketing_lists.change(fans, is_active=False)
    await twin.lanes.send(QueueName.LIVE, ListLook(list=fans))

    assert (await ended(twin, job))[:2] == (FAILED, "inactive")
    assert in_spotler(twin, fans) is None


# --------------------------------------------------------------------------------------------- a list that is in motion


async def test_a_list_that_changes_during_its_run_ends_with_the_last_snapshot_and_its_time(
    twin: ConnectorTwin,
) -> None:
    ann, bob, eve = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", [ann, bob])

    def change(call: int) -> None:
        if call == 1:  # after the snapshot was taken
            twin.clock.advance(timedelta(minutes=1))
            twin.marketing_lists.leave(fans, ann)
            twin.marketing_lists.join(fans, eve)

    twin.marketing_lists.after_page = change
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([bob, eve])
    assert "as it was at 2026-03-01 08:01" in text
    assert "sync it again" not in text


async def test_a_list_that_keeps_changing_ends_with_the_snapshot_of_the_reported_time(twin: ConnectorTwin) -> None:
    crowd = people(twin, 20)
    fans = twin.marketing_lists.add("Fans", crowd[:1])
    snapshots: list[set[str]] = []

    def change(call: int) -> None:
        snapshots.append(ids(twin.marketing_lists.listed[fans]))
        twin.marketing_lists.join(fans, crowd[call])

    twin.marketing_lists.after_page = change
    status, _, text = await sync(twin, fans)

    assert status is COMPLETED
    assert text.endswith("It kept changing while it was synchronised: sync it again.")
    assert in_spotler(twin, fans) in snapshots


async def test_a_member_that_joins_during_sending_is_not_removed(twin: ConnectorTwin) -> None:
    """The event arrives between the snapshot, which does not have the member, and the comparison."""
    ann, bob = people(twin, 2)
    await twin.sync(ann, bob)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    job = await order(twin, fans)
    await twin.receive(twin.queue.due()[:1])  # the snapshot is taken
    twin.marketing_lists.join(fans, bob)
    message = ListMembers(list=fans, members=(bob.id,))
    await twin.lists.handle(message, lane=QueueName.LIVE)
    assert in_spotler(twin, fans) == ids([ann, bob])

    await ended(twin, job)

    assert in_spotler(twin, fans) == ids([ann, bob])
    assert twin.audiences.calls["remove"] == 0
