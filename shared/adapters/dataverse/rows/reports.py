"""Reports of results as operations of one batch, and the error of each report."""

from collections.abc import Sequence
from typing import assert_never

from shared.adapters.dataverse.rows import jobs
from shared.adapters.dataverse.rows.posts import post_operation
from shared.adapters.dataverse.rows.spotler_info import record_status_operations
from shared.adapters.dataverse.web_api.answers import OperationResult
from shared.adapters.dataverse.web_api.faults import DUPLICATE_KEY
from shared.adapters.dataverse.web_api.operations import WebApiOperation
from shared.errors import ConnectorError
from shared.ports.dataverse import JobReport, Report, StatusReport, TimelinePost


class ReportBatch:
    """The operations of reports, in order; a report may take more than one."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self._groups = [(report, _operations(report)) for report in reports]
        self.operations = [operation for _, group in self._groups for operation in group]

    def problems(self, results: Sequence[OperationResult]) -> list[ConnectorError | None]:
        """Return the first error of each report, from the results of `operations`."""
        following = iter(results)
        problems: list[ConnectorError | None] = []
        for report, group in self._groups:
            errors = [error for _ in group if (error := _error(report, next(following))) is not None]
            problems.append(errors[0] if errors else None)
        return problems


def _error(report: Report, result: OperationResult) -> ConnectorError | None:
    """Return the error of an operation, except for a post that an earlier attempt wrote."""
    error = result.error
    if isinstance(report, TimelinePost) and error is not None and error.code == DUPLICATE_KEY:
        return None
    return error


def _operations(report: Report) -> list[WebApiOperation]:
    match report:
        case StatusReport():
            return record_status_operations(report)
        case JobReport():
            return [jobs.report_operation(report)]
        case TimelinePost():
            return [post_operation(report)]
        case _:
            assert_never(report)
