"""ML, OPT, C-36, over the twins: the members in Spotler's list after a run, and the members left out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.features.lists import ListRules
from shared.domain.planning.binding import MassChange
from shared.domain.planning.rules import EndAction
from shared.domain.records.records import PersonTable
from shared.errors import TransientError
from tests.connector_twin import ConnectorTwin, person, rules
from tests.unit.lists.list_acts import COMPLETED, FAILED, ended, ids, in_spotler, order, people, sync


@pytest.fixture
def twin() -> ConnectorTwin:
    return ConnectorTwin()


# -------------------------------------------------------------------------------------------------- what is in the list


@pytest.mark.parametrize("is_dynamic", [False, True])
@pytest.mark.parametrize("table", list(PersonTable))
async def test_ml_01_ml_06_a_list_of_either_type_and_every_table_becomes_an_audience(
    twin: ConnectorTwin, table: PersonTable, *, is_dynamic: bool
) -> None:
    members = people(twin, 3, table)
    fans = twin.marketing_lists.add("Fans", members, is_dynamic=is_dynamic)

    status, code, text = await sync(twin, fans)

    assert (status, code) == (COMPLETED, "OK")
    assert text.startswith('3 people are in the list "Fans" in Spotler (3 added, 0 removed)')
    assert in_spotler(twin, fans) == ids(members)


async def test_ml_18_new_members_are_synchronised_first_and_in_bulk(twin: ConnectorTwin) -> None:
    members = people(twin, 250)
    await twin.sync(*members[:50])
    written = twin.platform.calls["insert"]
    fans = twin.marketing_lists.add("Fans", members)

    await sync(twin, fans)

    assert twin.platform.calls["insert"] - written == 2
    assert twin.audiences.calls["add"] == 1
    assert in_spotler(twin, fans) == ids(members)


@pytest.mark.parametrize("is_dynamic", [False, True])
async def test_ml_09_ml_21_ml_22_a_sync_makes_the_list_equal_to_its_members_of_now(
    twin: ConnectorTwin, *, is_dynamic: bool
) -> None:
    old, staying, new = people(twin, 3), people(twin, 3), people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [*old, *staying], is_dynamic=is_dynamic)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *old)
    twin.marketing_lists.join(fans, *new)
    twin.audiences.calls.clear()

    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids([*staying, *new])
    assert text.startswith('5 people are in the list "Fans" in Spotler (2 added, 3 removed)')
    assert twin.audiences.calls == {"exists": 1, "add": 1, "remove": 1}, "only the differences"


async def test_a_list_that_has_not_changed_costs_no_call_that_writes(twin: ConnectorTwin) -> None:
    fans = twin.marketing_lists.add("Fans", people(twin, 30))
    await sync(twin, fans)
    twin.audiences.calls.clear()
    twin.platform.calls.clear()

    await sync(twin, fans)

    assert twin.audiences.calls == {"exists": 1}
    assert twin.platform.calls == {}


async def test_an_emptied_list_empties_spotlers_list_member_by_member(twin: ConnectorTwin) -> None:
    members = people(twin, 3)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *members)

    await sync(twin, fans)

    assert in_spotler(twin, fans) == set()
    assert twin.audiences.calls["clear"] == 0


async def test_members_of_many_pages_all_arrive_and_leave(twin: ConnectorTwin) -> None:
    twin.marketing_lists.page = 7
    members = people(twin, 60)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(members)

    twin.marketing_lists.leave(fans, *members[::2])
    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members[1::2])
    assert "(0 added, 30 removed)" in text


async def test_a_list_that_grows_and_shrinks_across_a_page_stays_right(twin: ConnectorTwin) -> None:
    """One page is kept in one part, many pages in a hundred: each kind is compared with the other."""
    twin.marketing_lists.page = 20
    members = people(twin, 50)
    fans = twin.marketing_lists.add("Fans", members[:10])
    for now in (members[:10], members, members[5:12], members[3:45], []):
        twin.marketing_lists.listed[fans] = list(now)
        status, code, _ = await sync(twin, fans)
        assert (status, code) == (COMPLETED, "OK")
        assert in_spotler(twin, fans) == ids(now)


async def test_people_who_share_a_contact_are_one_member_and_stay_while_one_of_them_does(twin: ConnectorTwin) -> None:
    ann, double = (twin.crm.create(**person()) for _ in range(2))
    await twin.sync(ann, double)
    fans = twin.marketing_lists.add("Fans", [ann, double])
    _, _, text = await sync(twin, fans)
    assert text.startswith("1 person is")

    twin.marketing_lists.leave(fans, ann)
    await sync(twin, fans)

    assert len(in_spotler(twin, fans) or ()) == 1


# ------------------------------------------------------------------------------------------------------ who is left out


async def test_ml_32_c_36_members_that_refuse_bulk_mail_are_skipped_unless_the_field_is_off(
    twin: ConnectorTwin,
) -> None:
    yes, no = people(twin, 2), people(twin, 2, donotbulkemail=True)
    fans = twin.marketing_lists.add("Fans", [*yes, *no])

    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(yes)
    assert "2 skipped: 2 do-not-bulk-email." in text
    assert [contact.external_id for contact in twin.platform.contacts] == [str(key.id) for key in yes]

    twin.marketing_lists.change(fans, rules=ListRules(exclude_opted_out=False))
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([*yes, *no])


async def test_opt_04_05_c_36_an_opt_out_leaves_with_the_next_sync_and_returns_when_taken_back(
    twin: ConnectorTwin,
) -> None:
    ann, bob = people(twin, 2)
    fans = twin.marketing_lists.add("Fans", [ann, bob])
    await sync(twin, fans)
    twin.crm.edit(ann, donotbulkemail=True)
    await twin.sync(ann)
    assert in_spotler(twin, fans) == ids([ann, bob])

    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([bob])

    twin.crm.edit(ann, donotbulkemail=False)
    await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])


async def test_ml_33_inactive_members_are_skipped_unless_the_field_is_off_and_spotler_still_has_them() -> None:
    twin = ConnectorTwin(rules(on_inactive=EndAction.NOTHING))
    ann, bob = people(twin, 2)
    never = twin.crm.create(**person(emailaddress1="never@example.com", statecode=1))
    await twin.sync(ann, bob)
    twin.crm.edit(ann, statecode=1)
    await twin.sync(ann)
    fans = twin.marketing_lists.add("Fans", [ann, bob, never])

    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([bob])
    assert "2 skipped: 2 inactive." in text

    twin.marketing_lists.change(fans, rules=ListRules(ignore_inactive=False))
    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids([ann, bob])
    assert "1 skipped: 1 inactive." in text


async def test_the_conditions_of_synchronisation_hold_for_members_too_and_each_reason_is_counted(
    twin: ConnectorTwin,
) -> None:
    fine = people(twin, 1)
    refusing = people(twin, 2, donotemail=True)
    nowhere = twin.crm.create(**person(emailaddress1=None))
    wrong = twin.crm.create(**person(emailaddress1="not an address"))
    gone = twin.crm.create(**person(emailaddress1="gone@example.com"))
    twin.crm.delete(gone)
    fans = twin.marketing_lists.add("Fans", [*fine, *refusing, nowhere, wrong, gone])

    status, code, text = await sync(twin, fans)

    assert (status, code) == (COMPLETED, "OK"), "one person's data stops no list (VAL-05)"
    assert in_spotler(twin, fans) == ids(fine)
    assert "4 skipped: 2 do-not-email, 1 deleted, 1 no-email. 1 failed: 1 invalid-email." in text
    assert twin.status_of(wrong)[1] == "invalid-email", "the record itself says it, too (VAL-09)"
    left_out = await twin.lists.overview.left_out(fans)
    assert left_out is not None
    assert left_out["failed"] == {"invalid-email": [str(wrong)]}
    assert left_out["skipped"]["do-not-email"] == sorted(map(str, refusing))


async def test_a_member_whom_spotler_has_lost_is_synchronised_again_and_added(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    await twin.sync(*members)
    lost = twin.platform.find(str(members[2].id))
    assert lost is not None
    twin.platform.contacts.remove(lost)
    fans = twin.marketing_lists.add("Fans", members)

    _, _, text = await sync(twin, fans)

    assert in_spotler(twin, fans) == ids(members)
    assert text.startswith("5 people are")


async def test_a_member_whom_spotler_refuses_fails_alone_and_is_named(twin: ConnectorTwin) -> None:
    members = people(twin, 5)
    await twin.sync(*members)
    victim = members[2]

    def lose() -> None:
        """Spotler forgets one person each time it is asked to put them into the list."""
        twin.platform.contacts[:] = [one for one in twin.platform.contacts if one.external_id != str(victim.id)]

    twin.audiences.before_add = lose
    fans = twin.marketing_lists.add("Fans", members)

    status, _, text = await sync(twin, fans)

    assert status is COMPLETED
    assert text.startswith("4 people are")
    assert "1 failed: 1 CONTACT_NOT_FOUND." in text
    left_out = await twin.lists.overview.left_out(fans)
    assert left_out is not None
    assert left_out["failed"] == {"CONTACT_NOT_FOUND": [str(victim)]}

    twin.audiences.before_add = lambda: None
    _, _, text = await sync(twin, fans)
    assert in_spotler(twin, fans) == ids(members), "it was remembered that the person is not there"


async def test_a_waiting_member_is_tried_again_and_then_left_out(twin: ConnectorTwin) -> None:
    busy, free = people(twin, 2)
    twin.crm.broken["read_people"] = TransientError("Dataverse is away")
    fans = twin.marketing_lists.add("Fans", [busy, free])
    job = await order(twin, fans)
    twin.crm.broken.clear()
    held = await twin.ledger.claim([str(busy.id)])
    assert held

    status, _, _ = await ended(twin, job)

    assert status is COMPLETED
    assert in_spotler(twin, fans) == ids([busy, free]), "the claim of a dead worker ends"


# ---------------------------------------------------------------------------------------- lists that are suddenly empty


async def big_list(twin: ConnectorTwin) -> UUID:
    """A list of five in Spotler, whose members have all left in Dynamics."""
    members = people(twin, 5)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *members)
    return fans


async def test_a_list_that_is_suddenly_empty_is_held_and_nothing_is_removed() -> None:
    twin = ConnectorTwin(change_limit=2)
    fans = await big_list(twin)

    status, code, text = await sync(twin, fans)

    assert (status, code) == (FAILED, "mass-list-removal")
    assert text.startswith("5 members would leave the list in Spotler")
    assert len(in_spotler(twin, fans) or ()) == 5
    assert (await twin.brake.state())["list-removal"]["held"] == 1


async def test_a_held_list_that_is_released_is_synchronised_by_itself() -> None:
    twin = ConnectorTwin(change_limit=2)
    fans = await big_list(twin)
    await sync(twin, fans)

    await twin.release.begin([MassChange.LIST_REMOVAL], hours=1)
    twin.clock.advance(timedelta(hours=2))
    await twin.quiet()

    assert in_spotler(twin, fans) == set()
    assert (await sync(twin, fans))[1] == "OK"
    assert (await twin.brake.state())["list-removal"]["held"] == 0


async def test_a_held_list_whose_members_are_back_is_held_no_longer() -> None:
    twin = ConnectorTwin(change_limit=2)
    fans = await big_list(twin)
    await sync(twin, fans)
    twin.marketing_lists.join(fans, *twin.crm.people)

    assert (await sync(twin, fans))[1] == "OK"
    assert (await twin.brake.state())["list-removal"]["held"] == 0


async def test_a_small_share_of_a_list_may_leave_at_once() -> None:
    twin = ConnectorTwin(change_limit=2)
    members = people(twin, 30)
    fans = twin.marketing_lists.add("Fans", members)
    await sync(twin, fans)
    twin.marketing_lists.leave(fans, *members[:5])

    assert (await sync(twin, fans))[1] == "OK"
