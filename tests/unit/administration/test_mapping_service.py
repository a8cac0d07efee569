"""Changing the mapping: refusals, accepted findings, rollback (MAP-05, MAP-33, C-33, C-41)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from shared.administration.live_mapping import LiveMapping
from shared.administration.mapping_repository import MappingRepository
from shared.administration.mapping_service import (
    Applied,
    ChangeRefused,
    MappingChange,
    MappingService,
    difference,
    mapping_of,
)
from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.formats.document import read_mapping
from shared.domain.mapping.formats.yaml_format import to_yaml
from shared.domain.mapping.model import Mapping
from shared.errors import ConfigurationError, ConflictError, DataError, TransientError
from tests.contract.clocks import ManualClock
from tests.twins import TwinStore

CHANGE = MappingChange("administrator")
ERROR = Finding(Severity.ERROR, Code.UNKNOWN_COLUMN, "Column hobby does not exist")
WARNING = Finding(Severity.WARNING, Code.UNKNOWN_PROPERTY, "Spotler has no property hobby")
PROTECTED = Finding(Severity.WARNING, Code.PROTECTED_ROW, "Spotler has the field Type and no row fills it")
NOTE = Finding(Severity.NOTE, Code.UNSEEN_CHANGES, "Nobody hears of it")


def mapping_with(*properties: str) -> Mapping:
    """A mapping of contacts: the address, and a column of the same name for each property."""
    email = {"spotler": "email", "contact": "emailaddress1"}
    return read_mapping(
        {"version": 1, "rows": [email, *({"spotler": name, "contact": name.lower()} for name in properties)]}
    )


def accepting(*codes: Code) -> MappingChange:
    return MappingChange("administrator", accepted=frozenset(codes))


def spelled(codes: Sequence[Code]) -> str:
    return ", ".join(codes)


DEFAULTS = mapping_with("firstName", "jobTitle")


class Office:
    """A service, and a process of the app that follows the live mapping."""

    def __init__(self) -> None:
        self.findings: Sequence[Finding] = ()
        self.clock = ManualClock()
        self.store = TwinStore()
        self.repository = MappingRepository(self.store, self.clock, "test")
        self.service = MappingService(self.repository, self._check, lambda: DEFAULTS)
        self.app = LiveMapping(self.repository, self.clock, lambda: to_yaml(DEFAULTS))

    async def _check(self, _mapping: Mapping) -> Sequence[Finding]:
        return self.findings

    async def live(self) -> Mapping:
        return mapping_of(await self.service.live())


@pytest.fixture
def office() -> Office:
    return Office()


async def test_the_default_mapping_is_live_until_it_is_changed(office: Office) -> None:
    assert await office.live() == DEFAULTS


async def test_map_05_administrators_change_the_mapping_themselves(
    office: Office,
) -> None:
    result = await office.service.apply(mapping_with("city"), CHANGE)

    assert isinstance(result, Applied)
    assert result.version.number == 2
    assert await office.live() == mapping_with("city")


@pytest.mark.parametrize("accepted", [frozenset(), frozenset(Code)])
async def test_errors_cannot_be_overruled(office: Office, accepted: frozenset[Code]) -> None:
    office.findings = (ERROR, WARNING)

    result = await office.service.apply(mapping_with("hobby"), MappingChange("administrator", accepted=accepted))

    assert result == ChangeRefused((ERROR, WARNING), accepted)
    assert result.advice(spelled) == "Nothing has changed. Correct the errors: nothing overrules them."
    assert await office.live() == DEFAULTS


async def test_a_warning_stops_a_change_until_it_is_accepted(office: Office) -> None:
    office.findings = (WARNING, WARNING)

    refused = await office.service.apply(mapping_with("hobby"), CHANGE)
    applied = await office.service.apply(mapping_with("hobby"), accepting(Code.UNKNOWN_PROPERTY))

    assert isinstance(refused, ChangeRefused)
    assert refused.advice(spelled) == (
        "Nothing has changed. Correct what is warned of, or name each warning that you take for what it is: "
        "unknown-property."
    )
    assert isinstance(applied, Applied)
    assert applied.findings == (WARNING, WARNING)


async def test_map_33_a_consent_to_one_warning_is_none_to_the_loss_of_a_protected_row(office: Office) -> None:
    office.findings = (WARNING, PROTECTED)

    other = await office.service.apply(mapping_with("hobby"), accepting(Code.UNKNOWN_PROPERTY))
    assert isinstance(other, ChangeRefused)
    assert other.advice(spelled).endswith("take for what it is: protected-row.")
    assert await office.live() == DEFAULTS

    both = await office.service.apply(mapping_with("hobby"), accepting(Code.UNKNOWN_PROPERTY, Code.PROTECTED_ROW))
    assert isinstance(both, Applied)


async def test_notes_stop_nothing(office: Office) -> None:
    office.findings = (NOTE,)

    assert isinstance(await office.service.apply(mapping_with("city"), CHANGE), Applied)


async def test_a_change_made_while_it_was_checked_is_not_lost(office: Office) -> None:
    await office.service.live()

    async def check_while_another_one_applies(_mapping: Mapping) -> Sequence[Finding]:
        await office.service.apply(mapping_with("city"), CHANGE)
        return ()

    slow_service = MappingService(office.repository, check_while_another_one_applies, lambda: DEFAULTS)
    with pytest.raises(ConflictError):
        await slow_service.apply(mapping_with("street"), CHANGE)

    assert await office.live() == mapping_with("city")


async def test_rollback_brings_an_old_version_back_as_a_new_one(office: Office) -> None:
    await office.service.apply(mapping_with("city"), CHANGE)

    result = await office.service.rollback(1, CHANGE)

    assert isinstance(result, Applied)
    assert (result.version.number, result.version.comment) == (3, "rollback to version 1")
    assert await office.live() == DEFAULTS


async def test_an_old_version_that_is_not_fit_any_more_stays_old(office: Office) -> None:
    await office.service.apply(mapping_with("city"), CHANGE)
    office.findings = (ERROR,)

    assert isinstance(await office.service.rollback(1, CHANGE), ChangeRefused)


async def test_an_old_version_that_cannot_be_parsed_any_more_is_refused(office: Office) -> None:
    await office.service.live()
    await office.repository.apply("version: 0", by="administrator")

    with pytest.raises(DataError, match="Version 2 of the mapping cannot be used any more: version"):
        await office.service.rollback(2, CHANGE)


async def test_map_34_default_rows_are_restored_on_request_only_and_leave_other_rows_alone(
    office: Office,
) -> None:
    await office.service.apply(mapping_with("city"), CHANGE)
    await office.service.live()
    assert await office.live() == mapping_with("city")

    await office.service.restore_defaults(CHANGE)

    assert await office.live() == mapping_with("city", "firstName", "jobTitle")


async def test_a_difference_names_rows_by_their_lines(office: Office) -> None:
    before, after = to_yaml(mapping_with("city")), to_yaml(mapping_with("city", "street"))

    changes = difference(before, after, "old", "new").splitlines()

    assert [line for line in changes[2:] if line[0] in "+-"] == ["+", "+  - spotler: street", "+    contact: street"]


# ----------------------------------------------------------------------------------------------- the app that follows


async def test_the_app_works_with_a_new_version_within_a_minute(office: Office) -> None:
    first = await office.app.get()
    await office.service.apply(mapping_with("city"), CHANGE)

    office.clock.advance(timedelta(seconds=59))

    assert first.mapping == DEFAULTS
    assert (await office.app.get()).mapping == mapping_with("city")


async def test_checking_for_a_new_version_is_one_small_read_every_half_minute(office: Office) -> None:
    first = await office.app.get()
    office.store.calls.clear()

    for _ in range(60):
        office.clock.advance(timedelta(seconds=1))
        assert await office.app.get() is first

    assert office.store.calls == {"read": 2}


async def test_the_version_in_use_stays_so_while_the_state_store_is_out_of_reach(office: Office) -> None:
    first = await office.app.get()
    office.clock.advance(timedelta(minutes=1))
    office.store.broken["read"] = TransientError("out of reach")

    assert await office.app.get() is first


async def test_a_new_version_that_cannot_be_used_leaves_the_old_one_in_use(office: Office) -> None:
    first = await office.app.get()
    await office.repository.apply("version: 0", by="administrator")
    office.clock.advance(timedelta(minutes=1))

    assert await office.app.get() is first


async def test_a_process_that_starts_with_an_unusable_version_reports_its_number(office: Office) -> None:
    await office.service.live()
    await office.repository.apply("version: 0", by="administrator")

    with pytest.raises(ConfigurationError, match="Version 2 of the mapping cannot be used"):
        await office.app.get()
