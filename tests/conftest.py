"""What all suites share: one Azurite for each process of pytest, and a loud word where it was missing."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence

import execnet
import pytest
from hypothesis import HealthCheck, settings

from tests import certificates
from tests.examples import examples
from tests.order import deal
from tests.programs import azurite as azurite_program
from tests.programs import chromium
from tests.programs.azurite import running_azurite
from tests.programs.processes import FORKED_PYTHON, serve_all, serve_workers
from tests.spotler_sandbox import spotler_sdk

certificates.load_once()
gc.disable()  # until all tests are collected
gc.set_threshold(100_000, 20, 50)  # an eighth of the processor time went into collecting garbage

# No property depends on the speed of the machine.
settings.register_profile(
    "any machine", deadline=None, max_examples=examples(), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    """Start the fork servers, where several processes run the tests."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        config.add_cleanup(serve_all())
        config.add_cleanup(serve_workers(config.args))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: Sequence[execnet.XSpec]) -> None:
    """Fork the processes of xdist from one that has collected the tests."""
    for spec in specs:
        spec.python = FORKED_PYTHON


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """Connection string of a table service; whoever uses it takes a table of its own."""
    with running_azurite() as connection_string:
        yield connection_string


_SET_BY_LIBRARIES = {"PYTEST_CURRENT_TEST", "AZURE_MONITOR_DISTRO_VERSION"}


@pytest.fixture(autouse=True)
def _environment_stays() -> Iterator[None]:
    """Fail the test that leaves a setting behind: it would switch off something in a test that comes later."""
    before = dict(os.environ)
    yield
    changed = {name for name, _ in {*before.items()} ^ {*os.environ.items()}} - _SET_BY_LIBRARIES
    assert not changed, f"left in the environment: {', '.join(sorted(changed))}"


@pytest.fixture(autouse=True)
def _next_test_has_a_connector_of_its_own() -> Iterator[None]:
    """Forget the connector of this process: it has the settings of the test that asked for it first."""
    yield
    if (app := sys.modules.get("shared.composition.app")) is not None:
        app._current = None


@pytest.hookimpl(trylast=True)  # without what is not selected
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes run the tests, each begins with long ones (`order.py`)."""
    if hands := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = deal(items, hands)


def pytest_collection_finish() -> None:
    """Leave the collected tests out of every collection of garbage."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out: a dot among hundreds is easily overlooked."""
    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    for not_covered in (azurite_program.NOT_COVERED, spotler_sdk.NOT_COVERED, chromium.NOT_COVERED):
        left_out = [text for text in skipped if not_covered in text]
        if left_out:
            terminalreporter.write_sep("!", f"{len(left_out)} tests were skipped: {not_covered}", red=True, bold=True)
            terminalreporter.write_line(left_out[0], red=True)
