"""One worker at a time writes a contact: what a claim holds back, and what an expired one heals."""

from __future__ import annotations

from datetime import timedelta

from tests.connector_twin import ConnectorTwin, person


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


async def test_what_was_written_under_an_expired_claim_is_not_remembered_as_agreed() -> None:
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
