"""External ids that can be addressed: `GET /contact/{externalId}` shares its path with fixed words."""

from urllib.parse import quote

from shared.domain.wording.causes.spotler_causes import SpotlerCause
from shared.errors import DataError, Service

FIXED_PATH_WORDS = frozenset(
    {"list", "search", "properties", "updates", "bounces", "optouts", "anonymize", "inactivate", ".", ".."}
)
AMBIGUOUS_CHARACTERS = frozenset("/\\?#%;")
"""Proxies and servers interpret these differently in a path, encoded or not."""


def complaint(external_id: str) -> str:
    """Return what is wrong with an id, without quoting it; "" if it can be addressed."""
    if not external_id.strip():
        return "the external id is empty"
    if external_id in FIXED_PATH_WORDS:
        return "the external id is a fixed word of the API's paths"
    if not external_id.isprintable() or AMBIGUOUS_CHARACTERS.intersection(external_id):
        return (
            "the external id contains a character that cannot be addressed: one of / \\ ? # % ; or a control character"
        )
    return ""


def path_segment(external_id: str) -> str:
    """Encode an id for use in a path; DataError if it cannot be addressed."""
    return quote(checked(external_id), safe="")


def checked(external_id: str) -> str:
    """Return an id unchanged; DataError if it cannot be addressed."""
    if wrong := complaint(external_id):
        raise DataError(SpotlerCause.NO_ADDRESS(), service=Service.SPOTLER, code="EXTERNAL_ID_INVALID", detail=wrong)
    return external_id
