"""Requirements of the write back that a default, a table or a document fulfils."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from shared.composition.first_mapping import DEFAULT_MAPPING, load_mapping
from shared.composition.settings import Settings
from shared.domain.features.subscriber_import import ImportTarget
from shared.domain.mapping.language.expression import MapTo, OptionSource
from shared.domain.mapping.model import Direction
from shared.domain.records.records import PersonTable
from shared.local.commands.connector import ROOT
from shared.local.functions_host.schedule import parse_schedule
from tests.connector_twin import person
from tests.unit.inbound.two_way.exchanging import met, value

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def gaps(setting: str) -> set[timedelta]:
    """How long it is from one time to the next."""
    due = parse_schedule(Settings.model_fields[setting].default)
    times = [NOON]
    for _ in range(6):
        times.append(due.next_after(times[-1]))
    return {later - sooner for sooner, later in pairwise(times[1:])}


@pytest.mark.parametrize(
    ("setting", "gap"),
    [
        ("poll_schedule", timedelta(minutes=15)),
        ("permissions_schedule", timedelta(days=1)),
        ("automations_schedule", timedelta(hours=12)),
        ("reconcile_schedule", timedelta(days=1)),
    ],
)
def test_s2d_01_c_05_contacts_are_polled_every_quarter_of_an_hour_and_the_rest_as_often_as_it_should(
    setting: str, gap: timedelta
) -> None:
    assert gaps(setting) == {gap}


def test_s2d_05_c_08_the_default_mapping_writes_only_permissions_back() -> None:
    rows = [row for row in load_mapping(DEFAULT_MAPPING).rows if row.direction is not Direction.TO_PLATFORM]
    assert {(row.property_name, row.direction) for row in rows} == {("permissions", Direction.BOTH)}
    assert {row.sources[table] for row in rows for table in PersonTable} == {MapTo(OptionSource.PERMISSIONS)}


def test_c_07_new_subscribers_are_left_alone_by_default() -> None:
    assert Settings.model_fields["new_subscriber_target"].default is ImportTarget.NONE


async def test_s2d_08_a_day_on_which_very_many_change_is_read_page_by_page() -> None:
    twin, _ = await met()
    people = [
        twin.crm.create(**person(emailaddress1=f"p{number}@example.com", address1_city=None, new_hobby=None))
        for number in range(120)
    ]
    await twin.sync(*people)
    for number in range(120):
        twin.platform.edit(twin.contact_of(f"p{number}@example.com"), hobby=f"chess {number}")
    twin.platform.calls.clear()

    await twin.poll()

    assert twin.platform.calls["updates"] == 2
    assert [value(twin, key, "new_hobby") for key in people] == [f"chess {number}" for number in range(120)]


@pytest.mark.parametrize(
    ("requirement", "document", "says"),
    [
        ("PERM-02", "docs/tables.md", "| `dh_subscribed` | two options |"),
        ("PERM-22", "docs/howto/consent.md", "until you have deleted the rows"),
        ("BNC-01", "docs/howto/consent.md", "| *Active* |"),
        ("BNC-02", "docs/howto/consent.md", "| *Active: Static* |"),
        ("BNC-03", "docs/howto/consent.md", "| *Active: Dynamic* |"),
        ("BNC-10", "docs/tables.md", "`category` Spotler, `subcategory` Bounce"),
        ("OPT-09", "docs/howto/consent.md", "**only the e-mail address**"),
        ("NEW-08", "docs/howto/two-way.md", "an old contact"),
        ("IF-01", "docs/howto/two-way.md", "for iFunds Engage 365"),
    ],
)
def test_manual_steps_are_in_the_documents(requirement: str, document: str, says: str) -> None:
    assert says in (ROOT / document).read_text(encoding="utf-8"), requirement
