"""After a restore from an older backup nobody who refused since then is mailed (design: refusals first)."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared.consent.audit_ledger import ConsentLedger
from shared.consent.refusal_recovery import FormerState, Recovered, RefusalRecovery
from shared.domain.consent.changes import ConsentSource
from shared.domain.records.records import RecordKey
from shared.engine.refusals.suppression_list import SuppressionList
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person
from tests.twins import TwinStore

YES = {"Newsletter": True}
ANN, BEN, CAT, DAN = (f"{name}@example.com" for name in ("ann", "ben", "cat", "dan"))


@dataclass
class Disaster:
    """An environment that loses its state, and goes on with the one of a backup."""

    twin: ConnectorTwin = field(default_factory=ConnectorTwin)
    backup: dict[Any, Any] = field(default_factory=dict)
    former: TwinStore = field(default_factory=TwinStore)

    async def enter(self, email: str, **values: Any) -> RecordKey:
        self.twin.clock.advance(timedelta(minutes=1))
        key = self.twin.crm.create(**person(**{"emailaddress1": email, "permissions": YES, **values}))
        await self.twin.sync(key)
        await self.twin.poll()
        return key

    def back_up(self) -> None:
        self.backup = deepcopy(self.twin.store.documents)

    def restore(self) -> None:
        self.former.documents = self.twin.store.documents
        self.twin.store.documents = deepcopy(self.backup)
        self.twin.worker = self.twin.start_worker()

    async def recover(self, *, with_former: bool = False) -> Recovered:
        twin = self.twin
        former = FormerState(
            SuppressionList(self.former, twin.clock, "test"), ConsentLedger(self.former, twin.clock, "test")
        )
        recovery = RefusalRecovery(
            crm=twin.crm, feeds=twin.platform, ledger=twin.ledger, suppressions=twin.suppressions,
            consents=twin.consent, rules=RULES, clock=twin.clock,
        )  # fmt: skip
        return await recovery.recover(former if with_former else None)

    async def go_live(self) -> None:
        await self.twin.reconciliation.begin()
        await self.twin.quiet()
        await self.twin.poll()

    def mailed(self, email: str) -> bool:
        return any(one.options.get(NEWSLETTER) and not one.is_inactive for one in self.twin.platform.having(email))

    async def sources(self, email: str) -> set[ConsentSource]:
        address = RULES.fingerprints.address(email)
        return {one.source for one in (await self.twin.suppressions.at([address]))[address].refusals if one.is_active}


async def ended(here: Disaster, key: RecordKey, how: str) -> None:
    """Let a person refuse, and lose the evidence on both sides."""
    match how:
        case "refused, then deleted":
            here.twin.crm.edit(key, donotbulkemail=True)
            await here.twin.sync(key)
            here.twin.crm.delete(key)
        case "opted out, then deleted":
            here.twin.platform.opt_out(here.twin.contact_of(ANN))
            await here.twin.poll()
            here.twin.crm.delete(key)
        case "withdrew the permission, then deactivated":
            here.twin.platform.edit(here.twin.contact_of(ANN), options={NEWSLETTER: False})
            await here.twin.poll()
            here.twin.crm.edit(key, statecode=1)
        case _:
            raise AssertionError(how)
    await here.twin.sync(key)
    await here.twin.poll()


ENDS = ("refused, then deleted", "opted out, then deleted", "withdrew the permission, then deactivated")


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("with_former", [False, True], ids=["backup-alone", "with-the-former-table"])
async def test_who_refused_and_was_erased_since_the_backup_is_not_mailed_when_entered_again(
    how: str, *, with_former: bool
) -> None:
    here = Disaster()
    ann = await here.enter(ANN)
    assert here.mailed(ANN)
    here.back_up()
    await ended(here, ann, how)
    assert not here.mailed(ANN)
    here.restore()

    found = await here.recover(with_former=with_former)
    await here.go_live()
    await here.enter(ANN)

    assert not here.mailed(ANN)
    assert (found.former, found.erased) == ((1, 0) if with_former else (0, 1))


@pytest.mark.parametrize("how", ENDS)
async def test_without_the_recovery_the_restored_state_has_forgotten_them(how: str) -> None:
    here = Disaster()
    ann = await here.enter(ANN)
    here.back_up()
    await ended(here, ann, how)
    here.restore()

    await here.go_live()
    await here.enter(ANN)

    assert here.mailed(ANN)


async def test_a_record_that_refuses_speaks_for_its_address_though_it_came_after_the_backup() -> None:
    here = Disaster()
    here.back_up()
    await here.enter(BEN, donotemail=True)
    here.restore()

    assert await here.recover() == Recovered(columns=1)
    await here.go_live()
    await here.enter(BEN, firstname="Benny")

    assert not here.mailed(BEN)
    assert await here.sources(BEN) == {ConsentSource.DO_NOT_EMAIL}


async def test_who_can_be_mailed_stays_so_and_who_opted_out_stays_out() -> None:
    here = Disaster()
    await here.enter(CAT)
    await here.enter(DAN)
    here.back_up()
    here.twin.platform.opt_out(here.twin.contact_of(DAN))
    await here.twin.poll()
    here.restore()

    assert await here.recover() == Recovered(columns=1)
    await here.go_live()

    assert here.mailed(CAT)
    assert not here.mailed(DAN)
    assert await here.sources(CAT) == set()


async def test_only_the_former_table_knows_who_came_refused_and_was_erased_after_the_backup() -> None:
    here = Disaster()
    here.back_up()
    ann = await here.enter(ANN)
    await ended(here, ann, "refused, then deleted")
    changes = [one async for page in here.twin.consent.export() for one in page]
    here.restore()

    found = await here.recover(with_former=True)
    await here.go_live()
    await here.enter(ANN)

    assert found.former == 1
    assert not here.mailed(ANN)
    kept = [one async for page in here.twin.consent.export() for one in page]
    assert [one for one in changes if one not in kept] == []


async def test_a_recovery_that_is_repeated_changes_nothing_more() -> None:
    here = Disaster()
    ann = await here.enter(ANN)
    here.back_up()
    await ended(here, ann, "refused, then deleted")
    here.restore()
    await here.recover()
    before = deepcopy(here.twin.store.documents)
    here.twin.clock.advance(timedelta(hours=1))

    assert (await here.recover()).erased == 0
    assert {key: one.body for key, one in here.twin.store.documents.items()} == {
        key: one.body for key, one in before.items()
    }
