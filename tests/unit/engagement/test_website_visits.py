"""Visits to a website are interactions and points of the people who came."""

from dataclasses import replace

from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.scores import Score
from shared.domain.engagement.weights import packaged_text
from shared.domain.records.records import PersonTable
from shared.engagement.website_visits import WebsiteVisit
from shared.ports.state import Put
from tests.twins.engagement import DAY, MINUTE
from tests.unit.engagement.engagement_world import EngagementWorld, open_world


def visit(world: EngagementWorld, who: str = "", **details: object) -> WebsiteVisit:
    plain = WebsiteVisit("v1", world.now, world.now + MINUTE, url="https://shop.example/offer", title="Offer", pages=4)
    return replace(plain, record=world.people[who] if who else None, **details)  # type: ignore[arg-type]


async def test_int_02_a_visit_is_on_the_card_of_whoever_came_and_earns_points() -> None:
    world = await open_world(1)
    (ann,) = world.people
    lead = await world.person(PersonTable.LEAD)
    world.pass_by()
    visits = [visit(world, ann), visit(world, id="v2", email="p1@firm1.example", pages=40)]
    kept = await world.twin.engagement.visits.keep([*visits, visit(world, id="v3", email="nobody@example.com")])
    assert (kept.kept, kept.without_record, kept.refused) == (2, 1, {})
    (row,) = world.of(ann).values()
    assert (row.kind, row.count, row.points) == (InteractionKind.WEBSITE_VISIT, 4, 7)
    assert (world.score(ann), world.score(lead)) == (Score(7, 7), Score(10, 10)), "3 and 1 a page, 10 at most"


async def test_a_visit_that_is_reported_again_with_more_pages_is_the_same_one() -> None:
    world = await open_world(1)
    (ann,) = world.people
    for pages in (1, 1, 5):
        await world.twin.engagement.visits.keep([visit(world, ann, pages=pages)])
    assert [row.count for row in world.of(ann).values()] == [5]
    assert world.score(ann).engagement == 8


async def test_new_weights_change_the_points_of_visits_that_exist() -> None:
    world = await open_world(2)
    ann, ben = world.people
    for number, who in enumerate((ann, ann, ben)):
        await world.twin.engagement.visits.keep([visit(world, who, id=f"v{number}", pages=4 + number)])
    world.rows.interactions = {one: row for one, row in world.rows.interactions.items() if row.interaction.count != 6}
    other = packaged_text().replace("version: 1", "version: 2").replace("visit: 3, page: 1", "visit: 4, page: 1")
    await world.twin.engagement.weights_change.apply(other, by="marketing")
    await world.twin.quiet()
    assert sorted(row.points for row in world.of(ann).values()) == [8, 9]
    assert not world.of(ben), "a row that Dataverse has deleted is not made again"
    assert (world.score(ann).engagement, world.score(ben).engagement) == (17, 10)
    world.rows.calls.clear()
    await world.night()
    assert world.rows.calls["points"] == 0


async def test_a_visit_that_an_earlier_version_kept_is_still_the_same_one() -> None:
    world = await open_world(1)
    (ann,) = world.people
    await world.twin.engagement.visits.keep([visit(world, ann)])
    (key,) = [one for one in world.twin.store.documents if one.partition == "test-engaged"]
    body = world.twin.store.documents[key].body
    short = {month: [text[: -len("0" * 20)] for text in texts] for month, texts in body["mailings"].items()}
    await world.twin.store.write([Put(key, {**body, "mailings": short})])
    await world.twin.engagement.visits.keep([visit(world, ann, pages=5)])
    assert world.score(ann).engagement == 8


async def test_old_visits_are_forgotten_and_their_points_stay() -> None:
    world = await open_world(1, interaction_retention_days=90)
    (ann,) = world.people
    await world.twin.engagement.visits.keep([visit(world, ann)])
    await world.night(150 * DAY)
    documents = [doc.body for key, doc in world.twin.store.documents.items() if key.partition == "test-engaged"]
    assert ([body["mailings"] for body in documents], world.score(ann).engagement) == ([{}], 7)


async def test_a_visit_of_a_record_that_dataverse_does_not_have_is_refused_by_its_id() -> None:
    world = await open_world(1)
    (ann,) = world.people
    world.rows.delete(world.people[ann])
    assert (await world.twin.engagement.visits.keep([visit(world, ann)])).refused == {"v1": "0x80040217"}
