"""A defect of ours, or a state store that is down, after one side has been written (OPT-06, OPT-07, OPT-09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.domain.consent.changes import BULK_EMAIL, ConsentChange
from shared.domain.mapping.reading import DO_NOT_BULK_EMAIL
from shared.errors import TransientError
from shared.ports.writeback import Writeback, WritebackResult
from tests.connector_twin import ConnectorTwin, person


@pytest.mark.parametrize("position", [0, 2, 6])
async def test_a_defect_after_writing_leaves_the_other_records_unaffected(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claims are given back at once, or nobody could look for the record that breaks the connector."""
    twin = ConnectorTwin()
    people = [twin.crm.create(emailaddress1=f"p{number}@example.com") for number in range(7)]
    await twin.sync(*people)
    await twin.poll()
    broken, write_back = people[position], twin.writebacks.write_back

    async def breaks(comings: Sequence[Writeback]) -> Sequence[WritebackResult]:
        if any(coming.key == broken for coming in comings):
            raise ZeroDivisionError("a defect of ours")
        return await write_back(comings)

    monkeypatch.setattr(twin.writebacks, "write_back", breaks)
    for contact in twin.platform.contacts:
        twin.platform.opt_out(contact)

    await twin.poll()

    assert [letter.reason for letter in twin.queue.dead] == ["defect"]
    assert {key for key in people if twin.crm.people[key].values.get(DO_NOT_BULK_EMAIL)} == {*people} - {broken}
    assert twin.claims() == []


async def test_users_of_a_contact_stay_when_a_defect_breaks_the_erasure_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """CS-26: what was meant to be remembered is not, but nothing else is forgotten either."""
    twin = ConnectorTwin()
    ann, other = twin.crm.create(**person()), twin.crm.create(**person())
    await twin.sync(ann, other)
    before = twin.users()
    twin.crm.edit(ann, statecode=1)
    remember = twin.ledger.save

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(twin.ledger, "save", breaks)
    await twin.look(ann)
    assert twin.users() == before
    monkeypatch.setattr(twin.ledger, "save", remember)

    await twin.sync(ann)

    (users,) = [users for users in twin.users().values() if users]
    assert set(users) == {str(other)}
    assert twin.platform.erased == []


async def opts_out_while_consent_cannot_be_kept(twin: ConnectorTwin) -> None:
    """Bulk Email is set in Dataverse; then the state store is out of reach."""
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    record = twin.consent.record

    async def fails(_: Sequence[ConsentChange]) -> None:
        raise TransientError("the state store is down")

    twin.consent.record = fails  # type: ignore[method-assign]
    twin.clock.advance(timedelta(minutes=15))
    await twin.poller.poll()
    twin.consent.record = record  # type: ignore[method-assign]
    await twin.quiet()


async def test_an_opt_out_is_kept_when_the_consent_ledger_was_out_of_reach() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()

    await opts_out_while_consent_cannot_be_kept(twin)

    assert twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
    assert twin.status_of(ann) == ("Opt-out", "opted-out")
    assert "opt-out" in [change.subject for change in await twin.consent.of_record(ann)]


async def test_opt_09_the_origin_of_bulk_email_is_known_after_a_crash() -> None:
    twin = ConnectorTwin()
    ann = twin.crm.create(**person())
    await twin.sync(ann)
    await twin.poll()

    await opts_out_while_consent_cannot_be_kept(twin)

    assert BULK_EMAIL in [change.subject for change in await twin.consent.of_record(ann)]
    twin.platform.sign_up("ann@example.com")
    await twin.poll()
    assert not twin.crm.people[ann].values[DO_NOT_BULK_EMAIL]
