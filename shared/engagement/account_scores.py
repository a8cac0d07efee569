"""Scores of accounts as the sum of the five highest scores of their contacts, each night (ACCOUNT_SCORES=top5)."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from heapq import nlargest

from shared.domain.engagement.scores import Score
from shared.domain.records.records import RecordKey
from shared.engagement.choices import AccountScores
from shared.engagement.policy import EngagementPolicy
from shared.ports.engagement import ScoreRows, ScoreWrite

log = logging.getLogger(__name__)

_HIGHEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SummedAccounts:
    """Sums the scores of contacts up."""

    scores: ScoreRows
    policy: EngagementPolicy

    async def write(self) -> None:
        """Write the accounts that show another sum. Nothing is done where accounts have scores of their own."""
        if self.policy.accounts is AccountScores.OWN:
            return
        wanted = await self._sums()
        shown = {one.record: one.score async for page in self.scores.scored_accounts() for one in page}
        writes = [
            ScoreWrite(account, sum_of_five)
            for account in sorted(wanted.keys() | shown.keys())
            if (sum_of_five := wanted.get(account, Score())) != shown.get(account, Score())
        ]
        if writes:
            await self.scores.write(writes)
            log.info("%d accounts show another sum of their contacts' scores", len(writes))

    async def _sums(self) -> dict[RecordKey, Score]:
        totals: defaultdict[RecordKey, list[int]] = defaultdict(list)
        recents: defaultdict[RecordKey, list[int]] = defaultdict(list)
        async for page in self.scores.contacts_of_accounts():
            for account, score in page:
                totals[account] = nlargest(_HIGHEST, (*totals[account], score.engagement))
                recents[account] = nlargest(_HIGHEST, (*recents[account], score.recent))
        return {account: Score(sum(found), sum(recents[account])) for account, found in totals.items()}
