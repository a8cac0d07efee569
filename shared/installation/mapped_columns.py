"""The columns whose changes the connector must hear of, by table: those that a mapping reads (MAP-35)."""

from shared.domain.mapping.model import Mapping
from shared.domain.mapping.reading import reading_of
from shared.domain.records.records import PersonTable
from shared.installation.desired.reading import MappedColumns


def mapped_columns(mapping: Mapping) -> MappedColumns:
    """Return the filtering columns of the steps for Update."""
    return {str(table): reading_of(mapping, table).watched for table in PersonTable}
