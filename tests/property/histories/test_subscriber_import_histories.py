"""New subscribers in any history of polls, edits and failures: none twice, none lost (NEW-03, NEW-04)."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.features.subscriber_import import ImportOutcome, ImportTarget
from shared.domain.records.records import PersonTable
from shared.errors import TransientError
from tests.examples import examples
from tests.import_setup import ImportSetup, new_subscriber
from tests.twins import CrashError

PEOPLE = range(4)
polls = st.lists(
    st.tuples(
        st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True),
        st.none() | st.integers(0, 12),  # the moment at which something fails
        st.booleans(),  # whether the worker dies of it
    ),
    min_size=1,
    max_size=6,
)


async def live(setup: ImportSetup, history: list[tuple[list[int], int | None, bool]]) -> None:
    """Poll again and again; a failed poll is repeated from the cursor."""
    setup.share_faults()
    for numbers, moment, dies in history:
        if moment is not None:
            setup.crm.faults.plan(moment, CrashError() if dies else TransientError("no answer"))
        with suppress(TransientError, CrashError):
            await setup.import_page(*(new_subscriber(number) for number in numbers))
    setup.crm.faults.planned.clear()


@settings(max_examples=examples(30), deadline=None)
@given(polls)
def test_new_03_every_subscriber_is_one_lead_after_any_history(
    history: list[tuple[list[int], int | None, bool]],
) -> None:
    async def run() -> None:
        setup = ImportSetup(ImportTarget.LEAD)
        await live(setup, history)
        imported = await setup.import_page(*(new_subscriber(number) for number in PEOPLE))
        keys = [one.key for one in imported]
        assert all(one.outcome in {ImportOutcome.CREATED, ImportOutcome.KNOWN} for one in imported)
        assert Counter(keys) == Counter(list(setup.crm.people))

    asyncio.run(run())


@settings(max_examples=examples(30), deadline=None)
@given(polls, st.lists(st.sampled_from(PEOPLE), max_size=5))
def test_new_04_no_address_gets_a_second_contact_after_any_history(
    history: list[tuple[list[int], int | None, bool]], there: list[int]
) -> None:
    async def run() -> None:
        setup = ImportSetup(ImportTarget.CONTACT)
        for number in there:
            setup.crm.create(PersonTable.CONTACT, emailaddress1=f"NEW{number}@example.com")
        await live(setup, history)
        imported = await setup.import_page(*(new_subscriber(number) for number in PEOPLE))
        count = Counter(str(person.values["emailaddress1"]).casefold() for person in setup.crm.people.values())
        before = Counter(f"new{number}@example.com" for number in there)
        assert count == Counter({f"new{number}@example.com": 1 for number in PEOPLE}) | before
        ambiguous = {one.encrypted_id for one in imported if one.outcome is ImportOutcome.AMBIGUOUS}
        assert ambiguous == {f"encrypted{number}" for number in PEOPLE if there.count(number) > 1}
        assert {review.contact for review in (await setup.reviews.page()).reviews} == ambiguous

    asyncio.run(run())
