"""ML-24..ML-26, C-28, AUD-07, over the twins: single members that join and leave between two runs."""

from __future__ import annotations

import pytest

from shared.domain.records.jobs import Operation
from tests.connector_twin import ConnectorTwin, person
from tests.unit.lists.list_acts import COMPLETED, ended, ids, in_spotler, people, sync, tell_members


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# ------------------------------------------------------------------------------------------------------- single members


async def test_ml_24_c_28_a_member_that_joins_a_list_in_spotler_is_added_at_once(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) == ids([ann, bob])
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])
    twin.marketing_lists.leave(fans, bob)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann]), "who came alone leaves like everybody else"


async def test_several_members_at_once_are_one_call(twin: ConnectorTwin) -> None:
    members = people(twin, 40)
    fans = twin.marketing_lists.add("Fans", members[:1])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, *members[1:])
    twin.audiences.calls.clear()

    await tell_members(twin, fans, *members)

    assert twin.audiences.calls == {"add": 1}
    assert in_spotler(twin, fans) == ids(members)


async def test_ml_26_of_a_list_that_is_not_in_spotler_nothing_is_done(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) is None
    assert twin.platform.contacts == []
    assert twin.marketing_lists.calls == {}, "and nobody is asked"


async def test_ml_21_members_of_a_dynamic_list_wait_for_its_next_sync(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann], is_dynamic=True)
    await sync(twin, fans)
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)

    assert in_spotler(twin, fans) == ids([ann])


async def test_a_member_that_may_not_be_mailed_is_not_added(twin: ConnectorTwin) -> None:
    (ann,) = people(twin, 1)
    (no,) = people(twin, 1, donotbulkemail=True)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    twin.marketing_lists.join(fans, no)

    await tell_members(twin, fans, no)

    assert in_spotler(twin, fans) == ids([ann])


@pytest.mark.parametrize("at_once", [False, True])
async def test_c_28_a_member_that_leaves_is_removed_by_the_next_sync_or_by_setting_at_once(
    twin: ConnectorTwin, *, at_once: bool
) -> None:
    twin.list_removals_at_once = at_once
    twin.worker = twin.start_worker()
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, bob)

    await tell_members(twin, fans, bob)
    assert in_spotler(twin, fans) == (ids([ann]) if at_once else ids([ann, bob]))

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann])
    twin.marketing_lists.join(fans, bob)
    await tell_members(twin, fans, bob)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_a_contact_stays_while_another_member_shares_it(twin: ConnectorTwin) -> None:
    twin.list_removals_at_once = True
    twin.worker = twin.start_worker()
    ann, double = (twin.crm.create(**person()) for _ in range(2))
    await twin.sync(ann, double)
    fans = twin.marketing_lists.add("Fans", [ann, double])
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, ann)
    await tell_members(twin, fans, ann)
    assert len(in_spotler(twin, fans) or ()) == 1

    twin.marketing_lists.leave(fans, double)
    await tell_members(twin, fans, double)
    assert in_spotler(twin, fans) == set()


async def test_a_membership_is_looked_up_so_late_and_repeated_events_do_no_harm(twin: ConnectorTwin) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)

    for _ in range(2):
        await tell_members(twin, fans, bob, ann)  # bob has left again meanwhile

    assert in_spotler(twin, fans) == ids([ann])


async def test_ml_31_a_list_that_was_deleted_in_spotler_is_reported_and_created_by_the_next_sync(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    del twin.audiences.members[f"list-{fans}"], twin.audiences.names[f"list-{fans}"]
    twin.marketing_lists.join(fans, bob)

    await tell_members(twin, fans, bob)
    assert in_spotler(twin, fans) is None
    assert twin.marketing_lists.statuses[fans].reason_code == "list-gone"

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_aud_07_a_contact_added_by_job_to_a_synchronised_list_leaves_with_its_next_sync(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann])
    await sync(twin, fans)
    job = twin.crm.order(Operation.ADD_TO_AUDIENCE, bob, marketing_list=fans)
    await twin.run_jobs(job)
    assert (await ended(twin, job))[0] is COMPLETED
    assert in_spotler(twin, fans) == ids([ann, bob])

    await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([ann])
