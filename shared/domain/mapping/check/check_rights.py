"""Checks whether the connector's user may read the related tables of a mapping (MAP-19, MAP-21)."""

from collections.abc import Collection, Iterator, Mapping

from shared.domain.mapping.findings import Code, Finding, Severity
from shared.domain.mapping.model import Mapping as FieldMapping
from shared.domain.mapping.related_tables import RelatedRead, related_reads
from shared.domain.records.records import PersonTable
from shared.domain.records.table_schema import ReadRight, Schema, TableReach


def rights_findings(
    mapping: FieldMapping, tables: Collection[PersonTable], schema: Schema, rights: Mapping[str, ReadRight] | None
) -> Iterator[Finding]:
    """Yield tables that may not be read, or only in part.

    `rights` are by table, None if Dataverse does not return them.
    """
    reads = [one for table in sorted(tables) for one in related_reads(mapping, table, schema)]
    if rights is None:
        if names := sorted({one.table for one in reads}):
            text = f"Dataverse does not tell whether the connector may read {', '.join(names)}: look at its role"
            yield Finding(Severity.NOTE, Code.RIGHTS_UNKNOWN, text)
        return
    for one in reads:
        if (right := rights.get(one.table)) is not None:
            yield from _finding(one, right)


def _finding(read: RelatedRead, right: ReadRight) -> Iterator[Finding]:
    match right.reach:
        case TableReach.NOTHING:
            text = (
                f"{read.source} reads {read.table}, and the connector's role in Dataverse lacks {right.privilege}: "
                f"add Read on {read.table}, for all rows, to the role of its application user (Spotler Service)"
            )
            yield Finding(Severity.ERROR, Code.TABLE_REFUSED, text, read.row, read.reader)
        case TableReach.SOME:
            text = (
                f"{read.source} reads {read.table}, of which the connector's role shows some rows only; "
                f"others may look empty: extend {right.privilege} to the whole organisation"
            )
            yield Finding(Severity.WARNING, Code.TABLE_PARTLY_REFUSED, text, read.row, read.reader)
        case TableReach.ALL:
            pass
