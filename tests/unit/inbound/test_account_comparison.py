"""C-05: the whole account is compared within some nights, and what differs is counted and written back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person
from tests.unit.inbound.comparing import DAY, bound, night, unseen
from tests.unit.inbound.two_way.exchanging import two_way, value


async def test_an_edit_that_no_feed_of_changes_showed_is_found_within_the_nights() -> None:
    twin = ConnectorTwin(two_way(), days=3)
    keys = await bound(twin, 300)
    for number, contact in enumerate(twin.platform.contacts):
        unseen(contact, city="Gouda")
        contact.last_changed = twin.clock.now() - timedelta(days=600 - number)

    found = []
    for _ in range(3):
        told = await night(twin)
        found.append(sum(value(twin, key, "address1_city") == "Gouda" for key in keys))

    assert 75 <= found[0] < found[1] < found[2] == 300
    assert told["finished"]
    assert (told["night"], told["ofNights"]) == (3, 3)
    assert told["found"] == {"fields-differ": 300}


async def test_each_night_reads_its_share() -> None:
    """One slice a night: reading an account at once would take the morning."""
    twin = ConnectorTwin(days=4)
    for number in range(2_000):
        twin.clock.advance(timedelta(minutes=1))
        twin.platform.sign_up(f"s{number}@example.com")
    twin.clock.advance(2 * DAY)
    for _ in range(4):
        told = await night(twin)  # the first pass has no size of the account yet
    assert told["finished"]

    seen = [(await night(twin))["contacts"] for _ in range(4)]

    shares = [later - earlier for earlier, later in zip([0, *seen], seen, strict=False)]
    assert sum(shares) >= 2_000
    assert all(400 <= share <= 700 for share in shares)


async def test_divergence_is_counted_by_kind() -> None:
    twin = ConnectorTwin(two_way())
    keys = await bound(twin, 5, apart=timedelta(minutes=1))
    twin.clock.advance(2 * DAY)  # the comparison of yesterday does not contain it
    fields, permissions, mail_status, kept, _ = (twin.contact_of(f"p{number}@example.com") for number in range(5))
    unseen(fields, city="Gouda")
    permissions.options[NEWSLETTER] = True
    mail_status.is_inactive = True
    kept.values["firstName"] = "somebody's own word"
    twin.platform.sign_up("gone@example.com", external_id=str(uuid4())).last_changed = twin.clock.now() - 3 * DAY
    twin.platform.sign_up("form@example.com").last_changed = twin.clock.now() - 3 * DAY

    told = await night(twin)

    assert told["found"] == {
        "fields-differ": 1,
        "permissions-differ": 1,
        "reach-differs": 1,
        "kept-in-spotler": 1,
        "unknown-to-dataverse": 1,
        "without-record": 1,
    }
    assert value(twin, keys[0], "address1_city") == "Gouda"
    assert twin.crm.people[keys[2]].values[DO_NOT_BULK_EMAIL]


async def test_a_contact_that_was_erased_in_spotler_is_counted_as_missing() -> None:
    twin = ConnectorTwin(two_way())
    await bound(twin, 2)
    twin.platform.contacts.remove(twin.contact_of("p0@example.com"))

    await night(twin)

    assert (await twin.reconciliation.state())["contact"]["missing"] == 1


async def test_old_subscribers_of_the_account_are_counted_and_not_imported() -> None:
    """A setting for new subscribers does not create records for everybody who ever signed up."""
    twin = ConnectorTwin()
    twin.platform.sign_up("old@example.com")
    twin.clock.advance(30 * DAY)
    await twin.poll()

    told = await night(twin)

    assert told["found"] == {"without-record": 1}
    assert twin.new_subscribers.seen == []


@pytest.mark.parametrize(("nights", "people"), [(2, 600), pytest.param(7, 3_000, marks=pytest.mark.slow)])
async def test_the_account_costs_one_hundredth_of_a_call_for_each_contact(nights: int, people: int) -> None:
    twin = ConnectorTwin(two_way(), days=nights)
    keys = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(people)]
    for first in range(0, people, 500):
        await twin.sync(*keys[first : first + 500])
        twin.clock.advance(timedelta(minutes=5))
    for _ in range(3):
        await twin.poll()
    twin.clock.advance(2 * DAY)
    await twin.poll()

    before = Counter(twin.platform.calls)
    for _ in range(nights):
        told = await night(twin)
    spent = Counter(twin.platform.calls) - before

    assert told["finished"]
    assert told["contacts"] >= people
    assert spent["insert"] == nights * people / 100  # every night the contact of each record must be in Spotler
    assert spent["updates"] <= people / 100 * 1.5
    assert spent.total() == spent["insert"] + spent["updates"] + spent["bounces"]
