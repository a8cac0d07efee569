"""One worker at a time writes a contact: what a claim holds back, and what an expired one heals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.domain.planning.binding import MailStatus
from shared.domain.records.records import RecordKey, Reference, Why
from shared.engine.bindings.ledger import CLAIM_TIME
from shared.engine.work_items import ItemResult
from shared.ports.queue import QueueName
from shared.ports.state import Change, Insert, Put, Replace
from tests.connector_twin import NEWSLETTER, ConnectorTwin, person


async def test_a_record_whose_contact_another_worker_holds_comes_back_in_a_moment() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    other = twin.ledger
    await other.claim([str(ann.id)])

    finished = await twin.look(ann)

    assert (finished[ann].outcome.result, finished[ann].outcome.reason) == ("waiting", "busy")
    assert twin.platform.calls["upsert"] == 0
    assert ann not in {key for key, record in twin.crm.people.items() if record.status}, "a moment is no news"
    await twin.quiet()
    assert twin.status_of(ann) == ("Succeeded", "created")


async def test_after_an_expired_claim_everything_is_written() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.ledger.claim([str(ann.id)])
    twin.contact_of("ann@example.com").values["firstName"] = "written by a worker that died"
    twin.clock.advance(timedelta(minutes=3))

    await twin.sync(ann)

    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann"
    assert twin.claims() == []


async def test_no_call_begins_when_its_claim_could_run_out_before_it_ends() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())

    twin.crm.before_read = lambda: twin.clock.advance(timedelta(seconds=100))

    finished = await twin.look(ann)

    assert finished[ann].outcome.result == "waiting"
    assert twin.platform.calls["upsert"] == 0


async def test_a_write_under_an_expired_claim_is_not_kept_as_agreed() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    twin.platform.before_write = lambda: twin.clock.advance(timedelta(minutes=3))

    finished = await twin.look(ann)

    assert finished[ann].outcome.result == "waiting"
    entry = (await twin.ledger.entries([ann]))[ann]
    assert not entry.binding.is_live
    twin.platform.before_write = lambda: None
    await twin.quiet()
    assert twin.status_of(ann)[0] == "Succeeded"


async def test_an_account_without_an_address_property_is_a_matter_of_configuration() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    definitions = tuple(one for one in twin.platform.catalogue.definitions if one.name != "email")
    twin.platform.catalogue = type(twin.platform.catalogue)(definitions)

    finished = await twin.look(ann)

    assert (finished[ann].outcome.result, finished[ann].outcome.reason) == ("waiting", "misconfigured")
    assert twin.claims() == []


async def overtaken(twin: ConnectorTwin, ann: RecordKey, act: Callable[[], None]) -> dict[RecordKey, ItemResult]:
    """Let a worker's last write of a record be so late that another one has taken over, after `act`."""
    write = twin.store.write
    slow_people = twin.people
    twin.start_worker()
    other_people = twin.people

    async def late(changes: Sequence[Change]) -> list[str | None]:
        saved = [one for one in changes if one.key.row == str(ann) and isinstance(one, Put | Replace | Insert)]
        if any(one.body["outcome"]["result"] == "written" for one in saved if "outcome" in one.body):
            twin.store.write = write  # type: ignore[method-assign]  # once
            twin.clock.advance(CLAIM_TIME + timedelta(seconds=30))
            act()
            await other_people.handle([Reference(ann, Why.SAVED, "c-2")], lane=QueueName.LIVE)
        return await write(changes)

    twin.store.write = late  # type: ignore[method-assign]
    finished = await slow_people.handle([Reference(ann, Why.SAVED, "c-1")], lane=QueueName.LIVE)
    return {one.item.key: one for one in finished}


async def test_a_worker_that_was_overtaken_does_not_forget_the_opt_out_that_the_other_one_found() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    twin.clock.advance(timedelta(hours=1))
    twin.crm.edit(ann, address1_city="Gouda")
    contact = twin.contact_of("ann@example.com")

    finished = await overtaken(twin, ann, lambda: twin.platform.opt_out(contact))

    assert (await twin.ledger.entries([ann]))[ann].binding.mail_status is MailStatus.OPTED_OUT_HERE
    assert (finished[ann].outcome.result, finished[ann].outcome.reason) == ("waiting", "busy"), "it is looked at again"
    await twin.quiet()
    assert twin.status_of(ann) == ("Opt-out", "opted-out")
    assert (await twin.ledger.entries([ann]))[ann].binding.mail_status is MailStatus.OPTED_OUT_HERE
    assert twin.claims() == []


async def test_a_person_opted_out_by_an_overtaking_worker_gets_bulk_email_back_on_returning() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()
    twin.clock.advance(timedelta(hours=1))
    twin.crm.edit(ann, address1_city="Gouda")
    contact = twin.contact_of("ann@example.com")
    await overtaken(twin, ann, lambda: twin.platform.opt_out(contact))
    await twin.quiet()
    assert twin.crm.people[ann].values["donotbulkemail"]

    twin.clock.advance(timedelta(hours=1))
    twin.platform.edit(twin.platform.sign_up("ann@example.com"), options={NEWSLETTER: True})
    await twin.poll()

    assert not twin.crm.people[ann].values["donotbulkemail"]
