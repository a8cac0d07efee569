"""A bulk write gives every contact its own result, whatever the answer looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.spotler.contacts.bulk import CONTACTS_PER_CALL, write_all
from shared.adapters.spotler.rest.models import BulkResult
from shared.domain.records.marketing_contact import ContactWrite, WriteCode, WriteResult
from shared.errors import ConfigurationError, DataError, TransientError

OK = WriteResult(WriteCode.OK)


def people(*identifiers: object) -> list[ContactWrite]:
    return [ContactWrite(str(identifier), {"city": "Gouda"}) for identifier in identifiers]


class Service:
    """Answers a bulk call; refuses it as a whole when `guilty` is in it."""

    def __init__(self, *guilty: str, error_type: str = "INVALID_PARAMS") -> None:
        self.guilty = frozenset(guilty)
        self.error_type = error_type
        self.sizes: list[int] = []
        self.answer: Callable[[list[BulkResult]], list[BulkResult]] = lambda results: results

    async def __call__(self, chunk: Sequence[ContactWrite]) -> list[BulkResult]:
        self.sizes.append(len(chunk))
        if any(contact.external_id in self.guilty for contact in chunk):
            raise DataError("refused", status=400, code=self.error_type, detail="why")
        return self.answer([BulkResult(external_id=contact.external_id, code="OK") for contact in chunk])


async def test_contacts_go_in_calls_of_at_most_a_hundred() -> None:
    service = Service()
    results = await write_all(service, people(*range(250)))
    assert sorted(service.sizes) == [50, CONTACTS_PER_CALL, CONTACTS_PER_CALL]
    assert results == {str(number): OK for number in range(250)}


async def test_nothing_to_write_costs_no_call() -> None:
    service = Service()
    assert await write_all(service, []) == {}
    assert service.sizes == []


async def test_results_are_matched_by_external_id_and_not_by_position() -> None:
    service = Service()
    service.answer = lambda _results: [
        BulkResult(external_id="3", code="CONTACT_OPTOUT", message="left"),
        BulkResult(external_id="1", code="OK"),
        BulkResult(external_id="2", code="PROPERTY_INVALID"),
    ]
    assert await write_all(service, people(1, 2, 3)) == {
        "1": OK,
        "2": WriteResult(WriteCode.PROPERTY_INVALID),
        "3": WriteResult(WriteCode.CONTACT_OPTOUT, "left"),
    }


async def test_a_contact_without_a_result_and_one_with_two_have_results_that_say_so() -> None:
    service = Service()
    service.answer = lambda results: [results[0], results[1], BulkResult(external_id="2", code="CONTACT_OPTOUT")]
    results = await write_all(service, people(1, 2, 3))
    assert results["1"] == OK
    assert results["2"].code is WriteCode.ERROR
    assert "OK, CONTACT_OPTOUT" in results["2"].detail
    assert results["3"].code is WriteCode.MISSING


async def test_a_code_that_is_new_is_an_error_that_names_it() -> None:
    service = Service()
    service.answer = lambda _results: [BulkResult(external_id="1", code="FULL_MOON", message="howl")]
    assert await write_all(service, people(1)) == {"1": WriteResult(WriteCode.ERROR, "FULL_MOON: howl")}


@given(st.sets(st.integers(min_value=0, max_value=119), max_size=5))
async def test_a_refusal_of_the_whole_call_harms_only_the_guilty(guilty: set[int]) -> None:
    service = Service(*map(str, guilty), error_type="INVALID_PROPERTY")
    results = await write_all(service, people(*range(120)))
    assert {int(who) for who, result in results.items() if result != OK} == guilty
    assert all(results[str(who)] == WriteResult(WriteCode.PROPERTY_INVALID, "why") for who in guilty)


async def test_finding_one_guilty_among_a_hundred_takes_few_calls() -> None:
    service = Service("42")
    await write_all(service, people(*range(100)))
    assert len(service.sizes) <= 15


@pytest.mark.parametrize(
    ("error_type", "code"),
    [
        ("CONTACT_OPTOUT", WriteCode.CONTACT_OPTOUT),
        ("CONTACT_ALREADY_EXISTS", WriteCode.CONTACT_ALREADY_EXISTS),
        ("CONTACT_NOT_FOUND", WriteCode.CONTACT_UNKNOWN),
        ("SOMETHING_ELSE", WriteCode.ERROR),
        ("", WriteCode.ERROR),
    ],
)
async def test_a_refused_contact_has_the_code_of_its_error_type(error_type: str, code: WriteCode) -> None:
    assert (await write_all(Service("1", error_type=error_type), people(1)))["1"].code is code


async def test_an_id_that_cannot_be_addressed_is_not_sent_and_harms_no_other() -> None:
    service = Service()
    results = await write_all(service, people("a/b", "search", 1))
    assert service.sizes == [1]
    assert {who: result.code for who, result in results.items()} == {
        "a/b": WriteCode.ERROR,
        "search": WriteCode.ERROR,
        "1": WriteCode.OK,
    }


async def test_an_id_that_occurs_twice_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="once"):
        await write_all(Service(), people(1, 1))


@pytest.mark.parametrize("error", [ConfigurationError("key", status=401), TransientError("down", status=503)])
async def test_an_error_that_is_nobodys_fault_is_raised_when_all_chunks_have_ended(error: Exception) -> None:
    written: list[int] = []

    async def send(chunk: Sequence[ContactWrite]) -> list[BulkResult]:
        if chunk[0].external_id == "0":
            raise error
        written.append(len(chunk))
        return []

    with pytest.raises(type(error)) as caught:
        await write_all(send, people(*range(200)))
    assert caught.value is error
    assert written == [100]
