"""The ledger: bindings, claims with an expiry, the users of a contact, and who has an address."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from shared.domain.planning.binding import Binding
from shared.domain.planning.plan_input import BaseState
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import PersonTable, RecordKey
from shared.engine.bindings.binding_documents import BindingUpdate
from shared.engine.bindings.claims import Claims
from shared.engine.bindings.contact_documents import Consent, HeldContact
from shared.engine.bindings.ledger import Ledger
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

ANN = RecordKey(PersonTable.CONTACT, UUID(int=1))
BEN = RecordKey(PersonTable.LEAD, UUID(int=2))
X, Y = "contact-x", "contact-y"


def updated(key: RecordKey) -> Outcome:
    return Outcome(key, Result.WRITTEN, Reason.UPDATED)


class TwoWorkers:
    """A ledger with its store and clock, and a second worker's ledger over the same store."""

    def __init__(self) -> None:
        self.clock, self.store = ManualClock(), TwinStore()
        self.mine = Ledger(self.store, self.clock, "test")
        self.theirs = Ledger(self.store, self.clock, "test")

    async def bind(self, key: RecordKey, external_id: str, *, address: str = "", live: bool = True) -> None:
        binding = Binding(external_id, is_live=live, address=address)
        await self.save(key, binding)

    async def save(self, key: RecordKey, binding: Binding, ledger: Ledger | None = None) -> frozenset[RecordKey]:
        """Save a binding as somebody who has just read it."""
        ledger = ledger or self.mine
        versions = {key: (await ledger.entries([key]))[key].etag}
        return await ledger.save({key: BindingUpdate(binding, updated(key), "c-1")}, (), versions)

    async def use(self, external_id: str, *keys: RecordKey, base_state: BaseState = BaseState.BASE) -> None:
        held = (await self.mine.claim([external_id]))[external_id]
        await self.mine.release([replace(held, users=dict.fromkeys(keys, Consent.ALLOWS), base_state=base_state)])


async def test_a_record_that_nobody_knows_is_bound_to_its_own_id() -> None:
    entry = (await TwoWorkers().mine.entries([ANN]))[ANN]
    assert entry.binding == Binding(str(ANN.id))
    assert entry.outcome is None


async def test_a_binding_is_kept_with_its_outcome() -> None:
    workers = TwoWorkers()
    binding = Binding(X, is_live=True, base={"city": "print"}, address="a")
    await workers.save(ANN, binding)

    entry = (await workers.theirs.entries([ANN]))[ANN]

    assert entry.binding == binding
    assert entry.outcome is not None
    assert (entry.outcome.result, entry.outcome.reason, entry.outcome.correlation) == ("written", "updated", "c-1")


async def test_environments_know_nothing_of_each_other() -> None:
    workers = TwoWorkers()
    await workers.bind(ANN, X)
    other = Ledger(workers.store, workers.clock, "other")
    assert not (await other.entries([ANN]))[ANN].binding.is_live


async def test_a_contact_is_held_by_one_worker_at_a_time() -> None:
    workers = TwoWorkers()
    assert set(await workers.mine.claim([X, Y])) == {X, Y}
    assert await workers.theirs.claim([X]) == {}
    assert await workers.mine.claim([X]) == {}, "another batch of the same process is another worker"


async def test_a_new_contact_is_claimed_without_a_read() -> None:
    workers = TwoWorkers()
    assert set(await workers.mine.claim([X], new={X})) == {X}
    assert workers.store.calls["read"] == 0
    assert await workers.theirs.claim([X, Y], new={X, Y}) == {Y: HeldContact(Y, "2", BaseState.BASE)}


async def test_a_contact_that_is_not_as_new_as_it_seemed_is_claimed_as_it_is() -> None:
    workers = TwoWorkers()
    await workers.use(X, ANN)
    assert (await workers.theirs.claim([X], new={X}))[X].users == {ANN: Consent.ALLOWS}


async def test_a_released_contact_can_be_claimed_with_trust() -> None:
    workers = TwoWorkers()
    await workers.mine.release(list((await workers.mine.claim([X])).values()))
    assert (await workers.theirs.claim([X]))[X].base_state is BaseState.BASE


async def test_a_claim_that_outlived_its_worker_can_be_taken_over_without_trust() -> None:
    workers = TwoWorkers()
    await workers.mine.claim([X])
    workers.clock.advance(timedelta(minutes=2))
    assert (await workers.theirs.claim([X]))[X].base_state is BaseState.NOTHING


async def test_a_late_worker_cannot_release_what_another_one_holds_now() -> None:
    workers = TwoWorkers()
    late = (await workers.mine.claim([X]))[X]
    workers.clock.advance(timedelta(minutes=2))
    await workers.theirs.claim([X])

    await workers.mine.release([late])

    assert await workers.mine.claim([X]) == {}


async def test_a_doubt_stays_until_somebody_has_written_in_full() -> None:
    workers = TwoWorkers()
    await workers.use(X, base_state=BaseState.NOTHING)
    held = (await workers.theirs.claim([X]))[X]
    assert held.base_state is BaseState.NOTHING
    await workers.theirs.release([held])
    held = (await workers.mine.claim([X]))[X]
    assert held.base_state is BaseState.NOTHING
    await workers.mine.release([replace(held, base_state=BaseState.BASE)])
    assert (await workers.theirs.claim([X]))[X].base_state is BaseState.BASE


async def test_a_contact_without_users_and_doubts_leaves_nothing_behind() -> None:
    workers = TwoWorkers()
    await workers.use(X, ANN)
    await workers.use(X)
    assert workers.store.documents == {}


async def test_calls_begin_well_before_a_claim_runs_out() -> None:
    workers = TwoWorkers()
    expiry = workers.mine.expiry()
    assert expiry - workers.clock.now() == timedelta(minutes=2)
    assert expiry - workers.mine.deadline(expiry).begin_by > timedelta(seconds=30), (
        "a call to Spotler may take that long"
    )


async def test_users_that_had_let_go_when_a_worker_died_are_forgotten() -> None:
    workers = TwoWorkers()
    await workers.use(X, ANN, BEN)
    await workers.bind(ANN, X)
    await workers.bind(BEN, X, live=False)
    assert set((await workers.mine.claim([X]))[X].users) == {ANN, BEN}, "nothing happened: nothing to check"
    workers.clock.advance(timedelta(minutes=2))

    assert set((await workers.theirs.claim([X]))[X].users) == {ANN}


def test_a_record_that_refuses_all_mail_needs_no_contact_but_its_refusal_counts() -> None:
    held = HeldContact(X, "", BaseState.BASE, {ANN: Consent.ALLOWS, BEN: Consent.NO_MAIL})
    assert held.sharing_records_of(ANN).keys == ()
    assert held.sharing_records_of(ANN).refuse_bulk
    assert held.sharing_records_of(BEN).keys == (ANN,)
    assert not held.sharing_records_of(BEN).refuse_bulk


# -------------------------------------------------------------------------------------------------------- primary user


@pytest.mark.parametrize(
    ("case", "external_id", "users", "primary", "expected"),
    [
        ("a user that is primary stays so", X, {ANN: Consent.ALLOWS, BEN: Consent.ALLOWS}, BEN, BEN),
        ("an old document names none: the first in order", X, {BEN: Consent.ALLOWS, ANN: Consent.ALLOWS}, None, ANN),
        ("or whose id the contact has", str(BEN.id), {ANN: Consent.ALLOWS, BEN: Consent.ALLOWS}, None, BEN),
        ("one that has left is followed by another one", X, {BEN: Consent.NO_BULK}, ANN, BEN),
        ("one that refuses all mail has left", X, {ANN: Consent.NO_MAIL, BEN: Consent.ALLOWS}, ANN, BEN),
        ("who refuses all mail follows nobody", X, {BEN: Consent.NO_MAIL}, ANN, None),
    ],
)
def test_one_user_of_a_contact_is_primary(
    *,
    case: str,
    external_id: str,
    users: dict[RecordKey, Consent],
    primary: RecordKey | None,
    expected: RecordKey | None,
) -> None:
    held = HeldContact(external_id, "", BaseState.BASE, users, primary)
    assert held.primary_user == expected, case
    assert held.sharing_records_of(ANN).primary == (None if expected == ANN else expected), case


async def test_the_primary_user_is_written_down() -> None:
    workers = TwoWorkers()
    await workers.use(X, BEN)
    await workers.use(X, ANN, BEN)
    assert (await workers.theirs.contacts([X]))[X].primary == BEN
    await workers.mine.abandon(list((await workers.mine.claim([X])).values()))
    assert (await workers.theirs.contacts([X]))[X].primary == BEN


async def test_the_succession_of_a_primary_user_is_kept_while_the_contact_is_claimed() -> None:
    workers = TwoWorkers()
    await workers.use(X, ANN, BEN)
    held = replace((await workers.mine.claim([X]))[X], succession={"city": "print"})

    (held,) = await workers.mine.keep_successions([held])

    assert await workers.theirs.claim([X]) == {}
    assert (await workers.theirs.contacts([X]))[X].succession == {"city": "print"}
    await workers.mine.release([held])
    assert (await workers.theirs.claim([X]))[X].succession == {"city": "print"}


# ----------------------------------------------------------------------------------------------------------- addresses


async def test_an_address_is_reserved_once() -> None:
    workers = TwoWorkers()
    assert await workers.mine.reserve({"a": X}, held=[X]) == set()
    await workers.use(X, ANN)
    await workers.bind(ANN, X, address="a")

    assert await workers.theirs.reserve({"a": Y, "b": Y}, held=[Y]) == {"a"}
    assert await workers.theirs.reserve({"a": X}, held=[X]) == set(), "its own contact may have it again"


async def test_an_address_that_was_free_is_reserved_without_a_read_and_only_once() -> None:
    workers = TwoWorkers()
    assert await workers.mine.reserve({"a": X}, held=[X], free={"a"}) == set()
    assert workers.store.calls["read"] == 0
    assert await workers.theirs.reserve({"a": Y, "b": Y}, held=[Y], free={"a", "b"}) == {"a"}
    assert (await workers.mine.owners_of(["a"]))["a"].contact == X


async def test_an_address_is_not_free_while_another_worker_gives_it_to_a_contact() -> None:
    workers = TwoWorkers()
    await workers.mine.claim([X])
    await workers.mine.reserve({"a": X}, held=[X])
    assert await workers.theirs.reserve({"a": Y}, held=[Y]) == {"a"}


async def test_an_address_of_a_contact_that_nobody_uses_is_free() -> None:
    workers = TwoWorkers()
    await workers.mine.reserve({"a": X}, held=[X])
    assert await workers.theirs.reserve({"a": Y}, held=[Y]) == set()
    assert (await workers.mine.owners_of(["a"]))["a"].contact == Y


async def test_an_address_that_a_contact_was_to_get_and_did_not_is_free() -> None:
    workers = TwoWorkers()
    await workers.mine.reserve({"new": X}, held=[X])
    await workers.use(X, ANN)
    await workers.bind(ANN, X, address="old")
    assert not (await workers.mine.owners_of(["new"]))["new"].is_confirmed
    assert await workers.theirs.reserve({"new": Y}, held=[Y]) == set()


async def test_an_address_is_forgotten_with_its_last_user() -> None:
    workers = TwoWorkers()
    await workers.mine.reserve({"a": X}, held=[X])
    await workers.mine.save({}, ["a"], {})
    assert await workers.mine.owners_of(["a"]) == {}


# ------------------------------------------------------------------------------------------------------------- fencing


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_late_worker_overwrites_no_binding_that_somebody_else_has_written(*, is_known: bool) -> None:
    workers = TwoWorkers()
    if is_known:
        await workers.bind(ANN, X)
    await workers.bind(BEN, X)
    versions = {key: entry.etag for key, entry in (await workers.mine.entries([ANN, BEN])).items()}
    newer = Binding(Y, is_live=True, address="theirs")
    await workers.save(ANN, newer, workers.theirs)
    await workers.mine.reserve({"theirs": Y}, held=[Y])

    late = Binding(X, is_live=True, address="mine")
    saved = {ANN: BindingUpdate(late, updated(ANN), ""), BEN: BindingUpdate(late, updated(BEN), "")}
    assert await workers.mine.save(saved, ["theirs"], versions) == {ANN}

    entries = await workers.mine.entries([ANN, BEN])
    assert entries[ANN].binding == newer
    assert entries[BEN].binding == late, "what nobody else has written is saved"
    assert "theirs" in await workers.mine.owners_of(["theirs"]), "whose address it is, the other worker knows better"


async def test_a_worker_may_write_its_own_documents_again() -> None:
    workers = TwoWorkers()
    claims = Claims(workers.mine)
    claims.note_versions(await workers.mine.entries([ANN]))
    assert not await claims.record_intents({ANN: (Binding(X), "")})
    assert not await claims.save({ANN: BindingUpdate(Binding(X, is_live=True), updated(ANN), "")})
    assert (await workers.mine.entries([ANN]))[ANN].binding.is_live
