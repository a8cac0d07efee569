"""Clicks of colleagues: three people of one company who click within five seconds are one scanner."""

from __future__ import annotations

from datetime import timedelta

from shared.adapters.storage.keys.key_ring import KeyRing, version_of
from shared.domain.engagement.interactions import InteractionKind
from shared.domain.engagement.machines import SuspectReason
from shared.domain.engagement.refreshing import memory_of
from shared.domain.engagement.scores import Score
from shared.domain.records.fingerprint_places import fingerprint_places
from tests.twins.engagement import DAY, HOUR
from tests.unit.engagement.engagement_world import FREE_MAIL, EngagementWorld, open_world

_ACME = ["acme.example"]


def suspect(world: EngagementWorld, who: str) -> SuspectReason | None:
    (row,) = [one for one in world.of(who).values() if one.kind is InteractionKind.CLICKED]
    return row.suspect


async def clicks_at_once(world: EngagementWorld) -> str:
    """Everybody clicks within a few seconds, long after the mail came."""
    sent = world.spotler.send(world.people)
    world.pass_by()
    for number, who in enumerate(world.people):
        world.spotler.click(sent, who, "1", world.now + timedelta(seconds=2 * number))
    world.pass_by()
    await world.poll()
    return sent


async def test_three_colleagues_who_click_at_once_earn_nothing() -> None:
    world = await open_world(3, domains=_ACME)
    await clicks_at_once(world)
    assert {suspect(world, who) for who in world.people} == {SuspectReason.COLLEAGUES}
    assert not any(score.engagement for score in world.rows.scores.values())
    assert world.actual_rows() == world.expected_rows()


async def test_people_of_a_free_mail_service_are_no_colleagues() -> None:
    world = await open_world(3, domains=[FREE_MAIL])
    await clicks_at_once(world)
    assert {suspect(world, who) for who in world.people} == {None}


async def test_the_setting_names_further_services_that_are_none() -> None:
    world = await open_world(3, domains=_ACME, free_mail_domains=("acme.example",))
    await clicks_at_once(world)
    assert {suspect(world, who) for who in world.people} == {None}


async def test_a_third_click_that_becomes_known_days_later_corrects_rows_responses_and_scores_of_the_first_two() -> (
    None
):
    world = await open_world(3, domains=_ACME)
    ann, ben, cas = world.people
    sent = world.spotler.send(world.people)
    world.pass_by()
    at = world.now
    for who in (ann, ben):
        world.spotler.click(sent, who, "1", at)
    await world.poll()
    assert (suspect(world, ann), world.score(ann)) == (None, Score(5, 5))
    assert len(world.rows.responses) == 2
    world.pass_by(3 * DAY)
    world.spotler.click(sent, cas, "1", at + timedelta(seconds=5))
    await world.poll()
    assert {suspect(world, who) for who in world.people} == {SuspectReason.COLLEAGUES}
    assert {world.score(who) for who in world.people} == {Score()}
    assert not world.rows.responses
    written = world.rows.calls["interactions"]
    world.spotler.click(sent, cas, "1", at + timedelta(seconds=5))  # the account tells it again
    await world.poll()
    assert world.rows.calls["interactions"] == written


async def test_the_state_has_ids_and_fingerprints_and_no_domain_and_ends_with_the_statistics() -> None:
    world = await open_world(3, domains=_ACME)
    await clicks_at_once(world)

    def documents() -> list[str]:
        return [str(one.body) for key, one in world.twin.store.documents.items() if key.partition == "test-clicks"]

    assert documents()
    assert not any("acme" in text for text in documents())
    await world.night(memory_of() - DAY)
    assert documents()
    await world.night(2 * DAY)
    assert not documents()
    assert {suspect(world, who) for who in world.people} == {SuspectReason.COLLEAGUES}


async def test_a_new_fingerprint_key_encrypts_the_domains() -> None:
    world = await open_world(3, domains=_ACME)
    await clicks_at_once(world)
    place = fingerprint_places("test")["test-clicks"]
    ring = KeyRing({1: b"a key for nothing but tests", 2: b"another key for nothing but tests"})
    for key, document in world.twin.store.documents.items():
        if key.partition == "test-clicks":
            sealed = place.rewrite(document.body, ring.seal)
            assert {version_of(text) for text in place.prints(key.row, sealed)} == {2}
            assert place.rewrite(sealed, ring.open) == document.body


async def test_a_scan_of_a_whole_company_takes_little_state() -> None:
    world = await open_world(60, domains=_ACME)
    sent = world.spotler.send(world.people)
    world.pass_by()
    scanned = world.now
    for number, who in enumerate(world.people):
        for twice in (0, 5):
            world.spotler.click(sent, who, "1", scanned + timedelta(milliseconds=10 * number + twice))
    await world.poll()
    assert sum(map(len, _times(world))) <= 20, "of 120 clicks, those at both ends of a second"
    late = list(world.people)[30]
    world.spotler.click(sent, late, "1", scanned + timedelta(seconds=5))
    await world.poll(HOUR)
    assert world.actual_rows() == world.expected_rows()


def _times(world: EngagementWorld) -> list[list[int]]:
    return [
        times
        for key, document in world.twin.store.documents.items()
        if key.partition == "test-clicks"
        for people in document.body.values()
        for times in people.values()
    ]
