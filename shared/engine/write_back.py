"""Writes to Dataverse what Spotler knows better: after Spotler was written, before bindings are saved."""

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
    """What was written to Dataverse for one record, and the result."""

    changes: DataverseChanges
    result: WritebackResult

    @property
    def prints(self) -> Mapping[str, str]:
        """Fingerprints of the fields that Dataverse took."""
        if self.result.error is not None:
            return {}
        left_out = {problem.property_name for problem in self.result.problems}
        return {name: text for name, text in self.changes.prints.items() if name.partition(":")[0] not in left_out}

    @property
    def restated(self) -> frozenset[str]:
        """Fields whose value in Dataverse may differ from Spotler's now: the record must be processed again."""
        return self.result.restated & self.prints.keys()


def dataverse_changes(context: RecordContext, planned: Decision, applied: Applied) -> DataverseChanges:
    """Return what is to be written to Dataverse, after the answer of Spotler."""
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


def refusals(changes: DataverseChanges) -> frozenset[str]:
    """Name what the connector is about to refuse in the person's name: later it must not count as a user's refusal."""
    return frozenset({BULK_EMAIL}) if changes.refuses_bulk else frozenset()


async def write_back(
    contexts: Mapping[RecordKey, RecordContext], changes: Mapping[RecordKey, DataverseChanges], writebacks: Writebacks
) -> dict[RecordKey, WrittenBack]:
    """Write all changes in one request. Records without changes are missing in the answer."""
    wanted = {key: one for key, one in changes.items() if one}
    if not wanted:
        return {}
    requests = [_writeback(contexts[key], one) for key, one in wanted.items()]
    try:
        results = await writebacks.write_back(requests)
    except ConnectorError as error:
        results = [WritebackResult(error)] * len(requests)
    return {key: WrittenBack(one, result) for (key, one), result in zip(wanted.items(), results, strict=True)}


def _writeback(context: RecordContext, changes: DataverseChanges) -> Writeback:
    return Writeback(
        key=context.key,
        etag=context.record.etag if context.record is not None else "",
        fields=changes.fields,
        subscriptions=changes.subscriptions,
        refuses_bulk=changes.refuses_bulk,
    )
