"""Reads multipart bodies (RFC 2046, 5.1.1) and the parts in them: headers and a body, as in HTTP.

The parts of a `$batch` are binary (OData 4.01, 11.7), so no body has a transfer encoding. A reader of e-mail would take
five times as long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_BLANK_LINE = re.compile(rb"(?:\A|\r?\n)\r?\n")


@dataclass(frozen=True, slots=True)
class Part:
    """Headers, by their names in small letters, and a body; both may be empty."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def content_type(self) -> str:
        """Value of the header; empty without one."""
        return self.headers.get("content-type", "")


def parts(content_type: str, content: bytes) -> Iterator[Part]:
    """Read the parts one by one; none if the type is not multipart. A part without an end counts as well."""
    boundary = _BOUNDARY.search(content_type) if content_type.lower().startswith("multipart/") else None
    if boundary is None:
        return
    delimiter = b"--" + (boundary[1] or boundary[2]).encode("latin-1", "replace")
    for section in _sections(delimiter, content):
        yield read_part(section)


def read_part(content: bytes) -> Part:
    """Read headers, a blank line and a body."""
    blank = _BLANK_LINE.search(content)
    head, body = (content[: blank.start()], content[blank.end() :]) if blank else (content, b"")
    return Part(_headers(head), body)


def _sections(delimiter: bytes, content: bytes) -> Iterator[bytes]:
    """Yield what is between lines that are the delimiter; the line that ends with `--` is the last one."""
    start: int | None = None
    at = content.find(delimiter)
    while at >= 0:
        end_of_line = content.find(b"\n", at)
        following = len(content) if end_of_line < 0 else end_of_line + 1
        rest = content[at + len(delimiter) : following].rstrip(b" \t\r\n")
        if rest in {b"", b"--"} and (at == 0 or content[at - 1 : at] == b"\n"):
            if start is not None:
                yield content[start:at].removesuffix(b"\n").removesuffix(b"\r")
            if rest:
                return
            start = following
        at = content.find(delimiter, following)
    if start is not None:
        yield content[start:]


def _headers(head: bytes) -> dict[str, str]:
    """Read the lines; one that begins with a blank continues the line before it, and one without a colon is ignored."""
    headers: dict[str, str] = {}
    last = ""
    for line in head.splitlines():
        name, colon, value = line.partition(b":")
        if line[:1] in {b" ", b"\t"} and last:
            headers[last] += f" {line.strip().decode('latin-1')}"
        elif colon:
            last = name.strip().lower().decode("latin-1")
            headers[last] = value.strip().decode("latin-1")
    return headers
