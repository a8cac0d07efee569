"""The state is bounded by existing records; documents that a later message needs stay."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.dispatch.runs import Run, Runs, RunState
from shared.domain.planning.binding import Binding, MailStatus, MassChange
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.contact_documents import Consent
from shared.ports.queue import QueueName
from shared.ports.state import Document, DocumentKey, Put
from shared.privacy.housekeeping import Housekeeping
from tests.connector_twin import ConnectorTwin, person

RETENTION = timedelta(days=30)


def housekeeping(twin: ConnectorTwin, retention: timedelta | None = RETENTION) -> Housekeeping:
    return Housekeeping(
        store=twin.store,
        queue=twin.queue,
        platform=twin.platform,
        clock=twin.clock,
        environment="test",
        retention=retention,
    )


def documents(twin: ConnectorTwin, kind: str) -> dict[str, Document]:
    return {key.row: one for key, one in twin.store.documents.items() if key.partition == f"test-{kind}"}


async def lived(twin: ConnectorTwin, days: int, house: Housekeeping) -> list[int]:
    """Create a record a day that stays a week, for some time; returns how many documents there are."""
    counts: list[int] = []
    for day in range(days):
        twin.clock.advance(timedelta(days=1))
        key = twin.crm.create(**person(emailaddress1=f"d{day}@example.com", permissions={"Newsletter": True}))
        await twin.sync(key)
        for gone in list(twin.crm.people)[: max(0, len(twin.crm.people) - 7)]:
            twin.crm.delete(gone)
            await twin.sync(gone)
        await house.tidy()
        counts.append(sum(len(documents(twin, kind)) for kind in ("binding", "contact", "address")))
    return counts


async def test_after_a_year_the_state_is_as_large_as_after_two_months() -> None:
    twin = ConnectorTwin()

    counts = await lived(twin, 365, housekeeping(twin))

    assert max(counts[60:]) <= 7 * 3 + 32, "who is there, and who went within the retention"
    assert max(counts[300:]) <= max(counts[45:75])
    assert len(twin.platform.contacts) <= 365


async def test_without_a_retention_time_everything_is_kept() -> None:
    twin = ConnectorTwin()
    counts = await lived(twin, 60, housekeeping(twin, None))
    assert counts == sorted(counts)
    assert counts[-1] >= 60


async def test_a_record_that_returns_after_its_binding_was_deleted_is_synchronised() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    twin.crm.edit(ann, statecode=1)
    await twin.sync(ann)
    twin.clock.advance(timedelta(days=60))
    assert (await housekeeping(twin).tidy())["bindings"] == 1

    twin.crm.edit(ann, statecode=0)
    await twin.sync(ann)

    assert twin.status_of(ann)[0] == "Succeeded"
    assert len(twin.platform.having("ann@example.com")) == 1


@pytest.mark.parametrize(
    "binding",
    [
        Binding("x", is_live=True),
        Binding("x", mail_status=MailStatus.OPTED_OUT_HERE),
        Binding("x", default_rows={"permissions:1": True}),
        Binding("x", refused=frozenset({"permissions:1"})),
        Binding("x", write_intents=frozenset({"permissions:1"})),
    ],
    ids=["live", "opted out", "early rows", "refused", "announced"],
)
async def test_a_binding_with_more_than_an_external_id_is_kept(binding: Binding) -> None:
    twin = ConnectorTwin()
    key = twin.crm.create(**person())
    await twin.ledger.save(
        {key: BindingUpdate(binding, Outcome(key, Result.SKIPPED, Reason.INACTIVE), "")}, (), {key: ""}
    )
    twin.clock.advance(timedelta(days=400))

    await housekeeping(twin).tidy()

    assert str(key) in documents(twin, "binding")


async def test_held_records_and_refusals_by_address_are_kept() -> None:
    twin = ConnectorTwin(erasure_limit=1)
    people = [twin.crm.create(**person(emailaddress1=f"p{number}@example.com")) for number in range(3)]
    await twin.sync(*people)
    for key in people:
        twin.crm.edit(key, donotbulkemail=True)
    await twin.sync(*people)
    suppressed = documents(twin, "suppressed")
    assert len(suppressed) == 3
    for key in people:
        twin.crm.delete(key)
    await twin.sync(*people)
    held = [key for key in people if (await twin.ledger.entries([key]))[key].binding.held_since]
    assert held
    assert await twin.brake.held(MassChange.ERASURE, {str(key): None for key in held})

    twin.clock.advance(timedelta(days=400))
    await housekeeping(twin).tidy()

    assert documents(twin, "suppressed") == suppressed
    assert all(str(key) in documents(twin, "binding") for key in held)


async def test_the_binding_of_a_record_that_shares_a_contact_is_kept() -> None:
    """A record that refuses all mail does not use the contact any more; its refusal counts there all the same."""
    twin = ConnectorTwin()
    ann, lead = twin.crm.create(**person()), twin.crm.create(PersonTable.LEAD, **person())
    await twin.sync(ann, lead)
    twin.crm.edit(lead, donotemail=True)
    await twin.sync(lead)
    twin.clock.advance(timedelta(days=400))

    await housekeeping(twin).tidy()

    assert Consent.NO_MAIL in next(iter(twin.users().values())).values()
    assert str(lead) in documents(twin, "binding")


async def test_a_contact_that_waits_for_a_successor_is_deleted_once_spotler_lost_it_or_its_time_is_over() -> None:
    twin = ConnectorTwin()
    for row, in_spotler in (("gone", False), ("there", True)):
        if in_spotler:
            twin.platform.sign_up("there@example.com", external_id=row)
        key = DocumentKey("test-contact", row)
        twin.store.documents[key] = Document(key, {"users": {}, "succession": {"city": "print"}}, f"e-{row}")
    claimed = (await twin.ledger.claim(["claimed"]))["claimed"]
    assert claimed is not None
    house = housekeeping(twin)

    await house.tidy()
    assert set(documents(twin, "contact")) == {"there", "claimed"}
    assert (await twin.ledger.contacts(["there"]))["there"].succession == {"city": "print"}
    twin.clock.advance(RETENTION + timedelta(days=1))
    await house.tidy()

    assert set(documents(twin, "contact")) == {"claimed"}


async def test_an_address_that_leads_nowhere_is_dropped_and_one_that_is_being_given_away_is_not() -> None:
    twin = ConnectorTwin()
    await twin.ledger.claim(["held"])
    await twin.ledger.reserve({"nowhere": "nobody", "coming": "held"}, held=["held"])

    await housekeeping(twin).tidy()

    assert set(documents(twin, "address")) == {"coming"}


async def test_old_dead_letters_are_dropped_and_young_ones_are_not() -> None:
    twin = ConnectorTwin()
    for _ in range(250):
        await twin.queue.dead_letter(QueueName.LIVE, b"{}", reason="gave-up", description="old")
    twin.clock.advance(RETENTION + timedelta(hours=1))
    await twin.queue.dead_letter(QueueName.LIVE, b"{}", reason="gave-up", description="young")

    assert (await housekeeping(twin).tidy())["dead letters"] == 250

    assert [letter.description for letter in twin.queue.dead] == ["young"]


async def test_reviews_that_led_to_a_record_are_dropped_and_open_or_dismissed_ones_are_not() -> None:
    twin = ConnectorTwin()
    decided = twin.clock.now().isoformat()
    somebody = str(RecordKey(PersonTable.CONTACT, twin.crm.create(**person()).id))
    for row, body in {
        "chosen": {"decision": somebody, "decided": decided},
        "dismissed": {"decision": "dismissed", "decided": decided},
        "open": {},
    }.items():
        key = DocumentKey("test-review", row)
        twin.store.documents[key] = Document(key, body, f"e-{row}")
    twin.clock.advance(RETENTION + timedelta(days=1))

    await housekeeping(twin).tidy()

    assert set(documents(twin, "review")) == {"dismissed", "open"}


async def test_old_runs_go_with_the_ids_that_they_hold() -> None:
    twin = ConnectorTwin()
    runs = Runs(twin.store, twin.clock, "test")
    for identifier, days in (("1", 0), ("2", 31)):
        saved = twin.clock.now() - timedelta(days=days)
        await runs.save(Run(identifier, PersonTable.CONTACT, RunState.COMPLETED, saved, saved))
        await twin.store.write([Put(DocumentKey(f"test-run-{identifier}", "000001"), {"records": {}})])

    assert (await housekeeping(twin).tidy())["runs"] == 1

    assert set(documents(twin, "run")) == {"1"}
    assert documents(twin, "run-2") == {}
    assert documents(twin, "run-1") != {}
