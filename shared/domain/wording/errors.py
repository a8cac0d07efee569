"""Why a service or the state of the connector gave an error."""

from shared.domain.wording.phrase import Phrase, Wording
from shared.errors import ConnectorError


class ErrorText(Wording):
    """The frequent causes of errors; the others are in the modules whose names end with `causes`."""

    MARKED = "%(summary)s (%(marks)s)"
    CALL = "%(text)s: %(operation)s"
    NOT_WITHIN = "no answer within %(seconds)s s"

    CREDENTIALS = "the credentials were refused"
    TOO_MANY = "too many requests"
    NO_USABLE_ANSWER = "no usable answer"
    CONTENT = "the content was refused"
    CHANGED = "it changed in between"
    ACCESS = "access or address was refused"
    FILE_UNOPENED = "the file cannot be opened"
    FILE_BUSY = "the file is busy or full"
    FILE_UNUSABLE = "the file cannot be used"
    CONNECTION_STRING = "the connection string is malformed"
    ACCOUNT_URL = "the account URL is malformed"
    NAMESPACE_BUSY = "the namespace is busy or the queue is full"
    QUEUE_DISABLED = "the queue %(queue)s is disabled: enable it in the namespace"
    QUEUE_MISSING = "the queue %(queue)s is missing: create it in the namespace"
    ASKED_FOR = "that was asked for"
    TABLE_MOVES = "Documents of the state table are being moved: `python -m shared state spread` finishes that"
    TABLE_CHANGES = "the layout of the table is being changed"
    LONG_PAUSE = "%(service)s asked for a long pause"

    NO_JSON = "The answer is not JSON: %(operation)s"
    NO_ANSWER = "No answer: %(operation)s"
    NOT_SAFE = "No answer, and not safe to repeat: %(operation)s"
    DATAVERSE_WAITS = "Dataverse asks to wait with %(operation)s"
    DATAVERSE_CREDENTIALS = "Dataverse did not accept the credentials"
    PRIVILEGE = "The connector's role in Dataverse lacks a privilege"
    UNKNOWN_MEMBER = "Dataverse does not know a table, column or relationship of the request"
    NO_WEB_API = "There is no Dataverse Web API at the organisation URL"
    NO_ROW = "The row does not exist"
    SUCH_A_ROW = "Dataverse has such a row already"
    ROW_CHANGED = "The row was changed or created in between"
    GAVE_UP = "Dataverse gave up waiting"
    DATAVERSE_FAILED = "Dataverse failed"
    ELSEWHERE = "The organisation URL leads elsewhere"
    DATAVERSE_REFUSED = "Dataverse refused"
    INCOMPLETE_URL = "The organisation URL is not complete"
    TOKEN_FAILED = "The token endpoint failed"  # noqa: S105  # no secret
    TOKEN_REFUSED = "The token endpoint refused"  # noqa: S105  # no secret
    TOKEN_UNREACHED = "The token endpoint could not be reached"  # noqa: S105  # no secret
    NO_TOKEN_ENDPOINT = "The authority is no token endpoint"  # noqa: S105  # no secret
    NO_TOKEN = "Microsoft Entra gave no token for Dataverse"  # noqa: S105  # no secret
    ENTRA_UNASKED = "Microsoft Entra could not be asked for a token"
    CERTIFICATE_UNREAD = "The certificate for Dataverse cannot be read"
    CERTIFICATE_FORM = "The certificate for Dataverse is neither a readable file nor base64 of PEM or PFX"
    CERTIFICATE_UNUSABLE = "The tenant, the client id or the certificate for Dataverse cannot be used"
    NO_DATAVERSE_URL = "DATAVERSE_URL is not set: name the organisation, or start with `make run`"

    SPOTLER_FORBIDS = "Spotler does not allow %(operation)s: %(advice)scheck key, secret and licence"
    CLOCK_AHEAD = "the local clock is %(seconds)s s ahead of Spotler's: set it; otherwise "
    CLOCK_BEHIND = "the local clock is %(seconds)s s behind Spotler's: set it; otherwise "
    NO_CALL = "There is no %(operation)s at Spotler's base URL"
    SPOTLER_THROTTLES = "Spotler throttles %(operation)s"
    SPOTLER_REFUSED = "Spotler refused %(operation)s"
    SPOTLER_UNREADABLE = "Spotler's answer to %(operation)s cannot be read"
    SPOTLER_SILENT = "Spotler did not answer %(operation)s"
    SPOTLER_UNKNOWN = "Spotler may or may not have carried out %(operation)s"
    NO_SPOTLER_KEY = "SPOTLER_KEY is not set: create a key in Spotler, or start with `make run`"

    VERSION_UNUSABLE = "Version %(number)s of the mapping cannot be used: %(problem)s"
    VERSION_OUTDATED = "Version %(number)s of the mapping cannot be used any more: %(problem)s"
    NO_VERSION = "There is no version %(number)s of the mapping"
    ACTOR = "Say who applies the mapping by a role or an id (letters, digits, - and _), not by a name"
    LONG_COMMENT = "The comment is longer than %(most)s characters"
    LARGE_MAPPING = "The mapping is too large to be kept"
    TAKES_LONG = "This takes longer than %(seconds)s seconds: send less at a time, or wait for others"
    OTHER_POLL = "another poll is under way"


def cause_of(error: ConnectorError) -> Phrase:
    """Return the text of an error, `str(error)`, as a phrase."""
    summary = error.summary if isinstance(error.summary, Phrase) else Phrase.untranslated(error.summary)
    return ErrorText.MARKED(summary=summary, marks=error.marks) if error.marks else summary
