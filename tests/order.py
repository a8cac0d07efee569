"""The order in which the processes of `make test` take the tests: what waits begins, what only computes fills the end.

xdist gives each process the next part of the list, of equal numbers of tests, and lets whoever has nothing left take
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
    "chaos/test_chaos_sandbox.py": 65,
    "console/test_console_mapping.py": 13,
    "console/test_console_pages.py": 18,
    "console/test_console_runs.py": 18,
    "contract/installation/test_deploy_dataverse.py": 38,
    "contract/installation/test_install_command.py": 12,
    "contract/installation/test_installation.py": 17,
    "contract/installation/test_installation_of_pages.py": 23,
    "contract/messaging/test_service_bus_networks.py": 25,
    "contract/messaging/test_service_bus_refusals.py": 43,
    "contract/queues/test_dead_letters.py": 23,
    "contract/queues/test_messages.py": 14,
    "property/histories/test_list_histories.py": 17,
    "scenario/administration/test_scenario_mapping.py": 11,
    "scenario/consent/test_scenario_two_way_permissions.py": 12,
    "scenario/consent/test_scenario_two_way_variables.py": 14,
    "scenario/engagement/test_scenario_mailings.py": 14,
    "scenario/faults/test_scenario_cold_starts.py": 29,
    "scenario/faults/test_scenario_faults.py": 28,
    "scenario/faults/test_scenario_kills.py": 17,
    "scenario/hosting/test_scenario_azure.py": 58,
    "scenario/hosting/test_scenario_story.py": 55,
    "scenario/inbound/test_scenario_two_way_errors.py": 21,
    "scenario/inbound/test_scenario_two_way_fields.py": 19,
    "scenario/jobs/test_scenario_jobs_in_bulk.py": 15,
    "scenario/lists/test_scenario_marketing_lists.py": 20,
    "scenario/package/test_scenario_package.py": 24,
    "scenario/records/test_scenario_shared_contacts.py": 13,
    "scenario/refusals/test_scenario_refusals_at_shared_addresses.py": 27,
    "scenario/refusals/test_scenario_refusals_before_the_poll.py": 17,
    "scenario/refusals/test_scenario_refusals_entered_again.py": 28,
    "scenario/refusals/test_scenario_refusals_erased_contacts.py": 13,
    "scenario/refusals/test_scenario_refusals_in_dynamics.py": 15,
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
