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
    "chaos/test_chaos_sandbox.py": 68,
    "console/test_console_mapping.py": 14,
    "console/test_console_pages.py": 11,
    "console/test_console_runs.py": 20,
    "contract/installation/test_deploy_dataverse.py": 20,
    "contract/installation/test_install_command.py": 22,
    "contract/installation/test_installation_of_pages.py": 15,
    "contract/installation/test_killed_installation.py": 14,
    "contract/installation/test_solution_file.py": 15,
    "contract/messaging/test_service_bus_networks.py": 40,
    "contract/messaging/test_service_bus_refusals.py": 78,
    "contract/queues/test_dead_letters.py": 41,
    "contract/queues/test_messages.py": 25,
    "contract/queues/test_receivers.py": 14,
    "contract/storage/test_azure_tables.py": 17,
    "contract/storage/test_state_store.py": 16,
    "property/histories/test_list_histories.py": 12,
    "property/histories/test_queue_histories.py": 11,
    "property/histories/test_sandbox_histories.py": 13,
    "property/histories/test_two_way_histories.py": 17,
    "scenario/administration/test_scenario_mapping_terminal.py": 11,
    "scenario/administration/test_scenario_settings.py": 12,
    "scenario/consent/test_scenario_consent_timers.py": 29,
    "scenario/consent/test_scenario_two_way_bounces.py": 17,
    "scenario/consent/test_scenario_two_way_opt_outs.py": 14,
    "scenario/consent/test_scenario_two_way_permissions.py": 13,
    "scenario/consent/test_scenario_two_way_variables.py": 12,
    "scenario/engagement/test_scenario_mailings.py": 13,
    "scenario/faults/test_scenario_cold_starts.py": 53,
    "scenario/faults/test_scenario_faults.py": 45,
    "scenario/faults/test_scenario_kills.py": 31,
    "scenario/hosting/test_scenario_azure.py": 107,
    "scenario/hosting/test_scenario_story.py": 41,
    "scenario/inbound/test_scenario_new_subscribers.py": 14,
    "scenario/inbound/test_scenario_poll.py": 13,
    "scenario/inbound/test_scenario_two_way_errors.py": 35,
    "scenario/inbound/test_scenario_two_way_fields.py": 28,
    "scenario/inbound/test_scenario_two_way_new_subscribers.py": 19,
    "scenario/jobs/test_scenario_job_timers.py": 17,
    "scenario/jobs/test_scenario_jobs_in_bulk.py": 31,
    "scenario/lists/test_scenario_marketing_lists.py": 40,
    "scenario/package/test_scenario_package.py": 23,
    "scenario/records/test_scenario_records.py": 22,
    "scenario/records/test_scenario_shared_contacts.py": 21,
    "scenario/refusals/test_scenario_refusals_at_shared_addresses.py": 31,
    "scenario/refusals/test_scenario_refusals_before_the_poll.py": 30,
    "scenario/refusals/test_scenario_refusals_beside_refused_values.py": 12,
    "scenario/refusals/test_scenario_refusals_entered_again.py": 21,
    "scenario/refusals/test_scenario_refusals_erased_contacts.py": 25,
    "scenario/refusals/test_scenario_refusals_in_dynamics.py": 27,
    "scenario/security/test_scenario_access.py": 12,
    "scenario/security/test_scenario_limits.py": 25,
    "scenario/security/test_scenario_roles.py": 21,
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
