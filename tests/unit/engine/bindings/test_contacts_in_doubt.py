"""A first attempt made the contact and failed before it could bind the record: the next attempt loses no contact."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.consent.changes import OPT_OUT, ConsentSource
from shared.domain.consent.suppression import AddressRefusal
from shared.domain.planning.rules import EndAction
from shared.domain.records.outcomes import Result
from shared.domain.records.records import Intent, PersonTable, RecordKey, SyncStatus
from shared.errors import TransientError
from tests.connector_twin import NEWSLETTER, RULES, ConnectorTwin, person, rules
from tests.twins import CrashError

FAILURES: list[Callable[[], BaseException]] = [CrashError, lambda: TransientError("down")]


async def left_over(
    twin: ConnectorTwin | None = None, *, failure: Callable[[], BaseException] = CrashError, is_made: bool = True
) -> tuple[ConnectorTwin, RecordKey]:
    """A new record whose first attempt failed right after, or before, its contact was made."""
    begun = twin or ConnectorTwin()
    ann = begun.crm.create(PersonTable.LEAD, **person(permissions={"Newsletter": True}))
    for moment in range(40):
        tried = begun.copy()
        tried.faults.plan(moment, failure())
        with contextlib.suppress(CrashError):
            await tried.look(ann)
        tried.faults.planned.clear()
        is_bound = (await tried.ledger.entries([ann]))[ann].binding.is_live
        if tried.platform.calls["insert"] and bool(tried.platform.contacts) is is_made and not is_bound:
            tried.clock.advance(timedelta(minutes=3))  # the claim is over
            return tried, ann
    raise AssertionError("it was never so")


async def disable(twin: ConnectorTwin, key: RecordKey) -> None:
    twin.crm.set_status(key, SyncStatus.DISABLED)
    await twin.sync(key)


@pytest.mark.parametrize("failure", FAILURES, ids=["crash", "transient"])
async def test_a_record_that_is_disabled_before_the_next_attempt_holds_the_contact(
    failure: Callable[[], BaseException],
) -> None:
    twin, ann = await left_over(failure=failure)
    twin.crm.edit(ann, firstname="Secret")

    await disable(twin, ann)

    assert list(twin.users()[str(ann.id)]) == [str(ann)]
    assert twin.contact_of("ann@example.com").values["firstName"] == "Ann", "nothing of it is sent (STA-05)"


@pytest.mark.parametrize("refusal", ["permission", "bulk e-mail"])
async def test_the_refusals_of_a_disabled_record_reach_that_contact(refusal: str) -> None:
    twin, ann = await left_over()
    assert twin.contact_of("ann@example.com").options[NEWSLETTER]
    if refusal == "permission":
        twin.crm.permit(ann, Newsletter=False)
    else:
        twin.crm.edit(ann, donotbulkemail=True)

    await disable(twin, ann)

    assert not twin.contact_of("ann@example.com").options[NEWSLETTER]


@pytest.mark.parametrize("is_told", [True, False], ids=["by its event", "by the night"])
async def test_a_disabled_record_that_is_deleted_takes_that_contact_along(*, is_told: bool) -> None:
    twin, ann = await left_over()
    await disable(twin, ann)
    twin.crm.delete(ann)

    if is_told:
        await twin.sync(ann)
    else:
        twin.clock.advance(timedelta(days=1))
        await twin.reconciliation.begin()
        await twin.quiet()

    assert twin.platform.contacts == []


async def test_a_job_erases_that_contact_of_a_disabled_record() -> None:
    twin, ann = await left_over()
    await disable(twin, ann)

    await twin.look(ann, intent=Intent.ANONYMIZE)

    assert twin.platform.contacts == []


async def test_a_record_that_is_enabled_again_goes_on_with_that_contact() -> None:
    twin, ann = await left_over()
    await disable(twin, ann)
    twin.crm.edit(ann, firstname="Anna")
    twin.crm.set_status(ann, SyncStatus.PROCESSING)

    await twin.sync(ann)

    contact = twin.contact_of("ann@example.com")
    assert (contact.external_id, contact.values["firstName"]) == (str(ann.id), "Anna")
    assert contact.options[NEWSLETTER], "a permission that came with the contact stays"


@pytest.mark.parametrize("failure", FAILURES, ids=["crash", "transient"])
async def test_an_opt_out_outlives_that_contact_if_the_record_is_deleted_before_the_next_attempt(
    failure: Callable[[], BaseException],
) -> None:
    twin, ann = await left_over(failure=failure)
    twin.platform.opt_out(twin.contact_of("ann@example.com"))
    twin.crm.delete(ann)

    await twin.sync(ann)

    assert twin.platform.contacts == []
    again = twin.crm.create(**person(permissions={"Newsletter": True}))
    await twin.sync(again)
    assert twin.status_of(again)[0] == SyncStatus.OPT_OUT


async def test_a_record_whose_new_address_is_not_valid_holds_the_contact_with_the_former_one() -> None:
    twin, ann = await left_over()
    twin.crm.edit(ann, emailaddress1="ann at example.com")
    await twin.sync(ann)
    twin.crm.permit(ann, Newsletter=False)

    await twin.sync(ann)

    assert not twin.contact_of("ann@example.com").options[NEWSLETTER]


async def test_a_record_that_ends_while_the_environment_is_off_still_takes_that_contact_along() -> None:
    twin, ann = await left_over()
    twin.crm.delete(ann)
    twin.rules = rules(environment_is_on=False)
    twin.worker = twin.start_worker()
    await twin.sync(ann)
    assert list(twin.users()[str(ann.id)]) == [str(ann)]

    twin.rules = RULES
    twin.worker = twin.start_worker()
    await twin.sync(ann)

    assert twin.platform.contacts == []


async def test_a_deleted_record_whose_contact_is_to_stay_needs_no_look_at_it() -> None:
    twin, ann = await left_over(ConnectorTwin(rules(on_delete=EndAction.NOTHING)))
    twin.crm.delete(ann)

    await twin.sync(ann)

    assert twin.platform.calls["contact"] == 0
    assert twin.contact_of("ann@example.com")


async def test_a_record_whose_new_address_has_an_opt_out_leaves_no_contact_behind() -> None:
    twin, ann = await left_over()
    address = twin.rules.fingerprints.address("ben@example.com")
    refusal = AddressRefusal(OPT_OUT, twin.clock.now(), ConsentSource.PLATFORM_OPT_OUT)
    await twin.suppressions.record({address: [refusal]})
    twin.crm.edit(ann, emailaddress1="ben@example.com")

    await twin.sync(ann)

    assert twin.platform.contacts == []
    assert twin.status_of(ann)[0] == SyncStatus.OPT_OUT


async def test_a_contact_that_was_never_made_is_looked_for_once() -> None:
    twin, ann = await left_over(is_made=False)
    await disable(twin, ann)
    calls = twin.platform.calls["contact"]

    looked = await twin.look(ann)

    assert (looked[ann].outcome.result, calls, twin.platform.calls["contact"]) == (Result.SKIPPED, 1, 1)
    assert str(ann.id) not in twin.users(), "no doubt is left"


async def test_the_contact_of_a_lead_that_is_qualified_ends_if_its_successor_has_one_already() -> None:
    twin, lead = await left_over()
    successor = twin.crm.qualify(lead, emailaddress1="ben@example.com")
    await twin.sync(successor)

    await twin.sync(lead)

    assert [one.external_id for one in twin.platform.having("ben@example.com")] == [str(successor.id)]
    assert twin.platform.having("ann@example.com") == []


async def test_do_not_email_reaches_that_contact_while_the_brake_holds_its_erasure() -> None:
    twin, ann = await left_over(ConnectorTwin(erasure_limit=1))
    ben = twin.crm.create(**person(emailaddress1="ben@example.com"))
    await twin.sync(ben)
    twin.crm.edit(ben, donotemail=True)
    await twin.sync(ben)
    twin.crm.edit(ann, donotemail=True)

    await twin.sync(ann)

    assert not twin.contact_of("ann@example.com").options[NEWSLETTER]
