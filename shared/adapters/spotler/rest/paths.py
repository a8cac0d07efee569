"""Names in paths of the API: the only place where one becomes a part of a URL (contacts: `external_ids.py`).

Names are typed by people, as parameters of jobs. One of dots would lead to another call: servers and proxies read
`/audience/../contact` as `/contact`.
"""

from __future__ import annotations

from urllib.parse import quote

from shared.errors import DataError, Service

_DOTS = frozenset({"", ".", ".."})


def segment(name: str) -> str:
    """Encode a name for one segment of a path; DataError for one that would change the path."""
    if name in _DOTS:
        raise DataError("A name of dots cannot be addressed", service=Service.SPOTLER, code="NAME_INVALID")
    return quote(name, safe="")
