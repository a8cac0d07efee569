"""The versions of the mapping: the live one, the history, and concurrent changes (C-33, C-41)."""

from __future__ import annotations

import asyncio

import pytest

from shared.administration.mapping_repository import FIRST_ACTIVATION, MappingRepository
from shared.domain.wording.phrase import Phrase
from shared.domain.wording.versions import VersionComment
from shared.errors import ConfigurationError, ConflictError, DataError, NotFoundError, TransientError
from tests.contract.clocks import ManualClock
from tests.twins import Faults, TwinStore

ADMINISTRATOR, CONSULTANT = "administrator", "consultant"


@pytest.fixture
def store() -> TwinStore:
    faults = Faults()
    faults.interleaves = True
    return TwinStore(faults)


@pytest.fixture
def repository(store: TwinStore) -> MappingRepository:
    return MappingRepository(store, ManualClock(), "test")


async def texts(repository: MappingRepository) -> list[str]:
    return [version.text for version in await repository.history()]


async def test_the_first_activation_stores_the_first_version(repository: MappingRepository) -> None:
    assert await repository.pointer() is None

    await repository.activate("first")

    (live,) = await repository.history()
    assert (live.number, live.text, live.by, live.replaces) == (1, "first", FIRST_ACTIVATION, 0)


async def test_a_later_activation_brings_nothing_back(repository: MappingRepository) -> None:
    await repository.activate("with the default rows")
    await repository.apply("without a row", by=ADMINISTRATOR)

    await repository.activate("with the default rows")

    assert (await texts(repository))[0] == "without a row"


async def test_two_processes_that_start_together_activate_one_version(store: TwinStore) -> None:
    repositories = [MappingRepository(store, ManualClock(), "test") for _ in range(2)]

    pointers = await asyncio.gather(*(repository.activate("first") for repository in repositories))

    assert pointers[0] == pointers[1]
    assert await texts(repositories[0]) == ["first"]


async def test_before_the_first_activation_nothing_can_be_applied(repository: MappingRepository) -> None:
    with pytest.raises(ConfigurationError, match="start the connector once"):
        await repository.apply("second", by=ADMINISTRATOR)


async def test_the_history_has_actor_time_and_comment_newest_first(repository: MappingRepository) -> None:
    await repository.activate("first")
    await repository.apply("second", by=CONSULTANT, comment="no job titles")

    newest, oldest = await repository.history()

    assert (newest.number, newest.by, newest.comment) == (2, CONSULTANT, "no job titles")
    assert newest.at == ManualClock().now()
    assert oldest.number == newest.replaces == 1


async def test_a_comment_of_the_connector_keeps_its_template_and_one_of_a_person_stays_as_it_is(
    repository: MappingRepository,
) -> None:
    await repository.activate("one")
    await repository.apply("two", by="admin", comment="rollback to version 1")
    await repository.apply("three", by="admin", comment=VersionComment.ROLLBACK(number="1"))

    latest, earlier, first = [one.comment for one in await repository.history()]

    assert (latest, earlier, first) == ("rollback to version 1", "rollback to version 1", "")
    assert isinstance(latest, Phrase)
    assert isinstance(earlier, Phrase)
    assert (latest.wording, latest.values) == (VersionComment.ROLLBACK, {"number": "1"})
    assert earlier.wording is None


async def test_each_environment_has_a_history_of_its_own(store: TwinStore) -> None:
    repositories = [MappingRepository(store, ManualClock(), name) for name in ("prod", "test")]
    for repository in repositories:
        await repository.activate("first")

    await repositories[0].apply("second", by=ADMINISTRATOR)

    assert [await texts(repository) for repository in repositories] == [["second", "first"], ["first"]]


async def test_of_two_simultaneous_changes_one_is_a_conflict(store: TwinStore) -> None:
    repositories = [MappingRepository(store, ManualClock(), "test") for _ in range(2)]
    await repositories[0].activate("first")

    results = await asyncio.gather(
        *(repository.apply(f"change {index}", by=ADMINISTRATOR) for index, repository in enumerate(repositories)),
        return_exceptions=True,
    )

    (lost,) = [result for result in results if isinstance(result, BaseException)]
    assert isinstance(lost, ConflictError)
    (won,) = [result.text for result in results if not isinstance(result, BaseException)]
    assert await texts(repositories[0]) == [won, "first"]


async def test_a_change_made_on_an_old_version_is_refused(repository: MappingRepository) -> None:
    await repository.activate("first")
    await repository.apply("second", by=ADMINISTRATOR, base=1)

    with pytest.raises(ConflictError, match="Version 2 of the mapping is live, the change was made on version 1"):
        await repository.apply("another second", by=CONSULTANT, base=1)

    assert (await texts(repository))[0] == "second"


@pytest.mark.parametrize("moment", range(5))
async def test_whenever_a_worker_dies_the_next_change_goes_through(moment: int) -> None:
    faults = Faults()
    repository = MappingRepository(TwinStore(faults), ManualClock(), "test")
    await repository.activate("first")
    faults.plan(moment, TransientError("the state store is out of reach"))

    with pytest.raises(TransientError):
        await repository.apply("second", by=ADMINISTRATOR)
    before = await texts(repository)
    await repository.apply("third", by=ADMINISTRATOR)

    assert before in (["first"], ["second", "first"])
    assert await texts(repository) == ["third", *before]


async def test_a_version_that_never_was_is_not_found(repository: MappingRepository) -> None:
    await repository.activate("first")

    with pytest.raises(NotFoundError, match="no version 7"):
        await repository.version(7)


@pytest.mark.parametrize("name", ["Noor de Vries", "noor@example.com", "", "x" * 65])
async def test_the_author_is_no_person(repository: MappingRepository, name: str) -> None:
    await repository.activate("first")

    with pytest.raises(DataError, match="by a role or an id"):
        await repository.apply("second", by=name)


@pytest.mark.parametrize(
    ("text", "comment", "complaint"), [("x" * 400_001, "", "too large"), ("text", "x" * 201, "comment is longer")]
)
async def test_a_version_that_no_store_can_keep_is_refused(
    repository: MappingRepository, text: str, comment: str, complaint: str
) -> None:
    await repository.activate("first")

    with pytest.raises(DataError, match=complaint):
        await repository.apply(text, by=ADMINISTRATOR, comment=comment)


async def test_long_histories_are_read_to_the_end(repository: MappingRepository) -> None:
    await repository.activate("1")
    for number in range(2, 1102):
        await repository.apply(str(number), by=ADMINISTRATOR)

    assert len(await repository.history()) == 1101
