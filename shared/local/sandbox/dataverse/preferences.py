"""The `Prefer` header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

MAX_PAGE_SIZE = 5000

_PREFERENCE = re.compile(r'\s*([\w.\-]+)\s*(?:=\s*("[^"]*"|[^,;\s]*))?\s*(?:[,;]|$)')


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a caller prefers.

    `pages` says that the caller chose the page size; `applied` is the text of the answer's `Preference-Applied`.
    """

    page_size: int = MAX_PAGE_SIZE
    pages: bool = False
    annotations: tuple[str, ...] = ()
    representation: bool = False
    continue_on_error: bool = False
    track_changes: bool = False
    applied: str = ""

    def wants(self, annotation: str) -> bool:
        """Whether this annotation is asked for, by name or by a pattern such as `*`."""
        return any(fnmatchcase(annotation, pattern) for pattern in self.annotations)


def parse(header: str) -> Preferences:
    """Read the header; preferences that Dataverse does not know are ignored, as the standard demands."""
    found = {match[1].lower(): (match[2] or "").strip('"') for match in _PREFERENCE.finditer(header) if match[1]}
    size = found.get("odata.maxpagesize", "")
    annotations = tuple(one.strip() for one in found.get("odata.include-annotations", "").split(",") if one.strip())
    applied = []
    if size.isdigit():
        applied.append(f"odata.maxpagesize={size}")
    if annotations:
        applied.append(f'odata.include-annotations="{",".join(annotations)}"')
    if "odata.track-changes" in found:
        applied.append("odata.track-changes")
    return Preferences(
        page_size=min(max(int(size), 1), MAX_PAGE_SIZE) if size.isdigit() else MAX_PAGE_SIZE,
        pages=size.isdigit(),
        annotations=annotations,
        representation=found.get("return") == "representation",
        continue_on_error="odata.continue-on-error" in found,
        track_changes="odata.track-changes" in found,
        applied=", ".join(applied),
    )
