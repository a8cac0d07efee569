"""Brings home what Spotler knows better: after Spotler was written, before anything is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.consent.changes import BULK_EMAIL
from shared.domain.merging.dataverse_changes import NOTHING, DataverseChanges
from shared.domain.planning.conditions import refuses_bulk
from shared.domain.planning.decisions import Decision, Rest, Write
from shared.domain.records.outcomes import Outcome, Reason, Result
from shared.domain.records.records import RecordKey
from shared.engine.apply import Applied
from shared.engine.record_context import RecordContext
from shared.errors import ConnectorError
from shared.ports.writeback import Writeback, WritebackResult, Writebacks


@dataclass(frozen=True, slots=True)
class WrittenBack:
    """What was to come home for one record, and what became of it."""

    wanted: DataverseChanges
    came: WritebackResult

    @property
    def prints(self) -> Mapping[str, str]:
        """Fingerprints of the fields that Dataverse took."""
        if self.came.error is not None:
            return {}
        left_out = {problem.property_name for problem in self.came.problems}
        return {name: text for name, text in self.wanted.prints.items() if name.partition(":")[0] not in left_out}

    @property
    def restated(self) -> frozenset[str]:
        """Fields of which Dataverse may now say something that Spotler has not: they need another look."""
        return self.came.restated & self.prints.keys()


def dataverse_changes(context: RecordContext, planned: Decision, applied: Applied) -> DataverseChanges:
    """Say what is to be written to Dataverse, now that Spotler has answered."""
    if isinstance(applied, ConnectorError) or not isinstance(planned, Write | Rest):
        return NOTHING
    match applied:
        case Outcome(result=Result.FAILED, reason=Reason.OPTED_OUT) if isinstance(planned, Write):
            refuses = context.record is not None and refuses_bulk(context.record)
            return NOTHING if refuses else DataverseChanges(refuses_bulk=True)  # OPT-07
        case Outcome(result=Result.FAILED) if isinstance(planned, Write):
            return NOTHING  # the plan supposed that Spotler would take it
        case _:
            return planned.dataverse_changes


def refusals(home: DataverseChanges) -> frozenset[str]:
    """Name what is about to be refused in the person's name: who asks later must know that it was not a user."""
    return frozenset({BULK_EMAIL}) if home.refuses_bulk else frozenset()


async def write_back(
    contexts: Mapping[RecordKey, RecordContext], returns: Mapping[RecordKey, DataverseChanges], writebacks: Writebacks
) -> dict[RecordKey, WrittenBack]:
    """Write all of it in one go. Those for whom nothing comes home are missing in the answer."""
    wanted = {key: home for key, home in returns.items() if home}
    if not wanted:
        return {}
    comings = [_writeback(contexts[key], home) for key, home in wanted.items()]
    try:
        came = await writebacks.write_back(comings)
    except ConnectorError as error:
        came = [WritebackResult(error)] * len(comings)
    return {key: WrittenBack(home, one) for (key, home), one in zip(wanted.items(), came, strict=True)}


def _writeback(context: RecordContext, home: DataverseChanges) -> Writeback:
    return Writeback(
        key=context.key,
        etag=context.record.etag if context.record is not None else "",
        fields=home.fields,
        subscriptions=home.subscriptions,
        refuses_bulk=home.refuses_bulk,
    )
