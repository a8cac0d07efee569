"""Comments that the connector writes with a version of the mapping."""

from shared.domain.wording.phrase import Wording


class VersionComment(Wording):
    """Why a version was made, where no person says it."""

    ROLLBACK = "rollback to version %(number)s"
    DEFAULTS = "default rows restored"
