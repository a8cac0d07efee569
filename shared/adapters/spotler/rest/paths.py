"""Encodes names for paths of the API (external ids of contacts: `external_ids.py`).

People type names as parameters of jobs. A name of dots would address another call: servers and proxies read
`/audience/../contact` as `/contact`.
"""

from urllib.parse import quote

from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, Service

_DOTS = frozenset({"", ".", ".."})


def segment(name: str) -> str:
    """Encode a name for one segment of a path; DataError for one that would change the path."""
    if name in _DOTS:
        raise DataError(SpotlerCause.DOTS(), service=Service.SPOTLER, code="NAME_INVALID")
    return quote(name, safe="")
