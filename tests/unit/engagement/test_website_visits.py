"""Visits to a website are interactions and points of the people who came."""

from dataclasses import replace

from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.scores import Score
from shared.domain.records.records import PersonTable
from shared.engagement.website_visits import WebsiteVisit
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
