"""Reports the result of a list to Dataverse: its Spotler Info, and its jobs (ML-19, STA-06, JOB-25)."""

import logging
from collections.abc import Sequence
from uuid import UUID, uuid5

from shared.domain.features.lists import MemberCounts
from shared.domain.records.jobs import JobResult, JobStatus
from shared.domain.records.records import SyncStatus
from shared.errors import ConnectorError, NotFoundError
from shared.ports.clock import Clock
from shared.ports.dataverse import Crm, JobReport, ListStatus, MarketingList, MarketingLists

log = logging.getLogger(__name__)

_INFO = UUID("3c1f0a86-6f0d-4f7e-8a43-70c9d7b1e2a5")
"""Namespace of the Spotler Info ids of lists: a list's row has the same id however often it is created."""


STOPPED = "The list was deactivated or deleted while it was synchronised."


class ListReporter:
    """Writes statuses and job results. Raises ConnectorErrors."""

    def __init__(self, *, crm: Crm, marketing_lists: MarketingLists, clock: Clock) -> None:
        self._crm = crm
        self._lists = marketing_lists
        self._clock = clock

    async def status(
        self,
        marketing_list: MarketingList,
        status: SyncStatus,
        code: str,
        text: str,
        *,
        spotler_id: str = "",
        tally: MemberCounts | None = None,
    ) -> None:
        """Write Spotler Info; a row that somebody has deactivated stays as it is (STA-03)."""
        known = marketing_list.status
        if known is not None and known.status is SyncStatus.DISABLED:
            return
        await self._lists.write_status(
            ListStatus(
                list=marketing_list.id,
                info=known.id if known else uuid5(_INFO, str(marketing_list.id)),
                bind=known is None,
                status=status,
                reason_code=code,
                reason=text,
                external_id=spotler_id,
                synced_on=self._clock.now() if tally is not None else None,
                sent=tally.sent if tally else None,
                skipped=sum(tally.skipped.values()) if tally else None,
                failed=sum(tally.failed.values()) if tally else None,
            )
        )

    async def jobs(self, jobs: Sequence[UUID], status: JobStatus, code: str, text: str) -> None:
        """End jobs; a deleted job needs no report."""
        if not jobs:
            return
        now = self._clock.now()
        problems = await self._crm.report([JobReport(job, status, code, text, completed_on=now) for job in jobs])
        for problem in problems:
            if problem is not None and not isinstance(problem, NotFoundError):
                raise problem

    async def failed(
        self, marketing_list: MarketingList | None, jobs: Sequence[UUID], code: str, text: str, *, spotler_id: str = ""
    ) -> None:
        """End jobs as failed, and write the failure to the list."""
        await self.jobs(jobs, JobStatus.FAILED, code, text)
        if marketing_list is not None:
            await self.status(marketing_list, SyncStatus.FAILED, code, text, spotler_id=spotler_id)

    async def succeeded(
        self,
        marketing_list: MarketingList | None,
        jobs: Sequence[UUID],
        text: str,
        *,
        spotler_id: str,
        tally: MemberCounts,
    ) -> None:
        """End jobs as completed, and write to the list what is in Spotler now."""
        await self.jobs(jobs, JobStatus.COMPLETED, JobResult.OK, text)
        if marketing_list is not None:
            await self.status(marketing_list, SyncStatus.SUCCEEDED, "synced", text, spotler_id=spotler_id, tally=tally)

    async def try_status(self, marketing_list: MarketingList, status: SyncStatus, code: str, text: str) -> None:
        """Write Spotler Info where a failure to do so must not stop the work."""
        try:
            await self.status(marketing_list, status, code, text)
        except ConnectorError as error:
            log.warning("the Spotler Info of list %s was not written: %s", marketing_list.id, error)
