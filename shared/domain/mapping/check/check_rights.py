"""Checks whether the connector's user may read the related tables of a mapping (MAP-19, MAP-21)."""

from collections.abc import Collection, Iterator, Mapping

from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.related_tables import RelatedRead, related_reads
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import ReadRight, Schema, TableReach
from shared.domain.wording.findings import FindingText


def rights_findings(
    mapping: FieldMapping, tables: Collection[PersonTable], schema: Schema, rights: Mapping[str, ReadRight] | None
) -> Iterator[Finding]:
    """Yield tables that may not be read, or only in part.

    `rights` are by table, None if Dataverse does not return them.
    """
    reads = [one for table in sorted(tables) for one in related_reads(mapping, table, schema)]
    if rights is None:
        if names := sorted({one.table for one in reads}):
            text = FindingText.RIGHTS_UNKNOWN(tables=tuple(names))
            yield Finding(Severity.NOTE, Code.RIGHTS_UNKNOWN, text)
        return
    for one in reads:
        if (right := rights.get(one.table)) is not None:
            yield from _finding(one, right)


def _finding(read: RelatedRead, right: ReadRight) -> Iterator[Finding]:
    named = {"source": str(read.source), "table": read.table, "privilege": right.privilege}
    match right.reach:
        case TableReach.NOTHING:
            text = FindingText.TABLE_REFUSED(**named)
            yield Finding(Severity.ERROR, Code.TABLE_REFUSED, text, read.row, read.reader)
        case TableReach.SOME:
            text = FindingText.TABLE_PARTLY_REFUSED(**named)
            yield Finding(Severity.WARNING, Code.TABLE_PARTLY_REFUSED, text, read.row, read.reader)
        case TableReach.ALL:
            pass
