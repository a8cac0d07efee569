"""Scores on the record: equal to a plain recomputation, ageing by themselves, gone with their person."""

from uuid import UUID

from shared.domain.engagement.events import Event
from shared.domain.engagement.scores import Score
from shared.domain.engagement.weights import Preset
from shared.domain.records.records import PersonTable, RecordKey
from shared.engagement.choices import AccountScores
from shared.engagement.keeping.memories import Memories, StoredMemory
from shared.ports.engagement import ScoreWrite
from tests.twins.engagement import DAY, MINUTE
from tests.unit.engagement.engagement_world import EngagementWorld, open_world


async def busy(world: EngagementWorld) -> str:
    """Let the first person open and click; returns its external id."""
    ann = next(iter(world.people))
    sent = world.spotler.send(world.people)
    world.pass_by()
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "2")
    world.spotler.click(sent, ann, "3", world.now + MINUTE)
    await world.poll()
    return ann


async def test_scores_are_those_of_the_formula() -> None:
    world = await open_world()
    ann = await busy(world)
    assert world.score(ann) == Score(21, 21)  # ENG-01, ENG-02: 1 + 5 + 5 + 10
    assert {who: world.score(who) for who in world.people} == {
        who: world.expected_scores().get(key, Score()) for who, key in world.people.items()
    }


async def test_nobody_gets_a_score_for_receiving_mail() -> None:
    world = await open_world()
    world.spotler.send(world.people)
    await world.poll()
    assert world.rows.calls["scores"] == 0


async def test_at_night_recent_scores_age_and_only_changed_ones_are_written() -> None:
    world = await open_world()
    ann = await busy(world)
    world.rows.calls.clear()
    await world.night(2 * DAY)
    assert world.score(ann) == Score(21, 20)
    assert world.rows.calls["scores"] == 1, "the others show what they should"
    await world.night(28 * DAY)
    assert world.score(ann) == Score(21, 10)
    await world.night(300 * DAY)
    assert world.score(ann) == Score(21, 0)
    world.rows.calls.clear()
    await world.night(DAY)
    assert world.rows.calls["scores"] == 0


async def test_other_weights_count_for_the_past_as_well() -> None:
    world = await open_world()
    ann = await busy(world)
    await world.night(14 * DAY)
    assert world.score(ann).recent == 15
    world.twin.engagement_settings = {"engagement_weights": Preset.B2C}
    world.twin.worker = world.twin.start_worker()
    await world.night(MINUTE)
    assert world.score(ann).recent == 10
    assert (await world.twin.engagement.state())["weights"] == "1-b2c"


async def test_old_mailings_are_forgotten_and_their_points_stay() -> None:
    world = await open_world(interaction_retention_days=90)
    ann = await busy(world)
    await world.night(100 * DAY)
    memories = Memories(world.twin.store, "test")
    stored = (await memories.read([ann]))[ann]
    assert stored.memory.mailings == {}
    assert world.score(ann) == Score(21, 2)
    assert world.rows.removed_before == world.now - 90 * DAY
    result = await world.poll()
    assert world.score(ann) == Score(21, 2), result


async def test_what_is_forgotten_is_stored_although_the_score_stays() -> None:
    world = await open_world(interaction_retention_days=90)
    world.spotler.send(world.people)  # which earns nothing
    await world.poll()
    await world.night(100 * DAY)
    documents = [doc.body for key, doc in world.twin.store.documents.items() if key.partition == "test-engaged"]
    assert [body["mailings"] for body in documents] == [{}, {}, {}]


async def test_events_of_forgotten_mailings_count_no_more() -> None:
    world = await open_world(interaction_retention_days=90)
    ann = await busy(world)
    (sent,) = world.spotler.mailings
    world.pass_by(100 * DAY)
    world.spotler.open(sent, ann)
    world.spotler.click(sent, ann, "1")
    result = await world.poll(DAY)
    assert result.kept.old >= 2
    assert world.score(ann).engagement == 21


async def test_what_is_remembered_goes_with_the_contact() -> None:
    world = await open_world()
    ann = await busy(world)
    world.twin.crm.delete(world.people[ann])
    await world.twin.sync(world.people[ann])
    await world.night()
    assert not [key for key in world.twin.store.documents if key.partition == "test-engaged" and key.row == ann]


async def test_a_merge_gives_the_score_of_a_record_to_its_master_once() -> None:
    world = await open_world()
    ann = await busy(world)
    ben = list(world.people)[1]
    (sent,) = world.spotler.mailings
    world.spotler.open(sent, ben)
    await world.poll()
    assert (world.score(ann), world.score(ben)) == (Score(21, 21), Score(1, 1))
    loser, master = world.people[ann], world.people[ben]
    world.twin.crm.merge(master, loser)
    world.rows.masters[loser] = master
    await world.twin.sync(loser, master)
    for _ in range(2):
        await world.night(MINUTE)
    assert world.rows.scores[master] == Score(21, 21), "the mailing that both opened counts once"
    assert not [key for key in world.twin.store.documents if key.partition == "test-engaged" and key.row == ann]


async def test_a_score_that_belongs_to_no_memory_is_taken_back() -> None:
    world = await open_world()
    stale = RecordKey(PersonTable.CONTACT, UUID(int=99))
    world.rows.scores[stale] = Score(5, 3)
    await world.night()
    assert world.rows.scores[stale] == Score()
    assert ScoreWrite(stale, Score()).score == Score()


async def test_an_account_shows_the_five_highest_scores_of_its_contacts_where_the_setting_says_so() -> None:
    world = await open_world(7, account_scores=AccountScores.TOP5)
    people = list(world.people)
    account = await world.person(PersonTable.ACCOUNT)
    world.rows.companies = {world.people[who]: world.people[account] for who in people}
    sent = world.spotler.send(world.people)
    world.pass_by()
    for who in (*people, account):
        world.spotler.open(sent, who)
    world.spotler.click(sent, people[0], "2")
    await world.poll()
    assert world.score(account) == Score(), "its own events count no more"
    await world.night(MINUTE)
    assert world.score(account) == Score(10, 10)
    world.rows.calls.clear()
    await world.night(MINUTE)
    assert world.rows.calls["scores"] == 0
    world.twin.engagement_settings = {}
    world.twin.worker = world.twin.start_worker()
    for _ in range(2):
        await world.night(MINUTE)
    assert world.score(account) == Score(1, 1), "and they do again"


async def test_a_lead_takes_its_score_along_when_it_becomes_a_contact() -> None:
    world = await open_world(0)
    lead = await world.person(PersonTable.LEAD)
    sent = world.spotler.send([lead])
    world.spotler.open(sent, lead)
    await world.poll()
    contact = world.twin.crm.qualify(world.people[lead], emailaddress1="p0@example.com", firstname="Ann")
    await world.twin.sync(contact, world.people[lead])
    world.people[lead] = contact
    await world.night()
    assert world.rows.scores[contact] == Score(1, 1)


async def test_a_memory_reads_what_it_wrote() -> None:
    world = await open_world()
    ann = await busy(world)
    memories = Memories(world.twin.store, "test")
    stored = (await memories.read([ann]))[ann]
    assert all(isinstance(one, Event) for events in stored.memory.mailings.values() for one in events)
    assert stored.memory.mailings == world.truth()[ann]
    await memories.save([StoredMemory(stored.memory.with_opt_out(world.now), etag=stored.etag)])
    assert (await memories.read([ann]))[ann].memory.opted_out == world.now
