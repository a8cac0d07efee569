"""Where documents lie in Azure Tables: each busy partition is spread over several partitions of the table.

A partition of Azure Tables takes 2,000 entities a second, and an account 20,000
(https://learn.microsoft.com/azure/storage/tables/scalability-targets). For each contact the engine reads and writes
up to three documents of each busy kind, and ten in all. With four parts of each kind, the account is the limit.

The layout is chosen for an empty table and kept in it. A table that was filled before keeps one part of each kind,
until `python -m shared state spread` moves its documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from zlib import crc32

from shared.adapters.storage.table_keys import escape_key, unescape_key
from shared.ports.state import DocumentKey

LAYOUT_KEY = DocumentKey("state-layout", "parts")
"""The document that holds the layout. The state store never shows it."""

_BUSY = frozenset({"binding", "contact", "address"})
"""The last word of partitions that are spread, such as `default-binding`."""

_MARK = "~"
"""Begins the number of a part, 1 to 9, at the end of an escaped partition: only `~0` is an escape."""


@dataclass(frozen=True, slots=True)
class TableLayout:
    """Into how many parts, 1 to 9, each busy partition is spread, and whether documents are still being moved there."""

    parts: int
    is_moving: bool = False

    @classmethod
    def of_new_table(cls) -> Self:
        """Return the layout of a table that is empty."""
        return cls(4)

    @classmethod
    def of_former_table(cls) -> Self:
        """Return the layout of a table without a document that holds it."""
        return cls(1)

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """Read what `body` wrote."""
        return cls(int(body["parts"]), bool(body.get("moving")))

    @property
    def body(self) -> Mapping[str, Any]:
        """Return the body of the document that holds the layout."""
        return {"parts": self.parts} | ({"moving": True} if self.is_moving else {})

    def partition_keys(self, partition: str) -> list[str]:
        """Return the keys of all parts of a partition, escaped."""
        escaped = escape_key(partition)
        if self.parts == 1 or partition.rpartition("-")[2] not in _BUSY:
            return [escaped]
        return [f"{escaped}{_MARK}{number}" for number in range(1, self.parts + 1)]

    def partition_key(self, key: DocumentKey) -> str:
        """Return the key of the part in which a document lies, escaped."""
        several = self.partition_keys(key.partition)
        return several[crc32(key.row.encode("ascii")) % len(several)]


def partition_of(partition_key: str) -> str:
    """Return the partition of the port to which a partition of the table belongs."""
    is_part = partition_key[-2:-1] == _MARK and partition_key[-1] != "0"
    return unescape_key(partition_key[:-2] if is_part else partition_key)
