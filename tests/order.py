"""The order in which the processes of `make test` take the tests: what waits begins, what only computes fills the end.

xdist gives each process the next part of the list, of equal numbers of tests. A process that has nothing left takes
half of another's rest. So each part begins with its share of the long modules, by their seconds, and ends with
tests that can change hands for nothing. A module keeps together, and so do modules that share a world: a second
process would open it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest

SLOW_FOLDERS = (
    "chaos",
    "console",
    "contract/installation",
    "contract/messaging",
    "contract/queues",
    "contract/storage",
    "property/histories",
    "scenario",
)
_USUAL = 5
"""Seconds that a module of these folders takes, waiting included."""

LONGER = {
    "chaos/test_chaos_sandbox.py": 42,
    "console/test_console_mapping.py": 11,
    "console/test_console_pages.py": 11,
    "console/test_console_runs.py": 17,
    "contract/installation/test_deploy_dataverse.py": 15,
    "contract/installation/test_installation.py": 14,
    "contract/installation/test_installation_of_pages.py": 17,
    "contract/installation/test_solution_file.py": 11,
    "contract/messaging/test_service_bus_networks.py": 41,
    "contract/messaging/test_service_bus_refusals.py": 76,
    "contract/queues/test_dead_letters.py": 43,
    "contract/queues/test_messages.py": 25,
    "contract/queues/test_receivers.py": 14,
    "contract/storage/test_azure_tables.py": 13,
    "contract/storage/test_state_store.py": 14,
    "property/histories/test_list_histories.py": 13,
    "scenario/administration/test_scenario_mapping.py": 16,
    "scenario/consent/test_scenario_two_way_bounces.py": 10,
    "scenario/consent/test_scenario_two_way_permissions.py": 18,
    "scenario/consent/test_scenario_two_way_variables.py": 14,
    "scenario/engagement/test_scenario_mailings.py": 13,
    "scenario/faults/test_scenario_cold_starts.py": 45,
    "scenario/faults/test_scenario_faults.py": 49,
    "scenario/faults/test_scenario_kills.py": 44,
    "scenario/hosting/test_scenario_azure.py": 90,
    "scenario/hosting/test_scenario_story.py": 26,
    "scenario/inbound/test_scenario_poll.py": 14,
    "scenario/inbound/test_scenario_two_way_errors.py": 25,
    "scenario/inbound/test_scenario_two_way_fields.py": 18,
    "scenario/inbound/test_scenario_two_way_new_subscribers.py": 17,
    "scenario/jobs/test_scenario_job_timers.py": 11,
    "scenario/jobs/test_scenario_jobs_in_bulk.py": 17,
    "scenario/lists/test_scenario_marketing_lists.py": 16,
    "scenario/package/test_scenario_package.py": 32,
    "scenario/records/test_scenario_records.py": 20,
    "scenario/records/test_scenario_shared_contacts.py": 19,
    "scenario/refusals/test_scenario_refusals_at_shared_addresses.py": 24,
    "scenario/refusals/test_scenario_refusals_before_the_poll.py": 19,
    "scenario/refusals/test_scenario_refusals_entered_again.py": 18,
    "scenario/refusals/test_scenario_refusals_erased_contacts.py": 22,
    "scenario/refusals/test_scenario_refusals_in_dynamics.py": 29,
    "scenario/security/test_scenario_roles.py": 14,
}
"""Seconds of the modules that take much longer, beneath `tests/`. An entry that is not exact costs balance only."""


def deal(items: Sequence[pytest.Item], hands: int) -> list[pytest.Item]:
    """Return the same tests in an order of which each process takes one part."""
    groups = {path: list(tests) for path, tests in groupby(items, key=lambda item: item.path)}
    together: dict[str, list[pytest.Item]] = {}
    short: list[pytest.Item] = []
    seconds: dict[str, int] = {}
    for path, tests in groups.items():
        name = path.relative_to(Path(__file__).parent).as_posix()
        if not name.startswith(SLOW_FOLDERS):
            short += tests
            continue
        world = _world(name, tests)
        together.setdefault(world, []).extend(tests)
        seconds[world] = seconds.get(world, 0) + LONGER.get(name, _USUAL)
    parts: list[list[pytest.Item]] = [[] for _ in range(hands)]
    load = [0] * hands
    for world in sorted(together, key=lambda one: -seconds[one]):
        hand = load.index(min(load))
        parts[hand] += together[world]
        load[hand] += seconds[world]
    return list(_filled(parts, short))


def _world(name: str, tests: Sequence[pytest.Item]) -> str:
    """Return the same text for modules that share a world, and else the name of the module."""
    if name.startswith("contract/storage"):
        return "azurite"
    folder = name.partition("/")[0]
    shares = folder == "console" or any(
        "world" in getattr(test, "fixturenames", ()) and not hasattr(getattr(test, "module", None), "world")
        for test in tests
    )
    return folder if shares else name


def _filled(parts: Sequence[list[pytest.Item]], short: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Fill each part with short tests, up to the number at which xdist divides the list."""
    left = len(short) + sum(map(len, parts))
    taken = 0
    for number, part in enumerate(parts):
        size = left // (len(parts) - number)
        more = max(0, size - len(part)) if number < len(parts) - 1 else len(short)
        yield from part
        yield from short[taken : taken + more]
        taken += more
        left -= size
