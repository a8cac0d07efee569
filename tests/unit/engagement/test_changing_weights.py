"""Weights in a file of one's own: previewed on what people did, applied with a version, and scores follow."""

import pytest

from shared.domain.engagement.scores import Score
from shared.domain.engagement.weights import PACKAGED_VERSION, Preset, packaged_text, read_version
from shared.errors import DataError
from shared.ports.state import Put
from tests.twins.engagement import HOUR
from tests.unit.engagement.engagement_world import open_world

HIGHER = packaged_text().replace("version: 1", "version: 2").replace("clicked: 5", "clicked: 40")


async def test_a_preview_tells_how_many_people_move_by_how_much_and_changes_nothing() -> None:
    world = await open_world()
    ann, ben, _ = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.click(sent, ann, "2")
    world.spotler.open(sent, ben)
    await world.poll()
    world.rows.calls.clear()
    change = world.twin.engagement.weights_change
    answer = (await change.preview(HIGHER)).as_json()
    assert answer == {
        "lookedAt": 3,
        "moved": 1,
        "isComplete": True,
        "engagementScore": {"0": 2, "+25 or more": 1},
        "weightedScore": {"0": 2, "+25 or more": 1},
    }
    assert not (await change.preview(HIGHER, most=1)).is_complete or len(world.people) < 500
    assert (world.score(ann).engagement, world.rows.calls["scores"]) == (5, 0)
    assert await change.text() == (PACKAGED_VERSION, packaged_text())


async def test_applied_weights_count_for_the_past_at_once_and_in_every_process() -> None:
    world = await open_world(2)
    ann, ben = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.click(sent, ann, "2")
    await world.poll()
    await world.twin.engagement.weights_change.apply(HIGHER, by="marketing", comment="clicks matter")
    await world.twin.quiet()
    assert world.score(ann) == Score(40, 40)
    world.twin.worker = world.twin.start_worker()
    world.spotler.click(sent, ben, "2")
    await world.poll(HOUR)
    assert world.score(ben).engagement == 40
    assert (await world.twin.engagement.state())["weights"] == "2-b2b"
    (version,) = await world.twin.engagement.weights_change.versions.history()
    assert (version.number, version.by, version.comment) == (2, "marketing", "clicks matter")


async def test_rows_that_earn_other_points_are_written_and_no_others() -> None:
    world = await open_world(2, store_sent=True, create_campaign_responses="clicks", create_activities=True)
    ann, ben = world.people
    for _ in range(2):
        sent = world.spotler.send(world.people)
        world.pass_by()
        world.spotler.click(sent, ann, "2")
        world.spotler.open(sent, ann)
        world.spotler.open(sent, ben)
        await world.poll()
    world.rows.calls.clear()
    await world.twin.engagement.weights_change.apply(HIGHER, by="marketing")
    await world.twin.quiet()
    assert sorted(row.points for row in world.of(ann).values()) == [0, 1, 40]
    assert world.actual_rows() == world.expected_rows()
    assert [world.rows.calls[name] for name in ("interactions", "activities", "responses")] == [2, 0, 0]
    world.rows.calls.clear()
    await world.night()
    assert world.rows.calls["interactions"] == 0


async def test_a_person_who_acts_before_the_recalculation_comes_by_gets_all_points_at_once() -> None:
    world = await open_world(1)
    (ann,) = world.people
    first = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.click(first, ann, "2")
    await world.poll()
    change = world.twin.engagement.weights_change
    await change.versions.apply(HIGHER, by="marketing", comment="")
    await change.versions.apply(HIGHER.replace("version: 2", "version: 3").replace("40", "30"), by="x", comment="")
    second = world.spotler.send(world.people)
    world.spotler.open(second, ann)
    await world.poll()
    assert {row.points for row in world.of(ann, first).values()} == {0, 30}
    assert world.actual_rows() == world.expected_rows()


async def test_another_half_life_writes_no_rows_and_weights_that_nobody_has_any_more_write_them_all() -> None:
    world = await open_world(1)
    (ann,) = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.click(sent, ann, "2")
    await world.poll()
    world.rows.calls.clear()
    world.twin.engagement_settings = {"engagement_weights": Preset.B2C}
    world.twin.worker = world.twin.start_worker()
    await world.night()
    assert world.rows.calls["interactions"] == 0
    (key,) = [one for one in world.twin.store.documents if one.partition == "test-engaged"]
    body = world.twin.store.documents[key].body
    assert body["mark"] == "1-b2c"
    await world.twin.store.write([Put(key, {**body, "mark": "0-b2b"})])
    await world.night()
    assert world.rows.calls["interactions"] == len(world.expected_rows())


async def test_a_file_without_a_higher_version_or_with_a_name_or_a_mistake_is_refused() -> None:
    world = await open_world(0)
    change = world.twin.engagement.weights_change
    with pytest.raises(DataError, match="give this file a higher number, such as 2"):
        await change.apply(packaged_text(), by="marketing")
    with pytest.raises(DataError, match="not by a name"):
        await change.apply(HIGHER, by="Ann Jansen")
    with pytest.raises(ValueError, match=r"presets\.b2b\.opened: Input should be a valid integer"):
        await change.apply(HIGHER.replace("opened: 1", "opened: one"), by="marketing")
    with pytest.raises(ValueError, match="no YAML"):
        await change.apply("presets: [", by="marketing")
    assert await change.versions.live() is None


def test_the_number_of_the_packaged_file_is_known() -> None:
    assert read_version(packaged_text()) == PACKAGED_VERSION
