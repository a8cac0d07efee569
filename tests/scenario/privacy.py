"""Marked personal data: everybody in these scenarios consists of it, so that a leak can be found by its bytes."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote_plus

MARK = "Zaphodqx"
BIRTHDATE = "1971-03-17"
POSTCODE = "7531 QX"
TELEPHONE = "030-9871234"
MOBILE = "06-98712345"

_IDENTIFIERS = re.compile(rb"[0-9a-f-]{20,}|[0-9]{16,}")
"""Ids and hashes, and times in microseconds."""

_MARKS = (MARK, BIRTHDATE, POSTCODE, "7531QX", TELEPHONE, "9871234", "98712345")
"""As written in Dataverse, and as written in Spotler."""


def leaks(folder: Path) -> list[str]:
    """Name the files below a folder that hold marked values, whichever way a text may be encoded, with the place."""
    return [
        f"{path.relative_to(folder)}: {_around(content, position)!r}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in (path.read_bytes().lower(),)
        for mark in _MARKS
        for encoding in ("utf-8", "utf-16-le")
        if (position := _place(content, mark.lower().encode(encoding))) >= 0
    ]


def _place(content: bytes, mark: bytes) -> int:
    """Return where a mark stands, -1 if nowhere. A few digits within an id, a hash or a time are chance."""
    if mark not in content:
        return -1
    chance = [found.span() for found in _IDENTIFIERS.finditer(content)] if mark.isdigit() else []
    for found in re.finditer(re.escape(mark), content):
        if not any(begin <= found.start() and found.end() <= end for begin, end in chance):
            return found.start()
    return -1


def marks_in(content: bytes) -> list[str]:
    """Return the marks that an answer or an output holds, as text or escaped as JSON and URLs do."""
    plain = content.decode("utf-8", errors="replace")
    texts = (plain, unquote_plus(plain))
    return [mark for mark in _MARKS if any(mark.lower() in text.lower() for text in texts)]


def _around(content: bytes, position: int) -> bytes:
    return content[max(0, position - 60) : position + 40]
