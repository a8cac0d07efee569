"""The records that a dead letter names: what a list of problems shows of it."""

import json
from collections.abc import Sequence

from shared.domain.records.records import RecordKey


def keys_in(body: bytes) -> Sequence[RecordKey]:
    """Return the records of a message of the lanes; none of another message, or of one that cannot be read."""
    try:
        references = json.loads(body)["references"]
        return [RecordKey.parse(f"{one['table']}:{one['id']}") for one in references]
    except (ValueError, KeyError, TypeError):
        return ()
