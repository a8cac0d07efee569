"""Documents as entities of Azure Tables, and changes as operations of its transactions."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azure.core import MatchConditions
from azure.data.tables import TableEntity, UpdateMode

from shared.adapters.storage.documents import decode_body, encode_body
from shared.adapters.storage.table_keys import escape_key, unescape_key
from shared.adapters.storage.table_layout import TableLayout, partition_of
from shared.ports.state import Change, Delete, Document, DocumentKey, Insert, Put, Replace

# Limits of the service: https://learn.microsoft.com/azure/storage/tables/scalability-targets
_TRANSACTION_CHANGES = 100
_TRANSACTION_CHARACTERS = 900_000  # of 4 MiB, but beyond 1 MiB aiohttp warns that it blocks the event loop
_STRING_CHARACTERS = 32_000  # a string holds 64 KiB of UTF-16


def transactions(changes: Sequence[Change], layout: TableLayout) -> Iterator[list[Change]]:
    """Group changes by partition of the table, within the limits of a transaction."""
    partitions: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        partitions[layout.partition_key(change.key)].append(change)
    for members in partitions.values():
        group: list[Change] = []
        size = 0
        for change in members:
            weight = 0 if isinstance(change, Delete) else len(encode_body(change.body))
            if group and (len(group) == _TRANSACTION_CHANGES or size + weight > _TRANSACTION_CHARACTERS):
                yield group
                group, size = [], 0
            group.append(change)
            size += weight
        yield group


def operation(change: Change, layout: TableLayout) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Return the change as an operation of `TableClient.submit_transaction`."""
    match change:
        case Insert(key, body):
            return "create", _entity(key, body, layout), {}
        case Replace(key, body, etag):
            return "update", _entity(key, body, layout), {"mode": UpdateMode.REPLACE, **_if_match(etag)}
        case Put(key, body):
            return "upsert", _entity(key, body, layout), {"mode": UpdateMode.REPLACE}
        case Delete(key, etag):
            return "delete", _address(key, layout), {} if etag is None else _if_match(etag)


def _if_match(etag: str) -> dict[str, Any]:
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _address(key: DocumentKey, layout: TableLayout) -> dict[str, str]:
    return {"PartitionKey": layout.partition_key(key), "RowKey": escape_key(key.row)}


def _entity(key: DocumentKey, body: Mapping[str, Any], layout: TableLayout) -> dict[str, str]:
    text = encode_body(body)
    parts = (text[start : start + _STRING_CHARACTERS] for start in range(0, len(text), _STRING_CHARACTERS))
    return _address(key, layout) | {f"body{number}": part for number, part in enumerate(parts)}


def document(entity: TableEntity) -> Document:
    """Convert an entity to a document."""
    parts: list[str] = []
    while (part := entity.get(f"body{len(parts)}")) is not None:
        parts.append(part)
    key = DocumentKey(partition_of(entity["PartitionKey"]), unescape_key(entity["RowKey"]))
    return Document(key, decode_body("".join(parts)), str(entity.metadata["etag"]))
