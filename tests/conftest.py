"""What all suites share: one Azurite for each process of pytest, and a loud word where it was missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.azurite import NOT_COVERED, running_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """Connection string of a table service; whoever uses it takes a table of its own."""
    with running_azurite() as connection_string:
        yield connection_string


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out: a dot among hundreds is easily overlooked."""
    skipped = [str(report.longrepr) for report in terminalreporter.getreports("skipped")]
    left_out = [text for text in skipped if NOT_COVERED in text]
    if left_out:
        terminalreporter.write_sep("!", f"{len(left_out)} tests were skipped: {NOT_COVERED}", red=True, bold=True)
        terminalreporter.write_line(left_out[0], red=True)
